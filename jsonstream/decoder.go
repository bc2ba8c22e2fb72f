package jsonstream

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// Options adjusts a [Decoder]. A nil *Options, and every field that is zero or negative, means the default.
type Options struct {
	Member   string // the member whose value is the array; default "value". Case matters
	MaxBytes int    // of one element, from its first byte to its last; default 1 MiB, at most 2 GiB less a byte
	MaxDepth int    // of arrays and objects within one element or other member's value, itself included; default 512

	// RejectInvalidUTF8 makes an element with a string that is not UTF-8 a *SyntaxError. Otherwise
	// its bytes are passed on as they are.
	RejectInvalidUTF8 bool
}

// A Decoder reads one JSON object from a reader and returns the elements of an array in it, one by one.
// It is not safe for concurrent use.
type Decoder struct {
	in       buffer
	scan     scanner
	member   string // name of the array
	maxBytes int
	maxName  int // of a name, raw: what is longer cannot be that of the array
	onlyUTF8 bool

	phase   phase
	found   bool // the array was met
	members members
	err     error  // returned by every further call of Next
	element []byte // what Next has returned
	last    repeat
	repeats bool // element is the same as the one before
}

// NewDecoder returns a Decoder of the document that r delivers. It reads nothing yet. opts may be nil.
//
// The Decoder has a buffer of its own, so r needs none: 160 bytes while nothing comes that is larger, whatever has come before, and
// never more than twice MaxBytes, or 128 KiB if that is more. It may read bytes that follow the document, if they come with the bytes of it.
func NewDecoder(r io.Reader, opts *Options) *Decoder {
	d := &Decoder{
		in:       buffer{r: r},
		scan:     scanner{maxDepth: 512},
		member:   "value",
		maxBytes: 1 << 20,
	}
	if opts != nil {
		if opts.Member != "" {
			d.member = opts.Member
		}
		if opts.MaxBytes > 0 {
			d.maxBytes = min(opts.MaxBytes, math.MaxInt32)
		}
		if opts.MaxDepth > 0 {
			d.scan.maxDepth = opts.MaxDepth
		}
	}
	d.onlyUTF8 = opts != nil && opts.RejectInvalidUTF8
	// Six bytes of input (\u0041) can stand for one byte of a name.
	d.maxName = max(maxMemberBytes, 6*len(d.member)+2)
	return d
}

// Next returns the next element of the array, without the white space around it. The bytes are valid until the next call.
//
// An element is returned as soon as its last byte has been read, without asking the reader for more. (The
// last byte of a number shows only in the byte after it.) Next blocks as long as the reader does.
//
// After the last element Next reads the rest of the document. Its errors are:
//   - io.EOF, itself, when the document is complete. Its last byte is the closing brace; what follows is not looked at.
//   - an error that wraps io.ErrUnexpectedEOF when the input ends anywhere else, even before its first byte.
//   - the reader's own error, as it is. (Only if that wraps io.EOF, which would look like a good end, it is taken for the
//     end of the input: io.ErrUnexpectedEOF, and whatever else it wraps.)
//   - a *[SyntaxError] when the input is not JSON, is nested too deeply, is not an object, ends well without the array (then
//     [Decoder.Member] may have what the service had to say instead), has it twice, or has something else in its place, null included.
//   - an error that wraps [ErrTooLarge] as soon as one byte more than MaxBytes of an element was read.
//
// Every error but the last is final: further calls return it again. No error comes with an element, and nothing of
// an element that is not complete is ever returned.
func (d *Decoder) Next() ([]byte, error) {
	d.element, d.repeats = nil, false
	for d.err == nil {
		switch d.phase {
		case beforeDocument:
			d.err = d.beginDocument()
		case firstMember, laterMember:
			d.err = d.nextMember()
		case firstElement, laterElement:
			d.err = d.nextElement()
		case restOfElement:
			d.phase, d.err = laterElement, d.skip()
		case element:
			if raw := d.last.at(&d.in); raw != nil {
				d.phase = laterElement
				d.element, d.repeats = raw, true
				return raw, nil
			}
			var raw []byte
			raw, d.err = d.value(d.maxBytes)
			switch {
			case d.err != nil:
			case raw == nil:
				d.last.forget()
				d.phase = restOfElement
				return nil, fmt.Errorf("jsonstream: offset %d: %w: more than %d bytes; skipping it",
					d.in.base+int64(d.in.mark), ErrTooLarge, d.maxBytes)
			case d.onlyUTF8 && d.scan.nonASCII && !utf8.Valid(raw):
				d.err = d.invalidUTF8(raw)
			default:
				d.last.note(raw)
				d.phase = laterElement
				d.element = raw
				return raw, nil
			}
		}
	}
	d.in.drop()
	return nil, d.err
}

// Repeats reports whether the element that Next has returned last is, byte for byte, the one before it, so that whoever has decoded that
// one need not decode it again. Only small objects (of up to 112 bytes) are compared, as keep-alives are, and only if a Read brought all of one;
// of others it reports false.
func (d *Decoder) Repeats() bool { return d.repeats }

// Member returns the raw value of a member that was met beside the array so far, such as @odata.context before it or
// error instead of it; nil if there was none. Members after the array are met by the call of Next that follows the last element.
// Names are compared after unescaping. If one occurs twice, the last counts. The caller may keep and change the bytes.
//
// Not everything is kept: the first 64 members, no value (and no name) of more than 64 KiB, and 256 KiB in all.
// What is over these limits is validated and skipped.
func (d *Decoder) Member(name string) []byte { return bytes.Clone(d.members.get(name)) }

// InputOffset returns how many bytes of the input have been consumed: after Next has returned an element, the offset just
// after its last byte; after ErrTooLarge, just after the byte that was too much; at the end, the length of the document.
func (d *Decoder) InputOffset() int64 { return d.in.offset() }
