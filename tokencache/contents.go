package tokencache

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
)

// contents is MSAL's serialized cache, taken apart. MSAL shares the format with its siblings in other languages: an object of sections
// (AccessToken, RefreshToken, IdToken, Account, AppMetadata), each of them an object of entries. Sections that MSAL may add
// later are treated like these; values are never taken apart below an entry, and are kept as they were written.
type contents map[string]section

// object is a JSON object whose values are as they were written.
type object = map[string]json.RawMessage

// A section has entries, or is, if it is something else than an object, one value. The zero section is one that is not there.
type section struct {
	entries object
	value   json.RawMessage
}

var errNotObject = errors.New("not a JSON object")

// isObject reports whether raw is a JSON object.
func isObject(raw []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) && json.Valid(raw)
}

// parseObject is for input that holds secrets: the error quotes nothing.
func parseObject(raw []byte) (object, error) {
	var o object
	if json.Unmarshal(raw, &o) != nil || o == nil {
		return nil, errNotObject
	}
	return o, nil
}

// parse takes a cache apart.
func parse(raw []byte) (contents, error) {
	sections, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	c := make(contents, len(sections))
	for name, value := range sections {
		entries, err := parseObject(value)
		if err != nil {
			c[name] = section{value: value}
			continue
		}
		c[name] = section{entries: entries}
	}
	return c, nil
}

// same reports whether two caches hold the same. Most entries are the same bytes.
func (c contents) same(other contents) bool {
	return maps.EqualFunc(c, other, func(a, b section) bool {
		return equal(a.value, b.value) && maps.EqualFunc(a.entries, b.entries, equal)
	})
}

// encode is the reverse of parse.
func (c contents) encode() []byte {
	return appendObject(nil, c, func(dst []byte, s section) []byte { return append(dst, s.encode()...) })
}

func (s section) encode() []byte {
	if s.entries == nil {
		return s.value
	}
	return appendObject(nil, s.entries, func(dst []byte, value json.RawMessage) []byte { return append(dst, value...) })
}

// appendObject writes what has been parsed. json.Marshal would look at every byte of it again.
func appendObject[V any](dst []byte, members map[string]V, appendValue func([]byte, V) []byte) []byte {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		quoted, _ := json.Marshal(name) // a string: it cannot fail
		dst = append(append(dst, quoted...), ':')
		dst = appendValue(dst, members[name])
	}
	return append(dst, '}')
}

// equal compares values, not bytes. Numbers are compared as float64: that is what MSAL makes of the number in
// a field that it does not know, and what it merely passed on must not look changed.
func equal(a, b json.RawMessage) bool {
	if a == nil || b == nil || bytes.Equal(a, b) {
		return (a == nil) == (b == nil)
	}
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return reflect.DeepEqual(x, y)
}
