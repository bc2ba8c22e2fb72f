package jsonstream_test

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/calwatch/calwatch/jsonstream"
)

// maxFuzzed is the size up to which an input cannot be nested more deeply than the 10,000 levels that encoding/json allows.
const maxFuzzed = 9_999

var seeds = []string{
	realistic, doc(), doc("1"), doc("{}", `"a"`, "true", "-1.5e+7"), `{"value":[1]`, `{"value":[]} {"value":[]}`, `{}`, `[]`, `1`, ``,
	"\xef\xbb\xbf{}", "\xef\xbb", "\xef\xbb\xbf\xef\xbb\xbf{}", `{"value":null}`, `{"value":[],"value":[]}`, `{"v\u0061lue":[1]}`,
	`{"error":{"code":"ErrorAccessDenied","message":"\ud83d\ude00 \ud83d"}}`, "{\"value\":[\"\xff\xc3\x28\"]}", "{\"\xff\":1,\"\xff\":2}",
	`{"value":[01]}`, `{"value":[1.]}`, `{"value":[-]}`, `{"value":[1e]}`, `{"value":["\u12G4"]}`, `{"value":["\x"]}`, "{\"value\":[\"\n\"]}",
	`{"value":[nul]}`, `{"value":[1,]}`, `{"value":[1}`, `{"value":[[[[[[]]]]]]}`, `{"a":1,}`, `{"a" 1}`, "{\"value\":[1\u00a0]}",
	`{"a":[{"value":[1]}],"value":[{"value":{"value":[]}}],"b":{"value":0}}`, `{"value":[{"a":1,"a":2}],"a":1,"a":2}`, `{"":0,"value":[""]}`,
}

// cut returns a reader of data that gives as many bytes a call as cuts says, over and over, 0 included, and the
// end with the last bytes if the first cut is odd.
func cut(data []byte, cuts []byte) io.Reader {
	if !slices.ContainsFunc(cuts, func(c byte) bool { return c > 0 }) {
		cuts = []byte{1}
	}
	source, i := strings.NewReader(string(data)), 0
	var r io.Reader = readerFunc(func(p []byte) (int, error) {
		n := min(int(cuts[i%len(cuts)]), len(p))
		if i++; n == 0 && source.Len() > 0 && i%len(cuts) < 50 {
			return 0, nil
		}
		return source.Read(p[:max(n, 1)])
	})
	if cuts[0]%2 == 1 {
		r = iotest.DataErrReader(r)
	}
	return r
}

// FuzzAgainstEncodingJSON compares what is accepted, where it ends, where it is wrong, the elements and the members.
func FuzzAgainstEncodingJSON(f *testing.F) {
	for i, seed := range seeds {
		f.Add([]byte(seed), []byte{byte(i), 1, 0, 7})
	}
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		if len(data) > maxFuzzed {
			return
		}
		want := ask(t, data)

		d := jsonstream.NewDecoder(cut(data, cuts), &jsonstream.Options{MaxDepth: maxFuzzed})
		var elements []string
		var err error
		for {
			var raw []byte
			if raw, err = d.Next(); err != nil {
				break
			}
			if !json.Valid(raw) || strings.Trim(string(raw), " \t\r\n") != string(raw) {
				t.Fatalf("element %q", raw)
			}
			elements = append(elements, string(raw))
			if raw[0] == '{' {
				if got, want := membersFrom(d.Fields()), membersOf(t, string(raw)); !slices.Equal(got, want) {
					t.Fatalf("element %q has the members %q, want %q", raw, got, want)
				}
			}
		}

		switch syntax, ok := errors.AsType[*jsonstream.SyntaxError](err); {
		case ok:
			compareSyntaxError(t, syntax, data, want)
		case err == io.EOF:
			if !want.valid || want.arrays != 1 || want.others != 0 || d.InputOffset() != want.end {
				t.Fatalf("accepted up to %d; encoding/json: %+v", d.InputOffset(), want)
			}
			if !slices.Equal(elements, want.elements) {
				t.Fatalf("elements %q, want %q", elements, want.elements)
			}
		case !errors.Is(err, io.ErrUnexpectedEOF) || !canGoOn(data):
			t.Fatalf("%v; encoding/json: %+v", err, want)
		}

		if want.valid && want.arrays < 2 && want.others == 0 && len(want.members) <= 64 {
			for name, value := range want.members {
				if got := string(d.Member(name)); got != value {
					t.Fatalf("member %q is %q, want %q", name, got, value)
				}
			}
		}
	})
}

