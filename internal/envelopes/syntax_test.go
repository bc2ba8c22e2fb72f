package envelopes_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"

	"github.com/calwatch/calwatch/internal/envelopes"
)

func TestWhatIsNoRunOfDocumentsIsASyntaxErrorAtTheOffendingByte(t *testing.T) {
	for in, msg := range map[string]string{
		"Service Unavailable":    "'S' where an XML document was expected",
		"<a/>\n\x00":             "0x00 where an XML document was expected",
		"<a/>&":                  "'&' where an XML document was expected",
		`{"error":1}`:            "'{' where an XML document was expected",
		"\xff\xfe<":              "0xff where an XML document was expected",
		"\xef\xbbx":              "'x' where an XML document was expected",
		"\x1f\x8b\x08":           "0x1f where an XML document was expected",
		"<1":                     "'1' where an XML document was expected",
		"< a":                    "0x20 where an XML document was expected",
		"</a>":                   "an end tag without a start tag",
		"<a></a></a>":            "an end tag without a start tag",
		"<a></>":                 "'>' in an end tag",
		"<a></a<":                "'<' in an end tag",
		"<a><b <":                "'<' in a start tag",
		"<a/b":                   "'b' where '>' was expected, after '/' in a start tag",
		"<a>< ":                  "0x20 where a name was expected",
		"<a><?>":                 "'>' where a name was expected",
		"<a><!x":                 "'x' where a comment was expected, after <!",
		"<a><!-x":                "'x' where a comment was expected, after <!",
		"<![":                    "'[' where a comment was expected, after <!",
		"<a><![CDATX":            "'X' where <![CDATA[ was expected",
		"<!DOCTYPE a>":           "a document type declaration, which no envelope has (a web page?)",
		"<a><!DOCTYPE":           "a document type declaration, which no envelope has (a web page?)",
		"<?xml ?><!doctype html": "a document type declaration, which no envelope has (a web page?)",
		"<html>":                 "a web page where an envelope was expected",
		"<a/><HTML lang='en'>":   "a web page where an envelope was expected",
	} {
		for name, r := range map[string]io.Reader{"at once": strings.NewReader(in), "byte by byte": iotest.OneByteReader(strings.NewReader(in))} {
			got := readAll(r, nil)
			syntax, ok := errors.AsType[*envelopes.SyntaxError](got.err)
			if !ok || syntax.Msg != msg || syntax.Offset != got.end {
				t.Errorf("%q, %s: %v, want %s", in, name, got.err, msg)
			}
		}
	}
}

func TestASyntaxErrorShowsWhatCame(t *testing.T) {
	for in, want := range map[string]string{
		"Service Unavailable":                               `envelopes: offset 0: 'S' where an XML document was expected: "Service Unavailable"`,
		"<html><head><title>502 Bad Gateway</title></head>": `envelopes: offset 5: a web page where an envelope was expected: "<html><head><title>502 Bad Gateway</title></head>"`,
		"<!DOCTYPE html><p>Sign in</p>":                     `envelopes: offset 2: a document type declaration, which no envelope has (a web page?): "DOCTYPE html><p>Sign in</p>"`,
		"x\x1b[31m\u202e\xff\n" + strings.Repeat("y", 1000): `envelopes: offset 0: 'x' where an XML document was expected: "x [31m ` + "\uFFFD " + strings.Repeat("y", 64-11) + `..."`,
	} {
		if got := readAll(strings.NewReader(in), nil); got.err.Error() != want {
			t.Errorf("got  %v\nwant %v", got.err, want)
		}
	}
}

func TestASyntaxErrorIsBoundedAndPrintable(t *testing.T) {
	in := make([]byte, 1<<20)
	for i := range in {
		in[i] = byte(i * 7)
	}
	in[0] = 'x'
	got := readAll(strings.NewReader(string(in)), nil)
	text := got.err.Error()
	if syntax, ok := errors.AsType[*envelopes.SyntaxError](got.err); !ok || len(syntax.Found) > 4<<10 || len(text) > 500 {
		t.Errorf("%d bytes of text: %.200s", len(text), text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			t.Errorf("%q in the text", r)
		}
	}
}

// What a mailbox has is nobody's business.
func TestASyntaxErrorWithinADocumentShowsNothingOfIt(t *testing.T) {
	got := readAll(strings.NewReader("<a>private<b <private"), nil)
	if syntax, ok := errors.AsType[*envelopes.SyntaxError](got.err); !ok || syntax.Found != "" || strings.Contains(got.err.Error(), "private") {
		t.Errorf("%v", got.err)
	}
}

// Whether names match, and much else, is for encoding/xml to say: a document
// that is broken within its bounds costs no other.
func TestADocumentThatIsBrokenWithinItsBoundsIsReturned(t *testing.T) {
	got := readAll(strings.NewReader(`<a></b><c d=e f>&bad;</c><g h="<"/><i>`+"\x00\xff"+`</i>`), nil)
	if got.err != io.EOF || len(got.documents) != 4 {
		t.Errorf("%q, %v", got.documents, got.err)
	}
}
