package auth

import (
	"crypto/sha256"
	"slices"
)

// refused remembers the last 64 values that servers refused, by hash. The zero value is empty.
type refused struct {
	sums [64][sha256.Size]byte
	n    int // how many were added
}

// add reports whether value is new.
func (s *refused) add(value string) bool {
	if s.has(value) {
		return false
	}
	s.sums[s.n%len(s.sums)] = sha256.Sum256([]byte(value))
	s.n++
	return true
}

func (s *refused) has(value string) bool {
	sum := sha256.Sum256([]byte(value))
	return slices.Contains(s.sums[:min(s.n, len(s.sums))], sum)
}
