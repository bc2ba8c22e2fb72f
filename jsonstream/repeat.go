package jsonstream

import "bytes"

// maxRepeat is the size up to which an element is remembered: a keep-alive has 80 bytes.
const maxRepeat = 112

// A repeat is the element before, if it was small. A quiet stream brings the same keep-alive over and over: one with the same bytes
// is valid, ends where that one ended, and has the same members in the same places.
type repeat struct {
	size int // 0: none
	raw  [maxRepeat]byte
}

// note remembers an element, unless its end depends on what follows it, as that of a number does.
func (r *repeat) note(raw []byte) {
	r.size = 0
	if len(raw) <= maxRepeat && raw[0] == '{' {
		r.size = copy(r.raw[:], raw)
	}
}

func (r *repeat) forget() { r.size = 0 }

// at consumes the element at hand and returns it, if all of it has been read and it is the same as the one before.
func (r *repeat) at(in *buffer) []byte {
	end := in.pos + r.size
	if r.size == 0 || end > in.end || !bytes.Equal(in.data[in.pos:end], r.raw[:r.size]) {
		return nil
	}
	raw := in.data[in.pos:end:end]
	in.pos = end
	return raw
}
