package jsonstream_test

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

	"github.com/calwatch/calwatch/jsonstream"
)

// completeAt returns how many elements of the realistic document have been read when its first n bytes were.
func completeAt(t *testing.T, n int) int {
	t.Helper()
	whole := readAll(strings.NewReader(realistic), nil)
	if !slices.Equal(whole.elements, realisticElements) {
		t.Fatalf("got %q", whole.elements)
	}
	complete := 0
	for i, end := range whole.offsets {
		if c := whole.elements[i][0]; c == '-' || '0' <= c && c <= '9' {
			end++ // a number shows its end only in the byte after it
		}
		if end <= int64(n) {
			complete++
		}
	}
	return complete
}

func TestTruncationAtEveryByteIsUnexpectedEOFAndInventsNoElement(t *testing.T) {
	length := strings.LastIndexByte(realistic, '}') + 1
	for n := range length {
		for name, r := range map[string]io.Reader{
			"whole":             strings.NewReader(realistic[:n]),
			"one byte a read":   iotest.OneByteReader(strings.NewReader(realistic[:n])),
			"with the last one": iotest.DataErrReader(strings.NewReader(realistic[:n])),
		} {
			got := readAll(r, nil)
			if !errors.Is(got.err, io.ErrUnexpectedEOF) || errors.Is(got.err, io.EOF) {
				t.Errorf("%s, %d bytes: error %v", name, n, got.err)
			}
			if want := realisticElements[:completeAt(t, n)]; !slices.Equal(got.elements, want) {
				t.Errorf("%s, %d bytes: elements %q\nwant %q", name, n, got.elements, want)
			}
			if got.end != int64(n) {
				t.Errorf("%s, %d bytes: InputOffset %d", name, n, got.end)
			}
		}
	}
	if got := readAll(strings.NewReader(realistic[:length]), nil); got.err != io.EOF {
		t.Errorf("complete: %v", got.err)
	}
}

func TestAnEmptyInputIsUnexpectedEOF(t *testing.T) {
	for _, in := range []string{"", " ", "\n\n", "\xef\xbb\xbf", "\xef\xbb", "\xef\xbb\xbf \n"} {
		if got := readAll(strings.NewReader(in), nil); !errors.Is(got.err, io.ErrUnexpectedEOF) || len(got.elements) != 0 {
			t.Errorf("%q: %q, %v", in, got.elements, got.err)
		}
	}
}

func TestTheReadersErrorAtEveryByteComesBackAsItself(t *testing.T) {
	idle := errors.New("no byte for 35 s")
	length := strings.LastIndexByte(realistic, '}') + 1
	for n := range length + 1 {
		failing := func() io.Reader { return io.MultiReader(strings.NewReader(realistic[:n]), iotest.ErrReader(idle)) }
		for name, r := range map[string]io.Reader{
			"after the bytes":      failing(),
			"one byte a read":      iotest.OneByteReader(failing()),
			"with the last bytes":  iotest.DataErrReader(failing()),
			"with each, then fail": iotest.DataErrReader(iotest.OneByteReader(failing())),
		} {
			want := idle
			if n == length {
				want = io.EOF // the document is complete: nobody asks any more
			}
			got := readAll(r, nil)
			if got.err != want {
				t.Errorf("%s, %d bytes: error %v", name, n, got.err)
			}
			if want := realisticElements[:completeAt(t, n)]; !slices.Equal(got.elements, want) {
				t.Errorf("%s, %d bytes: elements %q\nwant %q", name, n, got.elements, want)
			}
		}
	}
}

func TestReaderErrorsOfEveryKindKeepTheirIdentity(t *testing.T) {
	for _, err := range []error{
		context.Canceled, io.ErrUnexpectedEOF, io.ErrClosedPipe, io.ErrNoProgress,
		&fs.PathError{Op: "read", Path: "x", Err: errors.New("broken")},
	} {
		for _, in := range []string{"", `{"value":[`, `{"value":[{"a":`, `{"value":["`, `{"value":[1`, `{"value":[]`} {
			if got := readAll(&chunks{[]string{in}, err}, nil); got.err != err {
				t.Errorf("%q, then %v: got %v", in, err, got.err)
			}
		}
	}
}

