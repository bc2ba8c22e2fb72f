package jsonstream

import (
	"bytes"
	"iter"
)

// maxFields is how many members of an element are noted while it is scanned: all of a notification's, which has 8. Those after them
// are found by scanning again.
const maxFields = 8

// fields are where the members of a value are, if it is an object. It costs next to nothing to note that while the value
// is scanned, and saves whoever decodes it from scanning it once more.
type fields struct {
	n  int // how many are complete
	at [maxFields]field
}

// A field is the place of one member: offsets from the first byte of the object.
type field struct {
	name, nameEnd uint32 // between the quotes
	value, end    uint32
	odd           bool // the name has escapes or is not ASCII
}

func (f *fields) beginName(depth, offset int) {
	if depth == 1 && f.n < maxFields {
		f.at[f.n].name = uint32(offset)
	}
}

func (f *fields) named(depth, offset int, odd bool) {
	if depth == 1 && f.n < maxFields {
		f.at[f.n].nameEnd, f.at[f.n].odd = uint32(offset), odd
	}
}

func (f *fields) beginValue(depth, offset int) {
	if depth == 1 && f.n < maxFields {
		f.at[f.n].value = uint32(offset)
	}
}

func (f *fields) endValue(stack []byte, offset int) {
	if len(stack) == 1 && stack[0] == '{' && f.n < maxFields {
		f.at[f.n].end = uint32(offset)
		f.n++
	}
}

// Fields returns the members of the element that Next has returned last, in their order: names without quotes and unescaped, values as
// they are in the element. If it is not an object there are none. A name may occur twice. The bytes are valid as long as the element.
//
// For the first members it does not look at the element again: where they are was noted when it was scanned.
func (d *Decoder) Fields() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		walk(d.element, &d.scan.fields, yield)
	}
}

// Fields returns the members of object, which must be valid JSON, as [Decoder.Fields] does. It scans no further than to the member
// at which the loop is left.
func Fields(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		walk(object, nil, yield)
	}
}

// walk yields the members of object: those that were noted, and then, if there may be more, what scanning finds.
func walk(object []byte, noted *fields, yield func(name, value []byte) bool) {
	if len(object) == 0 || object[0] != '{' {
		return
	}
	i := 1
	if noted != nil {
		for _, f := range noted.at[:noted.n] {
			name := object[f.name:f.nameEnd]
			if f.odd {
				name = unescape(object[f.name-1 : f.nameEnd+1])
			}
			if !yield(name, object[f.value:f.end:f.end]) {
				return
			}
			i = int(f.end)
		}
		if noted.n < maxFields || bytes.TrimLeft(object[i:], " \t\r\n")[0] == '}' {
			return
		}
	}
	s := scanner{maxDepth: len(object)}
	for {
		name, i2 := s.valueAt(object, i)
		value, i3 := s.valueAt(object, i2)
		if value == nil || !yield(unescape(name), value) {
			return
		}
		i = i3
	}
}

// valueAt returns the value in p that begins at i, or after what separates values, and the index of what follows it; nil if there is none.
func (s *scanner) valueAt(p []byte, i int) (value []byte, end int) {
	for i < len(p) && (isSpace(p[i]) || p[i] == ',' || p[i] == ':') {
		i++
	}
	s.begin()
	n, st := s.scan(p[i:])
	if st != complete {
		return nil, len(p)
	}
	return p[i : i+n : i+n], i + n
}
