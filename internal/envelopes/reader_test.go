package envelopes_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/calwatch/calwatch/internal/envelopes"
)

func TestDocumentsComeAsTheyAre(t *testing.T) {
	input, want := realistic()
	got := readAll(strings.NewReader(input), nil)
	if got.err != io.EOF || !slices.Equal(got.documents, want) || got.end != int64(len(input)) {
		t.Errorf("%v, at %d of %d\ngot  %q\nwant %q", got.err, got.end, len(input), got.documents, want)
	}
	at := 0
	for i, document := range want {
		at += strings.Index(input[at:], document) + len(document)
		if got.offsets[i] != int64(at) {
			t.Errorf("after document %d: InputOffset %d, want %d", i, got.offsets[i], at)
		}
		if err := xml.Unmarshal([]byte(document), new(struct{})); err != nil {
			t.Errorf("document %d: %v", i, err)
		}
	}
}

func TestCutsDoNotMatter(t *testing.T) {
	input, _ := realistic()
	whole := readAll(strings.NewReader(input), nil)
	same := func(name string, r io.Reader) {
		t.Helper()
		if got := readAll(r, nil); !equal(got, whole) {
			t.Fatalf("%s: got %+v\nwant %+v", name, got, whole)
		}
	}
	same("one byte a read", iotest.OneByteReader(strings.NewReader(input)))
	same("half reads", iotest.HalfReader(strings.NewReader(input)))
	same("EOF with the last bytes", iotest.DataErrReader(strings.NewReader(input)))
	for i := range len(input) + 1 {
		same(fmt.Sprint("cut at ", i), &chunks{[]string{input[:i], input[i:]}, io.EOF})
	}
	for size := range 20 {
		same(fmt.Sprint(size+1, " bytes a read"), &chunks{slices.Collect(parts(input, size+1)), io.EOF})
	}
}

// parts cuts s into parts of a size.
func parts(s string, size int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for len(s) > 0 {
			n := min(size, len(s))
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
	}
}

// lastReads is a reader that delivers data, by size bytes a call, and fails the
// test when it is asked for more.
func lastReads(t *testing.T, data string, size int) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if data == "" {
			t.Error("asked for another byte")
			return 0, errors.New("asked for another byte")
		}
		n := copy(p, data[:min(size, len(data))])
		data = data[n:]
		return n, nil
	})
}

func TestNextDoesNotReadOnceADocumentIsComplete(t *testing.T) {
	_, documents := realistic()
	for _, before := range []string{"", "\xef\xbb\xbf<?xml version='1.0'?>\n", "<a/>", "<a></a> <!-- x -->"} {
		for _, document := range documents {
			for _, size := range []int{1, 7, 1 << 20} {
				in := before + document
				r := envelopes.NewReader(lastReads(t, in, size), nil)
				last := ""
				for r.InputOffset() < int64(len(in)) {
					got, err := r.Next()
					if err != nil {
						t.Fatalf("%q, %d bytes a read: %v", in, size, err)
					}
					last = string(got)
				}
				if last != document {
					t.Errorf("%q, %d bytes a read: got %q", in, size, last)
				}
			}
		}
	}
}

func TestDocumentsArriveWhileTheConnectionStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		got := make(chan string, 100)
		go func() {
			defer close(got)
			reader := envelopes.NewReader(r, nil)
			for {
				document, err := reader.Next()
				if err != nil {
					got <- err.Error()
					return
				}
				got <- string(document)
			}
		}()
		for _, step := range []struct {
			write string
			want  []string // what has come when everybody waits for the next write
		}{
			{"<a>", nil},
			{"</a", nil},
			{">", []string{"<a></a>"}},
			{"<", nil},
			{"b/", nil},
			{"><c></c><d", []string{"<b/>", "<c></c>"}},
			{"/>\n", []string{"<d/>"}},
		} {
			if _, err := io.WriteString(w, step.write); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			for _, want := range step.want {
				select {
				case s := <-got:
					if s != want {
						t.Errorf("after %q: got %s, want %s", step.write, s, want)
					}
				default:
					t.Errorf("after %q: nothing came, want %s", step.write, want)
				}
			}
			if len(got) > 0 {
				t.Errorf("after %q: too much came: %s", step.write, <-got)
			}
		}
		_ = w.Close()
		if end := <-got; end != "EOF" {
			t.Errorf("the end: %s", end)
		}
	})
}
