package wire

import (
	"bytes"
	"strconv"

	"github.com/calwatch/calwatch/internal/bench/data"
)

// A source has the elements of a stream without an end: those of data, over and
// over. Both sides have it, so that a bare read knows where elements end.
type source struct {
	elements []sourceElement
}

// A sourceElement is cut where its number is.
type sourceElement struct {
	before, number, after []byte
}

const numberName = `"SequenceNumber":`

// newSource returns the elements of a kind. If they are to be numbered, their
// SequenceNumbers go on after the last of data's, since a watch takes a number
// that comes again for a fault.
func newSource(kind data.Kind, numbered bool) *source {
	s := new(source)
	for _, e := range data.Elements(kind) {
		cut := sourceElement{before: e}
		if before, after, found := bytes.Cut(e, []byte(numberName)); found && numbered {
			rest := bytes.TrimLeft(after, "0123456789")
			cut.before = e[:len(before)+len(numberName)]
			cut.number = after[:len(after)-len(rest)]
			cut.after = rest
		}
		s.elements = append(s.elements, cut)
	}
	return s
}

// append appends element i, and the comma before it.
func (s *source) append(to []byte, i int) []byte {
	e := s.elements[i%len(s.elements)]
	if i > 0 {
		to = append(to, ',')
	}
	to = append(to, e.before...)
	if len(e.number) > 0 {
		to = strconv.AppendInt(to, int64(i+1), 10)
	}
	return append(to, e.after...)
}

// size is that of element i, without the comma.
func (s *source) size(i int) int {
	e := s.elements[i%len(s.elements)]
	n := len(e.before) + len(e.after)
	if len(e.number) > 0 {
		n += len(strconv.AppendInt(nil, int64(i+1), 10))
	}
	return n
}
