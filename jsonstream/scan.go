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
	ended                  // the value, a number, ended with the byte before: only step says so
	invalid                // the byte at hand may not stand there
	tooDeep                // the byte at hand opens one container too many
)

// A scanner validates one JSON value byte by byte and finds its end. Between two calls it may rest in the middle of
// anything, so that it does not matter where the network cut the input.
type scanner struct {
	maxDepth int
	state    state
	isName   bool   // the string at hand is a member's name
	stack    []byte // the containers that are open, as their opening bytes
	literal  string // the literal at hand
	seen     int    // how many bytes of literal, or of the digits of a \u escape, were met
}

// begin makes s ready for a new value, after a complete one.
func (s *scanner) begin() {
	s.state = wantValue
}

// scan goes through p, which continues the value. It returns how many bytes of p belong to the value (up to the offending byte,
// if the status is an error). A number at the top ends only at the byte after it, which is looked at but not counted.
func (s *scanner) scan(p []byte) (n int, st status) {
	for n < len(p) {
		if s.state == inString {
			n += plain(p[n:])
			if n == len(p) {
				break
			}
		}
		switch st := s.step(p[n]); st {
		case more:
			n++
		case complete:
			return n + 1, complete
		case ended:
			return n, complete
		default:
			return n, st
		}
	}
	return n, more
}

// plain returns how many bytes p begins with that are neither the end of a string nor special in it. Bytes from 0x80 up
// are taken as they are: invalid UTF-8 in somebody's subject must not cost the stream.
func plain(p []byte) int {
	for i, c := range p {
		if c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return len(p)
}

// step takes one byte.
func (s *scanner) step(c byte) status {
	switch s.state {
	case inString:
		return s.stepString(c)
	case inEscape:
		return s.stepEscape(c)
	case inHex:
		return s.stepHex(c)
	case inLiteral:
		return s.stepLiteral(c)
	case wantValue, wantValueOrEnd, wantName, wantNameOrEnd, wantColon, wantCommaOrEnd:
		if isSpace(c) {
			return more
		}
		return s.stepStructure(c)
	default:
		return s.stepNumber(c)
	}
}

// stepStructure takes one byte outside strings, literals and numbers that is not white space.
func (s *scanner) stepStructure(c byte) status {
	switch s.state {
	case wantColon:
		if c != ':' {
			return invalid
		}
		s.state = wantValue
		return more
	case wantName, wantNameOrEnd:
		if c == '"' {
			s.state, s.isName = inString, true
			return more
		}
		if c == '}' && s.state == wantNameOrEnd {
			return s.closeContainer()
		}
		return invalid
	case wantCommaOrEnd:
		inObject := s.inObject()
		switch {
		case c == ',' && inObject:
			s.state = wantName
		case c == ',':
			s.state = wantValue
		case c == '}' && inObject, c == ']' && !inObject:
			return s.closeContainer()
		default:
			return invalid
		}
		return more
	default:
		if c == ']' && s.state == wantValueOrEnd {
			return s.closeContainer()
		}
		return s.beginValue(c)
	}
}

// beginValue takes the first byte of a value.
func (s *scanner) beginValue(c byte) status {
	switch {
	case c == '{':
		return s.open(c, wantNameOrEnd)
	case c == '[':
		return s.open(c, wantValueOrEnd)
	case c == '"':
		s.state, s.isName = inString, false
	case c == 't':
		s.state, s.literal, s.seen = inLiteral, "true", 1
	case c == 'f':
		s.state, s.literal, s.seen = inLiteral, "false", 1
	case c == 'n':
		s.state, s.literal, s.seen = inLiteral, "null", 1
	case c == '-':
		s.state = afterMinus
	case c == '0':
		s.state = afterZero
	case isDigit(c):
		s.state = inInteger
	default:
		return invalid
	}
	return more
}

func (s *scanner) open(c byte, next state) status {
	if len(s.stack) >= s.maxDepth {
		return tooDeep
	}
	s.stack = append(s.stack, c)
	s.state = next
	return more
}

func (s *scanner) closeContainer() status {
	s.stack = s.stack[:len(s.stack)-1]
	return s.endValue()
}

// endValue notes that a value has ended: the whole of it, or one inside a container.
func (s *scanner) endValue() status {
	if len(s.stack) == 0 {
		s.state = atEnd
		return complete
	}
	s.state = wantCommaOrEnd
	return more
}

func (s *scanner) inObject() bool { return s.stack[len(s.stack)-1] == '{' }

// stepString takes the byte that plain stopped at.
func (s *scanner) stepString(c byte) status {
	switch {
	case c == '\\':
		s.state = inEscape
	case c != '"':
		return invalid
	case s.isName:
		s.state = wantColon
	default:
		return s.endValue()
	}
	return more
}

func (s *scanner) stepEscape(c byte) status {
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.state = inString
	case 'u':
		s.state, s.seen = inHex, 0
	default:
		return invalid
	}
	return more
}

func (s *scanner) stepHex(c byte) status {
	if !isDigit(c) && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
		return invalid
	}
	s.seen++
	if s.seen == 4 {
		s.state = inString
	}
	return more
}

func (s *scanner) stepLiteral(c byte) status {
	if c != s.literal[s.seen] {
		return invalid
	}
	s.seen++
	if s.seen == len(s.literal) {
		return s.endValue()
	}
	return more
}
