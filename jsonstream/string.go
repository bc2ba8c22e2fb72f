package jsonstream

import (
	"encoding/binary"
	"math/bits"
)

// scanString goes on at p[i] in a string. If it ends in p, the state is stringEnded and the index that of the byte
// after the quote. Else the index is that of the byte that may not stand there, or len(p).
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
			n, high := plain(p[i:])
			s.nonASCII = s.nonASCII || high
			i += n
			if i == len(p) {
				return i, inString
			}
			switch p[i] {
			case '"':
				return i + 1, stringEnded
			case '\\':
				i++
				at = inEscape
				if i < len(p) && isEscape(p[i]) { // most of them, and then nothing has to be looked at twice
					i++
					at = inString
				}
			default:
				return i, inString
			}
		}
	}
	return i, at
}

// isEscape reports whether c may stand after a backslash, alone.
func isEscape(c byte) bool {
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	default:
		return false
	}
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

// plain returns how many bytes p begins with that are neither the end of a string nor special in it, and whether any is above 0x7f.
// Those are taken as they are: invalid UTF-8 in somebody's subject must not cost the stream.
func plain(p []byte) (n int, high bool) {
	var seen uint64
	rest := p
	for len(rest) >= 32 {
		a, b := binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:])
		c, d := binary.LittleEndian.Uint64(rest[16:]), binary.LittleEndian.Uint64(rest[24:])
		if special(a)|special(b)|special(c)|special(d) != 0 {
			break // which of them, the next loop finds
		}
		seen |= a | b | c | d
		rest = rest[32:]
	}
	for len(rest) >= 8 {
		x := binary.LittleEndian.Uint64(rest)
		if found := special(x); found != 0 {
			bit := bits.TrailingZeros64(found)
			seen |= x & (1<<bit - 1) // the bytes below
			return len(p) - len(rest) + bit/8, seen&highs != 0
		}
		seen |= x
		rest = rest[8:]
	}
	for i, c := range rest {
		if c == '"' || c == '\\' || c < ' ' {
			return len(p) - len(rest) + i, seen&highs != 0
		}
		seen |= uint64(c)
	}
	return len(p), seen&highs != 0
}
