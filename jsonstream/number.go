package jsonstream

// scanNumber goes on at p[i] in a number. It returns the index of the first byte that cannot go on with it, or len(p):
// a number does not say where it ends, the byte after it does.
func scanNumber(p []byte, i int, at state) (int, state) {
	for ; i < len(p); i++ {
		switch c := p[i]; {
		case isDigit(c):
			switch at {
			case afterMinus:
				at = inInteger
				if c == '0' {
					at = afterZero
				}
			case afterPoint:
				at = inFraction
			case afterE, afterSign:
				at = inExponent
			case afterZero: // 01 is not a 0 with a mistake after it but a mistake
				return i, at
			}
		case c == '.' && (at == inInteger || at == afterZero):
			at = afterPoint
		case (c == 'e' || c == 'E') && (at == inInteger || at == afterZero || at == inFraction):
			at = afterE
		case (c == '+' || c == '-') && at == afterE:
			at = afterSign
		default:
			return i, at
		}
	}
	return i, at
}

// canEnd reports whether a number may end here.
func canEnd(at state) bool {
	return at == inInteger || at == afterZero || at == inFraction || at == inExponent
}

// endsNumber reports whether c may follow a number. Nobody must be given the number before a byte that may not.
func endsNumber(c byte) bool { return isSpace(c) || c == ',' || c == ']' || c == '}' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
