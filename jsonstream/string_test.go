package jsonstream_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/calwatch/calwatch/jsonstream"
)

// Strings are looked at in words of eight bytes, so what may go wrong depends on where in a word something stands.
func TestEveryByteAtEveryPlaceOfAString(t *testing.T) {
	for _, length := range []int{1, 7, 8, 9, 16, 17} {
		for at := range length {
			for c := range 256 {
				content := bytes.Repeat([]byte("x"), length)
				content[at] = byte(c)
				compareElement(t, content)
			}
		}
	}
}

func TestTwoSpecialBytesAtEveryPlaceOfAString(t *testing.T) {
	special := []byte{'"', '\\', 0x1f, ' ', '!', '#', '[', ']', 0x80, 0xa2, 0xdc, 'u', 'n'}
	for first := range 9 {
		for second := first + 1; second < 18; second++ {
			for _, a := range special {
				for _, b := range special {
					content := bytes.Repeat([]byte("0"), 18)
					content[first], content[second] = a, b
					compareElement(t, content)
				}
			}
		}
	}
}

// compareElement has a string with that content, and what follows it, judged by encoding/json, too.
func compareElement(t *testing.T, content []byte) {
	t.Helper()
	in := []byte(`{"value":["` + string(content) + `"]}`)
	var want struct{ Value []json.RawMessage }
	valid := json.Unmarshal(in, &want) == nil
	got := readAll(bytes.NewReader(in), nil)
	if ended := got.err == io.EOF; ended != valid || valid && (len(got.elements) != len(want.Value) || got.elements[0] != string(want.Value[0])) {
		t.Fatalf("%q: %q, %v; encoding/json: %q, valid: %v", in, got.elements, got.err, want.Value, valid)
	}
}

func TestInvalidUTF8IsRejectedIfAskedFor(t *testing.T) {
	for _, content := range []string{"\xff", "\xc3", "\xc3(", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf", strings.Repeat("é", 20) + "\xe2\x82", "ok", "é", "€", "😀", "\u00e9"} {
		for _, before := range []string{"", "x", "seven77", "eight888", strings.Repeat("0", 33)} {
			in := `{"\xff":1,"value":[{"é":"ü"},{"a":"` + before + content + `"}]}`
			in = strings.Replace(in, `\xff`, "\xff", 1) // a name beside the array is nobody's element
			for _, size := range []byte{1, 2, 255} {
				got := readAll(cut([]byte(in), []byte{size}), &jsonstream.Options{RejectInvalidUTF8: true})
				syntax, rejected := errors.AsType[*jsonstream.SyntaxError](got.err)
				if rejected == utf8.ValidString(content) || !rejected && got.err != io.EOF {
					t.Fatalf("%q: %v", in, got.err)
				}
				if lenient := readAll(strings.NewReader(in), nil); lenient.err != io.EOF || len(lenient.elements) != 2 {
					t.Fatalf("%q: %+v", in, lenient)
				}
				if rejected && (utf8.ValidString(in[syntax.Offset:]) || strings.Contains(in[:syntax.Offset], "é\":\"\xff") || !utf8.ValidString(in[strings.Index(in, "value"):syntax.Offset])) {
					t.Errorf("%q: offset %d", in, syntax.Offset)
				}
			}
		}
	}
}
