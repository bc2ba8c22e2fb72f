package jsonstream_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const byteOrderMark = "\xef\xbb\xbf"

// An opinion is what encoding/json makes of a document. It is formulated so that both implementations of encoding/json give
// the same one: they differ in how a Decoder fails, so a Decoder is only used to find the end of a value that is known to be
// good, or to say that there is none.
type opinion struct {
	valid bool  // it begins with a JSON value; what follows the value does not count
	end   int64 // offset just after the value

	isObject bool
	arrays   int // how many members "value" there are that are arrays
	others   int // and how many that are not
	elements []string
	members  map[string]string // the other members
}

// ask has data judged by encoding/json. data has less nesting than encoding/json allows.
func ask(t *testing.T, data []byte) (o opinion) {
	t.Helper()
	rest := bytes.TrimPrefix(data, []byte(byteOrderMark))
	var document json.RawMessage
	d := json.NewDecoder(bytes.NewReader(rest))
	if d.Decode(&document) != nil {
		if json.Valid(rest) {
			t.Fatalf("Valid takes %q, a Decoder does not", rest)
		}
		return o
	}
	if !json.Valid(document) {
		t.Fatalf("a Decoder takes %q, Valid does not", document)
	}
	o.valid, o.end = true, int64(len(data)-len(rest))+d.InputOffset()
	o.isObject = document[0] == '{'
	if o.isObject {
		o.readMembers(t, document)
	}
	return o
}

// canGoOn reports whether data lacks nothing but an end, according to encoding/json. (Offsets of its errors would
// say more, but are not the same in both implementations.)
func canGoOn(data []byte) bool {
	if len(data) < len(byteOrderMark) && strings.HasPrefix(byteOrderMark, string(data)) {
		return true
	}
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	for _, token := range restsOfTokens {
		var ignored json.RawMessage
		err := json.Unmarshal(append(bytes.Clone(data), token...), &ignored)
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok && strings.Contains(syntax.Error(), "unexpected end of JSON input") {
			return true
		}
	}
	return false
}

// restsOfTokens are what may be missing of a number, an escape or a literal. encoding/json looks at the end of its input as at a
// space, and calls that an invalid character in the middle of one of these.
var restsOfTokens = []string{
	"", "0", "00", "000", "0000", "n", "rue", "ue", "e", "alse", "lse", "se", "ull", "ll", "l",
}

// readMembers notes the members of a valid object.
func (o *opinion) readMembers(t *testing.T, object []byte) {
	must := func(err error) {
		if err != nil {
			t.Fatalf("%q is valid, but: %v", object, err)
		}
	}
	o.members = make(map[string]string)
	d := json.NewDecoder(bytes.NewReader(object))
	_, err := d.Token() // {
	must(err)
	for d.More() {
		name, err := d.Token()
		must(err)
		var value json.RawMessage
		must(d.Decode(&value))
		switch {
		case name != "value":
			o.members[name.(string)] = string(value)
		case value[0] != '[':
			o.others++
		default:
			o.arrays++
			var elements []json.RawMessage
			must(json.Unmarshal(value, &elements))
			for _, e := range elements {
				o.elements = append(o.elements, string(e))
			}
		}
	}
}
