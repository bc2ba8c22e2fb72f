package envelopes

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// Options adjusts a [Reader]. A nil *Options, and a field that is zero or
// negative, means the default.
type Options struct {
	MaxBytes int // of one document, from its start tag to its end tag; default 4 MiB, at most 2 GiB less a byte
}

const defaultMaxBytes = 4 << 20

// A Reader reads a run of documents and returns them one by one. It is not safe
// for concurrent use.
type Reader struct {
	in       buffer
	scan     scanner
	maxBytes int
	skipping bool  // the document at hand is too large
	err      error // returned by every further call of Next
}

// NewReader returns a Reader of the documents that r delivers. It reads nothing
// yet. opts may be nil.
//
// The Reader has a buffer of its own, so r needs none: of a KiB while nothing
// larger comes, whatever has come before, and never more than twice MaxBytes,
// or 4 KiB if that is more.
func NewReader(r io.Reader, opts *Options) *Reader {
	out := &Reader{in: buffer{r: r}, maxBytes: defaultMaxBytes}
	if opts != nil && opts.MaxBytes > 0 {
		out.maxBytes = min(opts.MaxBytes, math.MaxInt32)
	}
	return out
}

// Next returns the next document: its element, from the start tag to the end
// tag, without what stands before and after it. The bytes are valid until the
// next call.
//
// A document is returned as soon as its last byte has been read, without asking
// the reader for more. Next blocks as long as the reader does. Its errors are:
//   - io.EOF, itself, when the input ends between two documents.
//   - an error that wraps io.ErrUnexpectedEOF when it ends anywhere else, or after an XML declaration.
//   - the reader's own error, as it is. (Only if that wraps io.EOF, which would look like a good end, it is taken for the
//     end of the input: io.ErrUnexpectedEOF, and whatever else it wraps.)
//   - a *[SyntaxError] when the input is not XML as far as tags go, or has a document type declaration or a web page in it.
//   - an error that wraps [ErrTooLarge] as soon as one byte more than MaxBytes of a document was read.
//
// Every error but the last is final: further calls return it again. No error
// comes with a document, and nothing of one that is not complete is ever
// returned.
func (r *Reader) Next() ([]byte, error) {
	for r.err == nil {
		document, err := r.advance()
		if document != nil || errors.Is(err, ErrTooLarge) {
			return document, err
		}
		if err == nil {
			err = r.fill()
		}
		r.err = err
	}
	r.in.drop()
	return nil, r.err
}

// advance goes through the bytes at hand, up to the end of a document.
func (r *Reader) advance() (document []byte, err error) {
	in := &r.in
	for in.pos < in.end {
		if !r.scan.inDocument() || r.skipping {
			in.mark = in.pos - r.scan.held()
		}
		n, st := r.scan.scan(in.data[in.pos:r.limit()])
		in.pos += n
		tooLarge := r.scan.inDocument() && in.pos-in.mark > r.maxBytes
		switch {
		case st == invalid:
			return nil, r.invalid()
		case st == began:
			in.mark = in.pos - 2
		case st == complete && r.skipping:
			r.skipping = false
		case st == complete && in.pos-in.mark <= r.maxBytes:
			return in.data[in.mark:in.pos:in.pos], nil
		case !r.skipping && (st == complete || tooLarge):
			r.skipping = st != complete
			return nil, fmt.Errorf("envelopes: offset %d: %w: more than %d bytes; skipping it", in.base+int64(in.mark), ErrTooLarge, r.maxBytes)
		}
	}
	if !r.scan.inDocument() || r.skipping {
		in.mark = in.pos - r.scan.held()
	}
	return nil, nil
}

// limit is up to where the bytes at hand may be scanned: one byte more than a
// document may have tells.
func (r *Reader) limit() int {
	if r.scan.inDocument() && !r.skipping {
		return min(r.in.end, r.in.mark+r.maxBytes+1)
	}
	return r.in.end
}

// fill reads once.
func (r *Reader) fill() error {
	err := r.in.fill()
	switch {
	case err == io.EOF && r.scan.betweenDocuments():
		return io.EOF
	case errors.Is(err, io.EOF):
		return &truncatedError{r.in.offset(), err}
	default:
		return err
	}
}

// InputOffset returns how many bytes of the input have been consumed: after
// Next has returned a document, the offset just after its last byte; after
// ErrTooLarge, just after the byte that was too much.
func (r *Reader) InputOffset() int64 { return r.in.offset() }
