package jsonstream

import (
	"errors"
	"fmt"
	"io"
)

const (
	minBuffer     = 4 << 10 // what a quiet stream holds
	maxEmptyReads = 100     // in a row, of a reader that returns neither bytes nor an error
	shrinkAfter   = 16      // elements that were all much smaller than the buffer
)

// A buffer holds the bytes of the input that are not done with:
//
//	data[:mark]     done with
//	data[mark:pos]  scanned, and kept because they are or will be returned
//	data[pos:end]   read, not scanned yet
type buffer struct {
	r              io.Reader
	data           []byte
	mark, pos, end int
	base           int64 // offset in the input of data[0]
	readErr        error // what the reader returned, to be reported after the bytes it came with

	elements, largest int // since the size of data was last looked at
}

func (b *buffer) offset() int64 { return b.base + int64(b.pos) }

// next returns the next byte without consuming it. It lets go of everything before that byte.
func (b *buffer) next() (byte, error) {
	b.mark = b.pos
	if b.pos == b.end {
		if err := b.fill(); err != nil {
			return 0, err
		}
	}
	return b.data[b.pos], nil
}

// fill reads once, blocking, when every byte at hand was scanned. It makes room by dropping what is before
// mark, and only if all of it has to be kept by growing.
func (b *buffer) fill() error {
	if b.readErr != nil {
		return b.inputError()
	}
	if b.mark > 0 {
		b.resize(len(b.data))
	}
	if b.end == len(b.data) {
		b.resize(max(minBuffer, 2*len(b.data)))
	}
	for range maxEmptyReads {
		n, err := b.r.Read(b.data[b.end:])
		if n < 0 || n > len(b.data)-b.end {
			return fmt.Errorf("jsonstream: offset %d: the reader says that it has put %d bytes into a buffer of %d",
				b.offset(), n, len(b.data)-b.end)
		}
		b.end += n
		b.readErr = err
		switch {
		case n > 0:
			return nil
		case err != nil:
			return b.inputError()
		}
	}
	return io.ErrNoProgress
}

// inputError is the reader's own error. The end of the input is one too: nobody asks for more bytes after the last brace.
func (b *buffer) inputError() error {
	if errors.Is(b.readErr, io.EOF) {
		return &truncatedError{b.offset(), b.readErr}
	}
	return b.readErr
}

// resize moves what is held to the front of a buffer of size bytes.
func (b *buffer) resize(size int) {
	held := b.data[b.mark:b.end]
	if size != len(b.data) {
		b.data = make([]byte, size)
	}
	copy(b.data, held)
	b.base += int64(b.mark)
	b.pos -= b.mark
	b.mark, b.end = 0, len(held)
}

// release lets go of an element that was returned. One large element makes the buffer large; when a run of small ones
// has followed it, the buffer is made to fit them.
func (b *buffer) release() {
	b.elements++
	b.largest = max(b.largest, b.pos-b.mark)
	b.mark = b.pos
	if b.elements < shrinkAfter {
		return
	}
	size := max(minBuffer, 2*b.largest)
	if size <= len(b.data)/2 && size >= b.end-b.mark {
		b.resize(size)
	}
	b.elements, b.largest = 0, 0
}

// drop gives the memory back when nothing will be read any more.
func (b *buffer) drop() {
	b.base += int64(b.pos)
	b.mark, b.pos, b.end = 0, 0, 0
	b.data = nil
}
