package envelopes

import (
	"fmt"
	"io"
)

const (
	quietBuffer   = 1 << 10 // while nothing comes, or heartbeats
	firstBuffer   = 4 << 10 // once a Read has filled that
	maxEmptyReads = 100     // in a row, of a reader that returns neither bytes nor an error
)

// A buffer holds the bytes of the input that are not done with:
//
//	data[:mark]     done with
//	data[mark:pos]  scanned, and kept because they are or will be returned
//	data[pos:end]   read, not scanned yet
//
// data is quiet, or larger while there is need for it.
type buffer struct {
	r              io.Reader
	data           []byte
	mark, pos, end int
	base           int64 // offset in the input of data[0]
	readErr        error // what the reader returned, to be reported after the bytes it came with
	quiet          [quietBuffer]byte
}

func (b *buffer) offset() int64 { return b.base + int64(b.pos) }

// fill reads once, blocking, when every byte at hand was scanned.
func (b *buffer) fill() error {
	if b.readErr != nil {
		return b.readErr
	}
	if b.mark > 0 || b.end == len(b.data) {
		b.makeRoom()
	}
	for range maxEmptyReads {
		n, err := b.r.Read(b.data[b.end:])
		if n < 0 || n > len(b.data)-b.end {
			return fmt.Errorf("envelopes: offset %d: the reader says that it has put %d bytes into a buffer of %d", b.offset(), n, len(b.data)-b.end)
		}
		b.end += n
		b.readErr = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// makeRoom makes room for a Read, in a buffer that fits what is held. One that
// the last Read has filled is kept: more is probably waiting already.
func (b *buffer) makeRoom() {
	held := b.data[b.mark:b.end]
	size := fitting(len(held))
	if b.end > 0 && b.end == len(b.data) {
		size = max(size, len(b.data), firstBuffer)
	}
	into := b.data
	switch {
	case size == quietBuffer:
		into = b.quiet[:]
	case size != len(b.data):
		into = make([]byte, size)
	}
	copy(into, held)
	b.data = into
	b.base += int64(b.mark)
	b.pos -= b.mark
	b.mark, b.end = 0, len(held)
}

// fitting returns the size of the smallest buffer that has room for more than
// what is held.
func fitting(held int) int {
	size := quietBuffer
	for size <= held {
		if size *= 2; size < firstBuffer {
			size = firstBuffer
		}
	}
	return size
}

// drop gives the memory back when nothing will be read any more.
func (b *buffer) drop() {
	b.base += int64(b.pos)
	b.mark, b.pos, b.end = 0, 0, 0
	b.data = nil
}
