package jsonstream

import "sync"

const (
	smallestLent = 16 << 10 // a whole record of TLS
	lentSizes    = 7        // each twice as much: up to 1 MiB
)

// lent are the buffers that streams have while they need them. All streams of a program share them: at any moment few of them have
// bytes at hand, however many there are.
var lent [lentSizes]sync.Pool

// borrow returns a buffer that has room for more than held bytes.
func borrow(held int) *[]byte {
	size := smallestLent
	for i := range lent {
		if size > held {
			if b, ok := lent[i].Get().(*[]byte); ok {
				return b
			}
			break
		}
		size *= 2
	}
	for size <= held {
		size *= 2
	}
	b := make([]byte, size)
	return &b
}

// giveBack takes what borrow has returned.
func giveBack(b *[]byte) {
	for i := range lent {
		if len(*b) == smallestLent<<i {
			lent[i].Put(b)
		}
	}
}