func TestAReaderErrorThatWrapsEOFIsNoCleanEnd(t *testing.T) {
	cause := &fs.PathError{Op: "read", Path: "body", Err: io.EOF}
	for _, in := range []string{"", `{"value":[`, `{"value":[{}`, `{"value":[{"a`} {
		got := readAll(&chunks{[]string{in}, fmt.Errorf("proxy: %w", cause)}, nil)
		if errors.Is(got.err, io.EOF) || !errors.Is(got.err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v must be truncation and not an end", in, got.err)
		}
		if !errors.Is(got.err, cause) {
			t.Errorf("%q: %v has lost its cause", in, got.err)
		}
		if path, ok := errors.AsType[*fs.PathError](got.err); !ok || path != cause {
			t.Errorf("%q: %v has lost its cause's type", in, got.err)
		}
		if !strings.Contains(got.err.Error(), "proxy: read body: EOF") {
			t.Errorf("%q: text %q", in, got.err)
		}
	}
	if got := readAll(&chunks{[]string{doc()}, cause}, nil); got.err != io.EOF {
		t.Errorf("after the document: %v", got.err)
	}
}

func TestErrorsAreSticky(t *testing.T) {
	for in, what := range map[string]error{
		`{"value":[1`: io.ErrUnexpectedEOF, `{"value":[x`: &jsonstream.SyntaxError{}, doc(): io.EOF,
	} {
		reads := 0
		data := strings.NewReader(in + ` 1]}`)
		if what == io.ErrUnexpectedEOF {
			data = strings.NewReader(in)
		}
		d := jsonstream.NewDecoder(readerFunc(func(p []byte) (int, error) { reads++; return data.Read(p) }), nil)
		_, first := d.Next()
		if first == nil {
			t.Fatalf("%q: no error", in)
		}
		before, offset := reads, d.InputOffset()
		for range 3 {
			if raw, err := d.Next(); raw != nil || err != first {
				t.Errorf("%q: again: %q, %v; first %v", in, raw, err, first)
			}
		}
		if reads != before || d.InputOffset() != offset {
			t.Errorf("%q: went on reading after %v", in, first)
		}
		if jsonstream.BufferSize(d) != 0 {
			t.Errorf("%q: keeps its buffer", in)
		}
	}
}

func TestAReaderMayReturnBytesAndAnError(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	d := jsonstream.NewDecoder(readerFunc(func(p []byte) (int, error) {
		if calls++; calls > 1 {
			t.Error("read again after an error")
		}
		return copy(p, `{"value":[{"a":1},2,{"b":`), broken
	}), nil)
	for _, want := range []string{`{"a":1}`, "2"} {
		if raw, err := d.Next(); err != nil || string(raw) != want {
			t.Fatalf("got %q, %v; want %q: the bytes come before the error", raw, err, want)
		}
	}
	if raw, err := d.Next(); raw != nil || err != broken {
		t.Errorf("got %q, %v", raw, err)
	}
}

func TestAReaderThatReturnsNothingManyTimesIsNoProgress(t *testing.T) {
	calls := 0
	d := jsonstream.NewDecoder(readerFunc(func([]byte) (int, error) { calls++; return 0, nil }), nil)
	if _, err := d.Next(); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
	if calls < 2 || calls > 1000 {
		t.Errorf("%d calls", calls)
	}
}

func TestAReaderThatReturnsNothingNowAndThenIsFine(t *testing.T) {
	data, empty := strings.NewReader(realistic), false
	got := readAll(readerFunc(func(p []byte) (int, error) {
		if empty = !empty; empty {
			return 0, nil
		}
		return data.Read(p[:1])
	}), nil)
	if got.err != io.EOF || !slices.Equal(got.elements, realisticElements) {
		t.Errorf("%v, %q", got.err, got.elements)
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
