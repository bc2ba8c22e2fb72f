package jsonstream

import (
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// A phase says what comes next in the document.
type phase uint8

const (
	beforeDocument phase = iota
	firstMember          // a member or '}': just after '{'
	laterMember          // ',' and a member, or '}'
	firstElement         // an element or ']': just after the '[' of the array
	laterElement         // ',' and an element, or ']'
	element              // an element, from its first byte on
	restOfElement        // what is left of an element that was too large
)

// beginDocument reads up to the first '{' and past it.
func (d *Decoder) beginDocument() error {
	c, err := d.in.next()
	if err == nil && c == byteOrderMark[0] {
		c, err = d.skipByteOrderMark()
	}
	if err == nil && isSpace(c) {
		c, err = d.peek()
	}
	if err != nil {
		return err
	}
	if c != '{' {
		return d.syntaxError(unexpected(c, "'{'"))
	}
	d.in.pos++
	d.phase = firstMember
	return nil
}

const byteOrderMark = "\xef\xbb\xbf"

// skipByteOrderMark returns the byte after it.
func (d *Decoder) skipByteOrderMark() (c byte, err error) {
	for i := range len(byteOrderMark) {
		if c, err = d.in.next(); err != nil {
			return 0, err
		}
		if c != byteOrderMark[i] {
			return 0, d.syntaxError(unexpected(c, "the rest of a byte order mark"))
		}
		d.in.pos++
	}
	return d.in.next()
}

// nextMember reads one member and keeps its value, or goes into the array if it is that, or reads the end of the document.
func (d *Decoder) nextMember() error {
	c, err := d.peek()
	if err != nil {
		return err
	}
	if c == '}' {
		return d.endDocument()
	}
	want := "a member name or '}'"
	if d.phase == laterMember {
		if c != ',' {
			return d.syntaxError(unexpected(c, "',' or '}'"))
		}
		d.in.pos++
		want = "a member name"
		if c, err = d.peek(); err != nil {
			return err
		}
	}
	if c != '"' {
		return d.syntaxError(unexpected(c, want))
	}
	d.phase = laterMember

	nameAt := d.InputOffset()
	name, known, err := d.name()
	if err != nil {
		return err
	}
	if known && name == d.member {
		return d.beginArray(nameAt)
	}
	raw, err := d.value(maxMemberBytes)
	switch {
	case err != nil:
		return err
	case raw != nil && known:
		d.members.put(name, raw)
	case known:
		d.members.drop(name) // what it had before is out of date
	}
	return d.skip()
}

// name reads a member's name and the colon, up to the first byte of the value. A name that is not known
// was too long to be kept.
func (d *Decoder) name() (name string, known bool, err error) {
	raw, err := d.value(d.maxName)
	if err != nil {
		return "", false, err
	}
	if raw != nil {
		name, known = string(unescape(raw)), true
	} else if err := d.skip(); err != nil {
		return "", false, err
	}
	c, err := d.peek()
	if err != nil {
		return "", false, err
	}
	if c != ':' {
		return "", false, d.syntaxError(unexpected(c, "':'"))
	}
	d.in.pos++
	_, err = d.peek()
	return name, known, err
}

// beginArray goes into the array, whose name stood at nameAt.
func (d *Decoder) beginArray(nameAt int64) error {
	if d.found {
		return &SyntaxError{nameAt, fmt.Sprintf("member %q occurs a second time", d.member)}
	}
	if c := d.in.data[d.in.pos]; c != '[' {
		if kind := kind(c); kind != "" {
			return d.syntaxError(fmt.Sprintf("member %q is %s, want an array", d.member, kind))
		}
		return d.syntaxError(unexpected(c, "'['"))
	}
	d.in.pos++
	d.found = true
	d.phase = firstElement
	return nil
}

// kind names the kind of value that begins with c; "" if none does.
func kind(c byte) string {
	switch {
	case c == '{':
		return "an object"
	case c == '"':
		return "a string"
	case c == 'n':
		return "null"
	case c == 't', c == 'f':
		return "a boolean"
	case c == '-', isDigit(c):
		return "a number"
	default:
		return ""
	}
}

// nextElement reads up to the first byte of an element, or past the end of the array.
func (d *Decoder) nextElement() error {
	c, err := d.peek()
	switch {
	case err != nil:
		return err
	case c == ']':
		d.in.pos++
		d.phase = laterMember
		return nil
	case d.phase == firstElement:
	case c == ',':
		d.in.pos++
		if _, err := d.peek(); err != nil {
			return err
		}
	default:
		return d.syntaxError(unexpected(c, "',' or ']'"))
	}
	d.phase = element
	return nil
}

// endDocument is at the last '}'.
func (d *Decoder) endDocument() error {
	if !d.found {
		return d.syntaxError(fmt.Sprintf("the document ends here, and member %q was never met", d.member))
	}
	d.in.pos++
	return io.EOF
}

// peek skips white space and returns the byte after it without consuming it.
func (d *Decoder) peek() (byte, error) {
	for {
		c, err := d.in.next()
		if err != nil || !isSpace(c) {
			return c, err
		}
		d.in.pos++
	}
}

// value returns the value that begins at the byte that peek has returned, or nil if it is larger than limit bytes. As much of
// it has been scanned then as shows that; skip goes over what is left.
func (d *Decoder) value(limit int) ([]byte, error) {
	in := &d.in
	d.scan.begin()
	for room := limit; room >= 0; room = limit - (in.pos - in.mark) {
		if ended, err := d.run(room); err != nil {
			return nil, err
		} else if ended && in.pos-in.mark <= limit {
			return in.data[in.mark:in.pos:in.pos], nil
		}
	}
	return nil, nil
}

// skip goes to the end of the value at hand.
func (d *Decoder) skip() error {
	for ended := d.scan.state == atEnd; !ended; {
		var err error
		d.in.mark = d.in.pos
		if ended, err = d.run(math.MaxInt); err != nil {
			return err
		}
	}
	return nil
}

// run scans what is at hand of the value, or the next bytes read if nothing is, but at most one byte more than room. It reports
// whether the value has ended.
func (d *Decoder) run(room int) (ended bool, err error) {
	in := &d.in
	if in.pos == in.end {
		if err := in.fill(); err != nil {
			return false, err
		}
	}
	p := in.data[in.pos:in.end]
	if len(p)-1 > room {
		p = p[:room+1]
	}
	n, st := d.scan.scan(p)
	in.pos += n
	switch st {
	case more:
		return false, nil
	case complete:
		return true, nil
	case tooDeep:
		return false, d.syntaxError(fmt.Sprintf("nested more than %d deep", d.scan.maxDepth))
	default:
		return false, d.syntaxError(d.scan.complaint(p[n]))
	}
}

// syntaxError is about the byte at hand.
func (d *Decoder) syntaxError(msg string) error { return &SyntaxError{d.InputOffset(), msg} }

// invalidUTF8 is about the first byte of raw, the element at hand, that is not UTF-8.
func (d *Decoder) invalidUTF8(raw []byte) error {
	at := 0
	for at < len(raw) {
		r, size := utf8.DecodeRune(raw[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return &SyntaxError{d.in.base + int64(d.in.mark+at), quote(raw[at]) + " in a string is not UTF-8"}
}
