package jsonstream

// stepNumber takes a byte in or just after a number. A number does not say where it ends, the byte after it does.
func (s *scanner) stepNumber(c byte) status {
	switch s.state {
	case afterMinus:
		switch {
		case c == '0':
			s.state = afterZero
		case isDigit(c):
			s.state = inInteger
		default:
			return invalid
		}
		return more
	case afterZero, inInteger:
		switch {
		case isDigit(c) && s.state == inInteger:
		case c == '.':
			s.state = afterPoint
		case c == 'e', c == 'E':
			s.state = afterE
		default:
			return s.endNumber(c)
		}
		return more
	case inFraction:
		switch {
		case isDigit(c):
		case c == 'e', c == 'E':
			s.state = afterE
		default:
			return s.endNumber(c)
		}
		return more
	case inExponent:
		if !isDigit(c) {
			return s.endNumber(c)
		}
		return more
	default: // afterPoint, afterE, afterSign
		switch {
		case (c == '+' || c == '-') && s.state == afterE:
			s.state = afterSign
		case !isDigit(c):
			return invalid
		case s.state == afterPoint:
			s.state = inFraction
		default:
			s.state = inExponent
		}
		return more
	}
}

// endNumber takes the byte after a number. It has to be one that may follow a value: 01 is not a 0 with a
// mistake after it but a mistake, and nobody must be given that 0.
func (s *scanner) endNumber(c byte) status {
	if !isSpace(c) && c != ',' && c != ']' && c != '}' {
		return invalid
	}
	if s.endValue() == complete {
		return ended
	}
	return s.step(c)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
