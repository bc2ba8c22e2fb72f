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
	stringEnded                 // not a place to rest at: just after the closing quote
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
	nonASCII bool   // a string has bytes from 0x80 up
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
// Here is what a value consists of; strings and numbers, in which most bytes are, have loops of their own.
func (s *scanner) scan(p []byte) (n int, st status) {
	state, i := s.state, 0
	for i < len(p) && st == more && state != atEnd {
		switch state {
		case inString, inEscape, inHex:
			i, state = s.scanString(p, i, state)
			switch {
			case state != stringEnded:
				if i < len(p) {
					st = invalid
				}
			case s.isName:
				s.fields.named(len(s.stack), s.scanned+i-1)
				state = wantColon
			default:
				state = s.endValue(i)
			}
		case afterMinus, afterZero, inInteger, afterPoint, inFraction, afterE, afterSign, inExponent:
			i, state = scanNumber(p, i, state)
			switch {
			case i == len(p):
			case canEnd(state) && endsNumber(p[i]):
				state = s.endValue(i)
			default:
				st = invalid
			}
		case inLiteral:
			switch {
			case p[i] != s.literal[s.seen]:
				st = invalid
			case int(s.seen) == len(s.literal)-1:
				i++
				state = s.endValue(i)
			default:
				i++
				s.seen++
			}
		default:
			if c := p[i]; isSpace(c) {
				i++
			} else if state, st = s.scanStructure(c, i, state); st == more {
				i++
			}
		}
	}
	if state == atEnd {
		st = complete
	}
	s.state = state
	s.scanned += i
	return i, st
}

// scanStructure takes one byte outside strings, literals and numbers, at p[i], that is not white space.
func (s *scanner) scanStructure(c byte, i int, at state) (state, status) {
	switch at {
	case wantColon:
		if c == ':' {
			return wantValue, more
		}
	case wantCommaOrEnd:
		switch open := s.stack[len(s.stack)-1]; {
		case c == ',' && open == '{':
			return wantName, more
		case c == ',':
			return wantValue, more
		case c == closing(open):
			return s.closeContainer(i + 1), more
		}
	case wantName, wantNameOrEnd:
		switch {
		case c == '"':
			s.isName = true
			s.fields.beginName(len(s.stack), s.scanned+i+1)
			return inString, more
		case c == '}' && at == wantNameOrEnd:
			return s.closeContainer(i + 1), more
		}
	default:
		if c == ']' && at == wantValueOrEnd {
			return s.closeContainer(i + 1), more
		}
		s.fields.beginValue(len(s.stack), s.scanned+i)
		return s.beginValue(c, at)
	}
	return at, invalid
}

// closing returns the byte that closes the container that open opens: in ASCII it is two further on.
func closing(open byte) byte { return open + 2 }

// beginValue takes the first byte of a value.
func (s *scanner) beginValue(c byte, at state) (state, status) {
	switch {
	case c == '"':
		s.isName = false
		return inString, more
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

func (s *scanner) inObject() bool { return s.stack[len(s.stack)-1] == '{' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
