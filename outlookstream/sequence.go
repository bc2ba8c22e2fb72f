package outlookstream

// A sequence checks the numbers of one subscription's notifications. They
// start at 1 and are continued on the next connection.
type sequence struct {
	last int64
}

// accept takes note of a number and reports whether a notification is missing
// before it. A number that comes twice is a notification delivered twice,
// which the contract allows; 0 is a notification without a number, of which
// nothing can be said.
//
// The first number after a gap between two connections is held to the same
// rule, although the reconnecting was announced already: what is missing may
// have happened after that announcement.
func (s *sequence) accept(number int64) (complete bool) {
	if number == 0 {
		return true
	}
	complete = number == s.last || number == s.last+1
	s.last = number
	return complete
}
