package jsonstream

// A state says what the next byte of a JSON value may be.
type state uint8

const (
	wantValue      state = iota // the first byte of a value
	wantValueOrEnd              // the same, or ']': just after '['
	wantName                    // '"': after ',' in an object
	wantNameOrEnd               // the same, or '}': just after '{'
	wantColon                   // ':'
	wantCommaOrEnd              // ',' or the end of the container: after a value in it
	inString                    // any character of a string, or its end
	inEscape                    // what follows a backslash
	inHex                       // a digit of a \u escape
	inLiteral                   // the rest of true, false or null
	afterMinus                  // the first digit of a number
	afterZero                   // what follows a leading 0: no digit
	inInteger                   // more digits, '.', 'e', or the end
	afterPoint                  // the first digit after '.'
	inFraction                  // more digits, 'e', or the end
	afterE                      // a sign or a digit
	afterSign                   // the first digit of the exponent
	inExponent                  // more digits, or the end
	atEnd                       // nothing: the value has ended
)

// A status is what a scanner says about the bytes it has been given.
type status uint8

const (
	more     status = iota // the value goes on
	complete               // the value ends with this byte
	invalid                // the byte at hand may not stand there
	tooDeep                // the byte at hand opens one container too many
)

// A scanner validates one JSON value and finds its end. Between two calls it may rest in the middle of anything, so that
// it does not matter where the network cut the input.
type scanner struct {
	maxDepth int
	state    state
	isName   bool   // the string at hand is a member's name
	nonASCII bool   // a string may have bytes from 0x80 up
	odd      bool   // the name at hand may have some, or has escapes
	seen     uint8  // how many bytes of literal, or of the digits of a \u escape, were met
	stack    []byte // the containers that are open, as their opening bytes
	literal  string // the literal at hand
	scanned  int    // how many bytes of the value earlier calls have gone through
	fields   fields // of the value, if it is an object
}

// begin makes s ready for a new value, after a complete one.
func (s *scanner) begin() {
	s.state = wantValue
	s.nonASCII = false
	s.scanned = 0
	s.fields.n = 0
}

// scan goes through p, which continues the value. It returns how many bytes of p belong to the value (up to the offending byte,
// if the status is an error). A number at the top ends only at the byte after it, which is looked at but not counted.
//
// Strings and numbers, in which most bytes are, have loops of their own; here is what is between them.
func (s *scanner) scan(p []byte) (n int, st status) {
	state, i := s.state, 0
	for i < len(p) && state != atEnd {
		c := p[i]
		switch state {
		case wantName, wantNameOrEnd:
			switch {
			case c == '"':
				i++
				s.isName, s.odd = true, false
				s.fields.beginName(len(s.stack), s.scanned+i)
				i, state = s.scanString(p, i, inString)
			case isSpace(c):
				i++
			case c == '}' && state == wantNameOrEnd:
				i++
				state = s.closeContainer(i)
			default:
				return s.rest(i, state, invalid)
			}
		case wantColon:
			switch {
			case c == ':':
				i++
				state = wantValue
			case isSpace(c):
				i++
			default:
				return s.rest(i, state, invalid)
			}
		case wantCommaOrEnd:
			open := s.stack[len(s.stack)-1]
			switch {
			case c == ',' && open == '{':
				i++
				state = wantName
			case c == ',':
				i++
				state = wantValue
			case c == closing(open):
				i++
				state = s.closeContainer(i)
			case isSpace(c):
				i++
			default:
				return s.rest(i, state, invalid)
			}
		case inString, inEscape, inHex:
			i, state = s.scanString(p, i, state)
			if i < len(p) && inString <= state && state <= inHex {
				return s.rest(i, state, invalid)
			}
		case afterMinus, afterZero, inInteger, afterPoint, inFraction, afterE, afterSign, inExponent:
			i, state = scanNumber(p, i, state)
			if i < len(p) {
				if !canEnd(state) || !endsNumber(p[i]) {
					return s.rest(i, state, invalid)
				}
				state = s.endValue(i)
			}
		case inLiteral:
			if c != s.literal[s.seen] {
				return s.rest(i, state, invalid)
			}
			i++
			s.seen++
			if int(s.seen) == len(s.literal) {
				state = s.endValue(i)
			}
		default: // wantValue, wantValueOrEnd
			switch {
			case c == '"':
				s.isName = false
				s.fields.beginValue(len(s.stack), s.scanned+i)
				i, state = s.scanString(p, i+1, inString)
			case isSpace(c):
				i++
			case c == ']' && state == wantValueOrEnd:
				i++
				state = s.closeContainer(i)
			default:
				s.fields.beginValue(len(s.stack), s.scanned+i)
				if state, st = s.beginValue(c, state); st != more {
					return s.rest(i, state, st)
				}
				i++
			}
		}
	}
	if state == atEnd {
		st = complete
	}
	return s.rest(i, state, st)
}

// rest notes where scan stands when it returns.
func (s *scanner) rest(i int, at state, st status) (int, status) {
	s.state = at
	s.scanned += i
	return i, st
}

// closing returns the byte that closes the container that open opens: in ASCII it is two further on.
func closing(open byte) byte { return open + 2 }

// beginValue takes the first byte of a value that is not a string.
func (s *scanner) beginValue(c byte, at state) (state, status) {
	switch {
	case c == '{', c == '[':
		if len(s.stack) >= s.maxDepth {
			return at, tooDeep
		}
		s.stack = append(s.stack, c)
		if c == '{' {
			return wantNameOrEnd, more
		}
		return wantValueOrEnd, more
	case c == 't':
		s.literal = "true"
	case c == 'f':
		s.literal = "false"
	case c == 'n':
		s.literal = "null"
	case c == '-':
		return afterMinus, more
	case c == '0':
		return afterZero, more
	case isDigit(c):
		return inInteger, more
	default:
		return at, invalid
	}
	s.seen = 1
	return inLiteral, more
}

// closeContainer ends the innermost container, which ends before p[i].
func (s *scanner) closeContainer(i int) state {
	s.stack = s.stack[:len(s.stack)-1]
	return s.endValue(i)
}

// endValue notes that a value has ended before p[i]: the whole of it, or one inside a container.
func (s *scanner) endValue(i int) state {
	if len(s.stack) == 0 {
		return atEnd
	}
	s.fields.endValue(s.stack, s.scanned+i)
	return wantCommaOrEnd
}

// endString notes that a string has ended before p[i].
func (s *scanner) endString(i int) state {
	if s.isName {
		s.fields.named(len(s.stack), s.scanned+i-1, s.odd)
		return wantColon
	}
	return s.endValue(i)
}

func (s *scanner) inObject() bool { return s.stack[len(s.stack)-1] == '{' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
