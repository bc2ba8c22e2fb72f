package envelopes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/calwatch/calwatch/internal/envelopes"
)

// endsWellAt says where the realistic input may end, and how many documents
// have come by then, from the pieces that it is made of.
func endsWellAt() (well []bool, complete []int) {
	documents, declared := 0, false
	for _, p := range pieces {
		for i := range len(p.text) {
			well = append(well, !declared && (i == 0 || p.space))
			complete = append(complete, documents)
		}
		if p.document {
			documents++
		}
		if declared = declared && !p.document; p.declares {
			declared = true
		}
	}
	return append(well, !declared), append(complete, documents)
}

func TestTruncationAtEveryByteIsUnexpectedEOFAndInventsNoDocument(t *testing.T) {
	input, documents := realistic()
	well, complete := endsWellAt()
	if len(well) != len(input)+1 {
		t.Fatal("the test is wrong")
	}
	for n := range len(input) + 1 {
		for name, r := range map[string]io.Reader{
			"whole":             strings.NewReader(input[:n]),
			"one byte a read":   iotest.OneByteReader(strings.NewReader(input[:n])),
			"with the last one": iotest.DataErrReader(strings.NewReader(input[:n])),
		} {
			got := readAll(r, nil)
			if good := got.err == io.EOF; good != well[n] || !good && (!errors.Is(got.err, io.ErrUnexpectedEOF) || errors.Is(got.err, io.EOF)) {
				t.Errorf("%s, %d bytes, after %q: error %v", name, n, input[max(0, n-20):n], got.err)
			}
			if want := documents[:complete[n]]; !slices.Equal(got.documents, want) {
				t.Errorf("%s, %d bytes: documents %q\nwant %q", name, n, got.documents, want)
			}
			if got.end != int64(n) {
				t.Errorf("%s, %d bytes: InputOffset %d", name, n, got.end)
			}
		}
	}
}

func TestAfterAnXMLDeclarationADocumentHasToCome(t *testing.T) {
	for in, want := range map[string]error{
		"<?xml?>": io.ErrUnexpectedEOF, "<?xml ?> <!-- -->\n": io.ErrUnexpectedEOF, "<a/><?xml\n?>": io.ErrUnexpectedEOF,
		"<?xml?><a/>": io.EOF, "<?x?><a/>": io.EOF, "<?x?>": io.EOF, "<?xm ?>": io.EOF, "<?xmlx ?>": io.EOF, "<?XML ?>": io.EOF, "<a/><?y ??>": io.EOF, "<a><?xml ?></a>": io.EOF,
	} {
		if got := readAll(strings.NewReader(in), nil); !errors.Is(got.err, want) || strings.Contains(in, "<a") != (len(got.documents) == 1) {
			t.Errorf("%q: %q, %v, want %v", in, got.documents, got.err, want)
		}
	}
}

func TestTheReadersErrorAtEveryByteComesBackAsItself(t *testing.T) {
	idle := errors.New("no byte for 95 s")
	input, documents := realistic()
	_, complete := endsWellAt()
	for n := range len(input) + 1 {
		failing := func() io.Reader { return io.MultiReader(strings.NewReader(input[:n]), iotest.ErrReader(idle)) }
		for name, r := range map[string]io.Reader{
			"after the bytes":     failing(),
			"with the last bytes": iotest.DataErrReader(failing()),
		} {
			got := readAll(r, nil)
			if got.err != idle {
				t.Errorf("%s, %d bytes: error %v", name, n, got.err)
			}
			if want := documents[:complete[n]]; !slices.Equal(got.documents, want) {
				t.Errorf("%s, %d bytes: documents %q\nwant %q", name, n, got.documents, want)
			}
		}
	}
}

func TestReaderErrorsOfEveryKindKeepTheirIdentity(t *testing.T) {
	for _, err := range []error{
		context.Canceled, io.ErrUnexpectedEOF, io.ErrClosedPipe, io.ErrNoProgress,
		&fs.PathError{Op: "read", Path: "x", Err: errors.New("broken")},
	} {
		for _, in := range []string{"", " ", "<", "<a>", "<a/>", "<a b='", "<?xml ?>"} {
			if got := readAll(&chunks{[]string{in}, err}, nil); got.err != err {
				t.Errorf("%q, then %v: got %v", in, err, got.err)
			}
		}
	}
}

func TestAReaderErrorThatWrapsEOFIsNoCleanEnd(t *testing.T) {
	cause := &fs.PathError{Op: "read", Path: "body", Err: io.EOF}
	for _, in := range []string{"", "<a/>", "<a>", "<a"} {
		got := readAll(&chunks{[]string{in}, fmt.Errorf("proxy: %w", cause)}, nil)
		if errors.Is(got.err, io.EOF) || !errors.Is(got.err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v must be truncation and not an end", in, got.err)
		}
		if path, ok := errors.AsType[*fs.PathError](got.err); !ok || path != cause || !errors.Is(got.err, cause) {
			t.Errorf("%q: %v has lost its cause", in, got.err)
		}
		if !strings.Contains(got.err.Error(), "proxy: read body: EOF") {
			t.Errorf("%q: text %q", in, got.err)
		}
	}
}

func TestErrorsAreSticky(t *testing.T) {
	for in, what := range map[string]error{
		"<a": io.ErrUnexpectedEOF, "x": &envelopes.SyntaxError{}, "<a/>": io.EOF,
	} {
		reads := 0
		data := strings.NewReader(in)
		r := envelopes.NewReader(readerFunc(func(p []byte) (int, error) { reads++; return data.Read(p) }), nil)
		var first error
		for first == nil {
			_, first = r.Next()
		}
		if _, ok := errors.AsType[*envelopes.SyntaxError](first); !ok && !errors.Is(first, what) {
			t.Errorf("%q: %v", in, first)
		}
		before, offset := reads, r.InputOffset()
		for range 3 {
			if document, err := r.Next(); document != nil || err != first {
				t.Errorf("%q: again: %q, %v; first %v", in, document, err, first)
			}
		}
		if reads != before || r.InputOffset() != offset || envelopes.BufferSize(r) != 0 {
			t.Errorf("%q: went on reading after %v, or keeps its buffer", in, first)
		}
	}
}

func TestAReaderMayReturnBytesAndAnError(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	r := envelopes.NewReader(readerFunc(func(p []byte) (int, error) {
		if calls++; calls > 1 {
			t.Error("read again after an error")
		}
		return copy(p, "<a/><b></b><c>"), broken
	}), nil)
	for _, want := range []string{"<a/>", "<b></b>"} {
		if document, err := r.Next(); err != nil || string(document) != want {
			t.Fatalf("got %q, %v; want %q: the bytes come before the error", document, err, want)
		}
	}
	if document, err := r.Next(); document != nil || err != broken {
		t.Errorf("got %q, %v", document, err)
	}
}

func TestAReaderThatReturnsNothingManyTimesIsNoProgress(t *testing.T) {
	calls := 0
	r := envelopes.NewReader(readerFunc(func([]byte) (int, error) { calls++; return 0, nil }), nil)
	if _, err := r.Next(); err != io.ErrNoProgress || calls < 2 || calls > 1000 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestAReaderThatLiesAboutItsCountIsAnError(t *testing.T) {
	for _, n := range []int{-1, 1 << 30} {
		got := readAll(readerFunc(func([]byte) (int, error) { return n, nil }), nil)
		if got.err == nil || !strings.Contains(got.err.Error(), fmt.Sprint(n)) {
			t.Errorf("%d bytes: %v", n, got.err)
		}
	}
}
