package envelopes_test

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/calwatch/calwatch/internal/envelopes"
)

func TestADocumentOverTheLimitIsSkippedAndTheNextOneReturned(t *testing.T) {
	const limit, fits = 16, `<of>16bytes</of>`
	for _, tooLarge := range []string{
		`<a>of 17 b..</a>`[:3] + `of 17 b...</a>`, `<a>` + strings.Repeat("x", 5000) + `</a>`, `<a b="</a>" c='12345678'/>`, `<a><a><a><a></a></a></a></a>`,
		`<a><!-- </a> --></a>`, `<a><![CDATA[</a>]]></a>`, `<averylongnamethatdoesnotend/>`,
	} {
		for in, count := range map[string]int{
			"<a/>" + tooLarge + fits + "<b/>":                             1,
			"<a/>\n" + tooLarge + " " + fits + "<?xml ?>\n<b/>":           1,
			"<a/>" + tooLarge + tooLarge + fits + tooLarge + "<b/>":       3,
			tooLarge + "<a/>" + fits + "<b/>" + tooLarge + "<!-- end -->": 2,
		} {
			for name, r := range map[string]io.Reader{
				"at once": strings.NewReader(in), "byte by byte": iotest.OneByteReader(strings.NewReader(in)),
			} {
				got := readAll(r, &envelopes.Options{MaxBytes: limit})
				if got.err != io.EOF || !slices.Equal(got.documents, []string{"<a/>", fits, "<b/>"}) || got.tooLarge != count {
					t.Errorf("%.80q, %s: %q, %d too large, %v; want %d", in, name, got.documents, got.tooLarge, got.err, count)
				}
			}
		}
	}
}

func TestTooLargeIsReportedAtTheByteThatIsTooMuch(t *testing.T) {
	r := envelopes.NewReader(lastReads(t, "<?xml ?> <a>12345", 1), &envelopes.Options{MaxBytes: 7})
	if _, err := r.Next(); !errors.Is(err, envelopes.ErrTooLarge) || !strings.Contains(err.Error(), "offset 9: ") || r.InputOffset() != 17 {
		t.Errorf("%v, at %d", err, r.InputOffset())
	}
}

func TestADocumentThatIsSkippedHasToComeToItsEnd(t *testing.T) {
	opts := &envelopes.Options{MaxBytes: 10}
	if got := readAll(strings.NewReader("<a>1234567890<b></b>"), opts); got.tooLarge != 1 || !errors.Is(got.err, io.ErrUnexpectedEOF) {
		t.Errorf("%d too large, %v", got.tooLarge, got.err)
	}
	if got := readAll(strings.NewReader("<a>1234567890<b <"), opts); got.tooLarge != 1 || got.end != 16 {
		t.Errorf("%d too large, %v", got.tooLarge, got.err)
	}
}

// big is a reader of a document of size bytes and a small one after it; it
// makes them as they are read.
func big(size int) io.Reader {
	return io.MultiReader(strings.NewReader("<a>"), io.LimitReader(readerFunc(func(p []byte) (int, error) {
		for i := range p {
			p[i] = 'x'
		}
		return len(p), nil
	}), int64(size-7)), strings.NewReader("</a><b/>"))
}

func TestMemoryStaysBoundedWhateverTheSizeOfADocument(t *testing.T) {
	const maxBytes, limit = 1 << 20, 6 << 20 // the buffer and the smaller ones before it make 4 MiB; the rest is for the test and the runtime
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := envelopes.NewReader(big(64<<20), &envelopes.Options{MaxBytes: maxBytes})
	if _, err := r.Next(); !errors.Is(err, envelopes.ErrTooLarge) {
		t.Fatal(err)
	}
	if size := envelopes.BufferSize(r); size > 2*maxBytes {
		t.Errorf("buffer of %d bytes for documents of at most %d", size, maxBytes)
	}
	if got := drain(t, r); !slices.Equal(got, []string{"<b/>"}) {
		t.Errorf("then came %q", got)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > limit {
		t.Errorf("%d bytes allocated for a document of 64 MiB", got)
	}
}

func TestMemoryStaysBoundedWhateverIsBetweenDocuments(t *testing.T) {
	junk := strings.Repeat("x", 3<<20)
	for name, in := range map[string]string{
		"comment": "<!--" + junk + "--><a/>", "instruction": "<?" + junk + "?><a/>", "declaration": "<?xml " + junk + "?><a/>",
		"white space": strings.Repeat(" ", 3<<20) + "<a/>", "marks": strings.Repeat("\xef\xbb\xbf", 1<<20) + "<a/>",
	} {
		var before, after runtime.MemStats
		in := strings.NewReader(in)
		runtime.ReadMemStats(&before)
		got := readAll(in, nil)
		runtime.ReadMemStats(&after)
		if got.err != io.EOF || !slices.Equal(got.documents, []string{"<a/>"}) {
			t.Errorf("%s: %q, %v", name, got.documents, got.err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<10 {
			t.Errorf("%s: %d bytes allocated", name, n)
		}
	}
}

func TestAQuietReaderHoldsLittleWhateverItHasReadBefore(t *testing.T) {
	const small = "<a/>"
	for _, size := range []int{600, 20_000, 500_000} {
		document := "<b>" + strings.Repeat("x", size-7) + "</b>"
		var r *envelopes.Reader
		during, next := 0, 0
		parts := []string{small, document[:size/2], document[size/2:], small, small, small}
		r = envelopes.NewReader(readerFunc(func(p []byte) (int, error) {
			for next < len(parts) && parts[next] == "" {
				next++
			}
			if next == len(parts) {
				return 0, io.EOF
			}
			// All that was read before has been returned, except within the big document.
			if within := next == 1 && len(parts[1]) < size/2 || next == 2; within {
				during = max(during, envelopes.BufferSize(r))
			} else if held := envelopes.BufferSize(r); held > envelopes.QuietBuffer {
				t.Errorf("%d bytes, before part %d: a buffer of %d", size, next, held)
			}
			n := copy(p, parts[next])
			parts[next] = parts[next][n:]
			return n, nil
		}), nil)
		if got := drain(t, r); !slices.Equal(got, []string{small, document, small, small, small}) {
			t.Errorf("%d bytes: got %.30q", size, got)
		}
		if during < size/2 || during > 2*size+8<<10 {
			t.Errorf("a buffer of %d for %d bytes", during, size)
		}
	}
}

func TestTheBeginningOfADocumentDoesNotKeepTheBufferOfTheOneBefore(t *testing.T) {
	parts := []string{"<a>" + strings.Repeat("x", 1<<20) + "</a><b>", "", "</b>"}
	var r *envelopes.Reader
	r = envelopes.NewReader(readerFunc(func(p []byte) (int, error) {
		if parts[0] == "" {
			parts = parts[1:]
			if held := envelopes.BufferSize(r); held > 4<<10 {
				t.Errorf("a buffer of %d bytes for the beginning of a small document", held)
			}
			parts = parts[1:]
		}
		n := copy(p, parts[0])
		parts[0] = parts[0][n:]
		return n, nil
	}), nil)
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestALimitOfAByteIsHeld(t *testing.T) {
	for limit := 1; limit < 8; limit++ {
		got := readAll(strings.NewReader("<a/><abcdef/><b/>"), &envelopes.Options{MaxBytes: limit})
		want := 3
		if limit >= 4 {
			want = 1
		}
		if got.err != io.EOF || got.tooLarge != want || len(got.documents) != 3-want {
			t.Errorf("%d: %+v", limit, got)
		}
	}
}
