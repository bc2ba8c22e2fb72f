package jsonstream_test

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/calwatch/calwatch/jsonstream"
)

func TestValidElements(t *testing.T) {
	for name, element := range map[string]string{
		"empty object":              `{}`,
		"empty array":               `[]`,
		"white space everywhere":    "{ \t\r\n\"a\" \n: [ 1 , { } , [ ] ] , \"b\":\t2 }",
		"brackets in strings":       `{"}":"{","]":"[","\"":"\"}"}`,
		"every escape":              `"\"\\\/\b\f\n\r\t\u00fF\uABCD"`,
		"surrogate pair":            `"\ud83d\ude00"`,
		"lone high surrogate":       `"\ud83d"`,
		"lone low surrogate":        `"\ude00 x"`,
		"surrogates the wrong way":  `"\ude00\ud83d"`,
		"NUL as an escape":          `"\u0000"`,
		"DEL and non-ASCII":         "\"\x7f Grüße 😀 \u2028\"",
		"invalid UTF-8":             "{\"Subject\":\"\xff\xc3\x28\xed\xa0\x80\"}",
		"cut UTF-8 before the end":  "\"\xe2\x82\"",
		"byte order mark in string": "\"\xef\xbb\xbf\"",
		"duplicate names":           `{"a":1,"a":2}`,
		"empty name":                `{"":0}`,
		"value inside":              `{"value":[{"value":[1]}],"x":{"value":null}}`,
		"numbers":                   `[0,-0,1,10,123456789012345678901234567890,0.0,1.50,-0.25e5,1e5,1E+5,1e-05,0e0]`,
		"literals":                  `[true,false,null]`,
	} {
		t.Run(name, func(t *testing.T) {
			if !json.Valid([]byte(element)) {
				t.Fatal("encoding/json does not take it")
			}
			for _, in := range []string{doc(element), doc(" "+element+"\n", "\t"+element), doc(element)[:10] + element + `],"after":` + element + `}`} {
				got := readAll(strings.NewReader(in), nil)
				if got.err != io.EOF || slices.ContainsFunc(got.elements, func(e string) bool { return e != element }) || len(got.elements) == 0 {
					t.Errorf("%q: %q, %v", in, got.elements, got.err)
				}
			}
		})
	}
}

func TestAnEmptyArray(t *testing.T) {
	for _, in := range []string{`{"value":[]}`, `{ "value" : [ ] }`} {
		if got := readAll(strings.NewReader(in), nil); got.err != io.EOF || len(got.elements) != 0 {
			t.Errorf("%q: %q, %v", in, got.elements, got.err)
		}
	}
}