// compareSyntaxError checks that err points at the first byte that is wrong: up to it the input could have gone on well, with it it
// cannot, or is not what we want of the outermost object.
func compareSyntaxError(t *testing.T, err *jsonstream.SyntaxError, data []byte, want opinion) {
	t.Helper()
	if err.Offset < 0 || err.Offset >= int64(len(data)) || !canGoOn(data[:err.Offset]) {
		t.Fatalf("%v: something before this is wrong; encoding/json: %+v", err, want)
	}
	upTo := data[:err.Offset+1]
	switch {
	case strings.HasSuffix(err.Msg, "was never met"):
		if o := ask(t, upTo); !o.isObject || o.end != int64(len(upTo)) || o.arrays+o.others > 0 {
			t.Fatalf("%v; encoding/json: %+v", err, o)
		}
	case strings.Contains(err.Msg, `member "value"`):
		if want.valid && want.arrays == 1 && want.others == 0 {
			t.Fatalf("%v; encoding/json: %+v", err, want)
		}
	case strings.HasSuffix(err.Msg, "where '{' was expected"):
		if want.isObject || strings.TrimLeft(strings.TrimPrefix(string(upTo), byteOrderMark), " \t\r\n") == "{" {
			t.Fatalf("%v; encoding/json: %+v", err, want)
		}
	default:
		if canGoOn(upTo) || ask(t, upTo).valid {
			t.Fatalf("%v: nothing is wrong; encoding/json: %+v", err, want)
		}
	}
}

// FuzzCuts checks that it makes no difference how the input is cut, whatever the limits are, and that a size limit leaves out
// elements and rejecting what is not UTF-8 ends the stream there, and that both change nothing else.
func FuzzCuts(f *testing.F) {
	for i, seed := range seeds {
		f.Add([]byte(seed), []byte{byte(i), 1, 0, 7}, uint16(3*i), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data, cuts []byte, maxBytes uint16, maxDepth uint8) {
		opts := &jsonstream.Options{MaxBytes: int(maxBytes), MaxDepth: int(maxDepth)}
		whole := readAll(strings.NewReader(string(data)), opts)
		if apart := readAll(cut(data, cuts), opts); !equal(whole, apart) {
			t.Fatalf("at once: %+v\nin parts: %+v", whole, apart)
		}

		strict := *opts
		strict.RejectInvalidUTF8 = true
		picky := readAll(cut(data, cuts), &strict)
		if bad := slices.IndexFunc(whole.elements, func(e string) bool { return !utf8.ValidString(e) }); bad < 0 {
			if !equal(picky, whole) {
				t.Fatalf("UTF-8: %+v\nin any case: %+v", picky, whole)
			}
		} else if syntax, ok := errors.AsType[*jsonstream.SyntaxError](picky.err); !ok || !slices.Equal(picky.elements, whole.elements[:bad]) ||
			syntax.Offset < whole.offsets[bad]-int64(len(whole.elements[bad])) || syntax.Offset >= whole.offsets[bad] {
			t.Fatalf("not UTF-8 in element %d: %+v", bad, picky)
		}

		opts.MaxBytes = 1 << 30
		all := readAll(cut(data, cuts), opts)
		if all.err.Error() != whole.err.Error() || all.end != whole.end || all.tooLarge != 0 {
			t.Fatalf("with a limit: %+v\nwithout: %+v", whole, all)
		}
		if maxBytes > 0 {
			all.elements = slices.DeleteFunc(all.elements, func(e string) bool { return len(e) > int(maxBytes) })
		}
		left := len(all.offsets) - len(all.elements)
		inTheLast := all.err != io.EOF && whole.tooLarge == left+1 // in one that was too large before it turned out to be broken
		if !slices.Equal(all.elements, whole.elements) || whole.tooLarge != left && !inTheLast {
			t.Fatalf("with a limit of %d: %+v\nwithout: %+v", maxBytes, whole, all)
		}
	})
}
