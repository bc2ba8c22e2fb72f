package micro

import (
	"strconv"

	"github.com/calwatch/calwatch/internal/bench/data"
)

// Whole is the size of reads that end where an element ends, as those of a
// connection on which each element comes in a packet of its own.
const Whole = 0

// ReadsName names a size of reads.
func ReadsName(size int) string {
	switch size {
	case Whole:
		return "whole"
	case 16 << 10:
		return "16k"
	default:
		return strconv.Itoa(size)
	}
}

// Chunks returns the elements as they follow each other in a document whose
// array is open, or, for those that cannot read that, on lines of their own.
// The first is what comes once only, before them.
func Chunks(elements [][]byte, concatenated bool) (head []byte, chunks [][]byte) {
	if concatenated {
		for _, e := range elements {
			chunks = append(chunks, append(append([]byte(nil), e...), '\n'))
		}
		return nil, chunks
	}
	// A comma comes in front of the element that it parts from the one before:
	// an element has to be delivered without it.
	for _, e := range elements {
		chunks = append(chunks, append([]byte{','}, e...))
	}
	return append([]byte(data.Head), elements[0]...), append(chunks[1:], chunks[0])
}

// An Endless is a reader that plays chunks for ever.
type Endless struct {
	chunks [][]byte
	limit  int
	next   int
	rest   []byte
}

// NewEndless plays head and then, round and round, the chunks, in reads of at
// most limit bytes; those of Whole end with a chunk.
func NewEndless(head []byte, chunks [][]byte, limit int) *Endless {
	if limit != Whole {
		// Reads have nothing to do with elements: one long chunk.
		var all []byte
		for _, c := range chunks {
			all = append(all, c...)
		}
		chunks = [][]byte{all}
	}
	return &Endless{chunks: chunks, limit: limit, rest: head}
}

// Read fills as much of p as it may.
func (e *Endless) Read(p []byte) (int, error) {
	if e.limit != Whole && len(p) > e.limit {
		p = p[:e.limit]
	}
	read := 0
	for {
		if len(e.rest) == 0 {
			e.rest = e.chunks[e.next]
			e.next++
			if e.next == len(e.chunks) {
				e.next = 0
			}
		}
		n := copy(p[read:], e.rest)
		e.rest = e.rest[n:]
		read += n
		if e.limit == Whole || read == len(p) {
			return read, nil
		}
	}
}

// Close is here to make it the body of a response.
func (e *Endless) Close() error { return nil }
