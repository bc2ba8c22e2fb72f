package jsonstream

import (
	"encoding/binary"
	"math/bits"
)

// scanString goes on at p[i] in a string. If the string ends in p, the index is that of the byte after the quote. Else the state is still
// one of a string, and the index that of the byte that may not stand there, or len(p).
func (s *scanner) scanString(p []byte, i int, at state) (int, state) {
	for i < len(p) {
		switch c := p[i]; at {
		case inEscape:
			switch {
			case c == 'u':
				at, s.seen = inHex, 0
			case isEscape(c):
				at = inString
			default:
				return i, at
			}
			i++
		case inHex:
			if !isHex(c) {
				return i, at
			}
			i++
			s.seen++
			if s.seen == 4 {
				at = inString
			}
		default:
			i = s.plain(p, i)
			switch {
			case i == len(p):
				return i, inString
			case p[i] == '"':
				return i + 1, s.endString(i + 1)
			case p[i] != '\\':
				return i, inString
			}
			i++
			at, s.odd = inEscape, true
		}
	}
	return i, at
}

// plain returns the index of the first byte from p[i] on that is the end of a string or special in it; len(p) if there is none. It goes
// past short escapes, which a body of HTML has at every end of a line and every attribute, if they are whole. It notes
// whether any byte is above 0x7f. Those are taken as they are: invalid UTF-8 in somebody's subject must not cost the stream.
func (s *scanner) plain(p []byte, i int) int {
	var seen uint64
	for i+8 <= len(p) {
		x := binary.LittleEndian.Uint64(p[i:])
		seen |= x // also what is after the end of the string: to be called non-ASCII wrongly costs a little time only
		found := special(x)
		if found == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(found) / 8
		if p[i] != '\\' || i+1 == len(p) || !isEscape(p[i+1]) {
			s.note(seen)
			return i
		}
		i += 2
		s.odd = true
	}
	for ; i < len(p); i++ {
		c := p[i]
		seen |= uint64(c)
		if c == '"' || c == '\\' || c < ' ' {
			break
		}
	}
	s.note(seen)
	return i
}

func (s *scanner) note(seen uint64) {
	if seen&highs != 0 {
		s.nonASCII, s.odd = true, true
	}
}

// isEscape reports whether c may stand after a backslash, alone. (In Go what is shifted by 64 or more is 0.)
func isEscape(c byte) bool {
	const (
		low  = 1<<'"' | 1<<'/'
		high = 1<<('\\'-64) | 1<<('b'-64) | 1<<('f'-64) | 1<<('n'-64) | 1<<('r'-64) | 1<<('t'-64)
	)
	return (uint64(low)>>c|uint64(high)>>(c-64))&1 != 0
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }

// Eight bytes at a time: a word with each byte of it set to one value.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones // the high bit of each byte
)

// special returns a word whose lowest high bit that is set marks the first byte of x that is a quote, a backslash or a control
// character; 0 if none is.
//
// Of a byte below 0x80, subtracting 1 borrows only from 0, which is what the quote and the backslash become by xor, and
// subtracting 0x20 only from a control character. A borrow that goes on into the byte above makes that one look special, too, but
// it comes from one that is, and that is the one found. Bytes from 0x80 up are taken out at the end.
func special(x uint64) uint64 {
	quote, backslash := x^('"'*ones), x^('\\'*ones)
	return ((quote - ones) | (backslash - ones) | (x - ' '*ones)) &^ x & highs
}
