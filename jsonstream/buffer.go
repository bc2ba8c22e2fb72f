package jsonstream

import (
	"errors"
	"fmt"
	"io"
)

const (
	quietBuffer   = 160 // what a stream holds while it brings keep-alives, or nothing
	maxEmptyReads = 100 // in a row, of a reader that returns neither bytes nor an error
)

// A buffer holds the bytes of the input that are not done with:
//
//	data[:mark]     done with
//	data[mark:pos]  scanned, and kept because they are or will be returned
//	data[pos:end]   read, not scanned yet
//
// data is quiet, or borrowed: from when a Read has filled quiet until everything is returned that has come. So a stream that waits for
// news holds next to nothing, whatever it has brought before.
type buffer struct {
	r              io.Reader
	data           []byte
	mark, pos, end int
	base           int64 // offset in the input of data[0]
	readErr        error // what the reader returned, to be reported after the bytes it came with
	borrowed       *[]byte
	quiet          [quietBuffer]byte
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

// fill reads once, blocking, when every byte at hand was scanned.
func (b *buffer) fill() error {
	if b.readErr != nil {
		return b.inputError()
	}
	if b.mark > 0 || b.end == len(b.data) {
		b.makeRoom()
	}
	for range maxEmptyReads {
		n, err := b.r.Read(b.data[b.end:])
		if err != nil {
			b.readErr = err
		}
		if n > 0 && n <= len(b.data)-b.end {
			b.end += n
			return nil
		}
		switch {
		case n != 0:
			return fmt.Errorf("jsonstream: offset %d: the reader says that it has put %d bytes into a buffer of %d",
				b.offset(), n, len(b.data)-b.end)
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

// makeRoom makes room for a Read, in a buffer that fits what comes: when the last Read has filled the buffer, more is probably
// waiting already.
func (b *buffer) makeRoom() {
	held := b.data[b.mark:b.end]
	switch filled := b.end == len(b.data); {
	case len(b.data) == 0, len(held) == 0 && !filled:
		b.giveBack()
		b.data = b.quiet[:]
	case filled && (b.borrowed == nil || len(held) == len(b.data)):
		larger := borrow(len(held))
		copy(*larger, held)
		b.giveBack()
		b.data, b.borrowed = *larger, larger
	default:
		copy(b.data, held)
	}
	b.base += int64(b.mark)
	b.pos -= b.mark
	b.mark, b.end = 0, len(held)
}

func (b *buffer) giveBack() {
	if b.borrowed != nil {
		giveBack(b.borrowed)
		b.borrowed = nil
	}
}

// drop gives the memory back when nothing will be read any more.
func (b *buffer) drop() {
	b.base += int64(b.pos)
	b.mark, b.pos, b.end = 0, 0, 0
	b.giveBack()
	b.data = nil
}