// TestSyntaxErrors has the offending byte of each input between « and », which are taken out.
func TestSyntaxErrors(t *testing.T) {
	for _, test := range []struct{ in, msg string }{
		// the document
		{`«[»1]`, `'[' where '{' was expected`},
		{`  «"»value"`, `'"' where '{' was expected`},
		{`«n»ull`, `'n' where '{' was expected`},
		{"«\x00»{}", `0x00 where '{' was expected`},
		{"\xef«{»\"value\":[]}", `'{' where the rest of a byte order mark was expected`},
		{"\xef\xbb« »{}", `0x20 where the rest of a byte order mark was expected`},
		{"\xef\xbb\xbf«\xef»\xbb\xbf{}", `0xef where '{' was expected`},
		{" «\xef»\xbb\xbf{}", `0xef where '{' was expected`},
		{"«\xff»", `0xff where '{' was expected`},
		{`{«,»}`, `',' where a member name or '}' was expected`},
		{`{«v»alue:[]}`, `'v' where a member name or '}' was expected`},
		{`{"a"«,»1}`, `',' where ':' was expected`},
		{`{"a" «"»b"}`, `'"' where ':' was expected`},
		{`{"a":«,»}`, `',' where a value was expected`},
		{`{"a":1 «"»b":2}`, `'"' where ',' or '}' was expected`},
		{`{"a":1«]»`, `']' where ',' or '}' was expected`},
		{`{"a":1,«}»`, `'}' where a member name was expected`},
		{`{"a":1,«,»"b":1}`, `',' where a member name was expected`},
		{"{\"a«\n»\":1}", `control character 0x0a in a string`},
		{`{"value":[1]«]»`, `']' where ',' or '}' was expected`},
		{`{"value":[1],«}»`, `'}' where a member name was expected`},
		{`{"value":«:»[1]}`, `':' where '[' was expected`},
		// the array
		{`{"value":[«,»1]}`, `',' where a value was expected`},
		{`{"value":[«}»`, `'}' where a value was expected`},
		{`{"value":[{}«}»`, `'}' where ',' or ']' was expected`},
		{`{"value":[{} «{»}]}`, `'{' where ',' or ']' was expected`},
		{`{"value":[{},«]»}`, `']' where a value was expected`},
		{`{"value":[{},«,»{}]}`, `',' where a value was expected`},
		{`{"value":[true«1»]}`, `'1' where ',' or ']' was expected`},
		{`{"value":[""«"»"]}`, `'"' where ',' or ']' was expected`},
		{`{"value":[«'»x']}`, `'\'' where a value was expected`},
		{`{"value":[«N»aN]}`, `'N' where a value was expected`},
		{`{"value":[«+»1]}`, `'+' where a value was expected`},
		{`{"value":[«.»5]}`, `'.' where a value was expected`},
		{"{\"value\":[«\ufeff»1]}", `0xef where a value was expected`},
		{"{\"value\":[1,«\u00a0»2]}", `0xc2 where a value was expected`},
		{"{\"value\":[{}«\f»]}", `0x0c where ',' or ']' was expected`},
		// inside an element
		{`{"value":[[«}»`, `'}' where a value or ']' was expected`},
		{`{"value":[[1«}»`, `'}' where ',' or ']' was expected`},
		{`{"value":[{"a":1«]»`, `']' where ',' or '}' was expected`},
		{`{"value":[{"a":[]«]»`, `']' where ',' or '}' was expected`},
		{`{"value":[[1,«]»]}`, `']' where a value was expected`},
		{`{"value":[{«a»:1}]}`, `'a' where a member name or '}' was expected`},
		{`{"value":[{"a"«}»]}`, `'}' where ':' was expected`},
		{`{"value":[{"a":«}»]}`, `'}' where a value was expected`},
		{`{"value":[{"a":1,«}»]}`, `'}' where a member name was expected`},
		{`{"value":[{"a":1,«1»}]}`, `'1' where a member name was expected`},
		{`{"value":[{"a":«/»* no *`, `'/' where a value was expected`},
		// strings
		{"{\"value\":[\"a«\x00»\"]}", `control character 0x00 in a string`},
		{"{\"value\":[\"a«\t»\"]}", `control character 0x09 in a string`},
		{"{\"value\":[{\"a«\x1f»\":1}]}", `control character 0x1f in a string`},
		{`{"value":["\«x»41"]}`, `'x' where one of "\/bfnrtu was expected`},
		{`{"value":["\«U»0041"]}`, `'U' where one of "\/bfnrtu was expected`},
		{"{\"value\":[\"\\«\n»\"]}", `0x0a where one of "\/bfnrtu was expected`},
		{`{"value":["\u00«g»0"]}`, `'g' where a hexadecimal digit was expected`},
		{`{"value":["\u«"»]}`, `'"' where a hexadecimal digit was expected`},
		{`{"value":["\u123«"»]}`, `'"' where a hexadecimal digit was expected`},
		{`{"value":["\u00«G»0"]}`, `'G' where a hexadecimal digit was expected`},
		{`{"value":["\u«:»"]}`, `':' where a hexadecimal digit was expected`},
		{`{"value":["\u«@»"]}`, `'@' where a hexadecimal digit was expected`},
		// numbers
		{`{"value":[0«1»]}`, `'1' where the end of a number was expected`},
		{`{"value":[-0«0»]}`, `'0' where the end of a number was expected`},
		{`{"value":[-«]»}`, `']' where a digit was expected`},
		{`{"value":[-«-»1]}`, `'-' where a digit was expected`},
		{`{"value":[-«.»1]}`, `'.' where a digit was expected`},
		{`{"value":[1.«]»}`, `']' where a digit was expected`},
		{`{"value":[1.«e»1]}`, `'e' where a digit was expected`},
		{`{"value":[1.2«.»3]}`, `'.' where the end of a number was expected`},
		{`{"value":[1e«]»}`, `']' where a sign or a digit was expected`},
		{`{"value":[1e+«]»}`, `']' where a digit was expected`},
		{`{"value":[1e+«-»1]}`, `'-' where a digit was expected`},
		{`{"value":[1e5«.»0]}`, `'.' where the end of a number was expected`},
		{`{"value":[1e5«e»]}`, `'e' where the end of a number was expected`},
		{`{"value":[0«x»10]}`, `'x' where the end of a number was expected`},
		{`{"value":[1«_»000]}`, `'_' where the end of a number was expected`},
		{`{"value":[1«"»"]}`, `'"' where the end of a number was expected`},
		{`{"value":[1«:»]}`, `':' where the end of a number was expected`},
		{`{"value":[{"a":1«:»2}]}`, `':' where the end of a number was expected`},
		// literals
		{`{"value":[t«R»ue]}`, `'R' where the rest of true was expected`},
		{`{"value":[fals«]»}`, `']' where the rest of false was expected`},
		{`{"value":[nul« »]}`, `0x20 where the rest of null was expected`},
		{`{"a":nu«}»`, `'}' where the rest of null was expected`},
	} {
		before, rest, _ := strings.Cut(test.in, "«")
		bad, after, _ := strings.Cut(rest, "»")
		in, offset := before+bad+after, int64(len(before))
		for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			got := readAll(r, nil)
			syntax, ok := errors.AsType[*jsonstream.SyntaxError](got.err)
			if !ok || syntax.Offset != offset || syntax.Msg != test.msg {
				t.Errorf("%q:\n got %v\nwant offset %d: %s", in, got.err, offset, test.msg)
			}
			if got.end != offset {
				t.Errorf("%q: InputOffset %d, want %d", in, got.end, offset)
			}
		}
	}
}

func TestSyntaxErrorText(t *testing.T) {
	err := error(&jsonstream.SyntaxError{Offset: 81101, Msg: "'x' where a value was expected"})
	if got, want := err.Error(), "jsonstream: offset 81101: 'x' where a value was expected"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestErrorsShowOneByteOfTheInputAtMost(t *testing.T) {
	const secret = "Confidential"
	for _, in := range []string{
		`{"` + secret + `":"` + secret + `"x`, doc(`"` + secret + `"`)[:12], `{"value":[{"` + secret + `":"` + secret + "\n",
		`{"value":["` + secret + `","` + secret + `\x`, `{"` + secret + `":1}`, doc(`{"` + secret + `":"` + secret + `"}`),
	} {
		got := readAll(strings.NewReader(in), &jsonstream.Options{MaxBytes: 16})
		if got.err == nil || strings.Contains(got.err.Error(), secret[:3]) {
			t.Errorf("%q: %v", in, got.err)
		}
		d := jsonstream.NewDecoder(strings.NewReader(in), &jsonstream.Options{MaxBytes: 4})
		if _, err := d.Next(); err == nil || strings.Contains(err.Error(), secret[:3]) {
			t.Errorf("%q: %v", in, err)
		}
	}
}
