package auth

import (
	"crypto/sha256"
	"slices"
)

const maxRefused = 64

// refused remembers the last 64 values that servers refused, by hash. The zero value is empty, and has room for nothing:
// most providers never meet a refusal, and a process may hold thousands of them.
type refused struct {
	sums [][sha256.Size]byte
	next int // the oldest, once there are maxRefused
}

// add reports whether value is new.
func (s *refused) add(value string) bool {
	sum := sha256.Sum256([]byte(value))
	if slices.Contains(s.sums, sum) {
		return false
	}
	if len(s.sums) < maxRefused {
		s.sums = append(s.sums, sum)
		return true
	}
	s.sums[s.next] = sum
	s.next = (s.next + 1) % maxRefused
	return true
}

func (s *refused) has(value string) bool {
	return len(s.sums) > 0 && slices.Contains(s.sums, sha256.Sum256([]byte(value)))
}
