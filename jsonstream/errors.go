package jsonstream

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// ErrTooLarge is what [Decoder.Next] returns, wrapped, for an element of more than Options.MaxBytes bytes; test for it with
// errors.Is. It is the one error after which a Decoder goes on: the next call of Next skips what is left of
// the element, still validating it, and returns the element after it.
var ErrTooLarge = errors.New("element too large")

// A SyntaxError says that the input is not JSON, is nested too deeply, or is not an object with one array where the array was
// expected. Its text never shows more of the input than one byte.
type SyntaxError struct {
	Offset int64  // of the offending byte, from the start of the input, a byte order mark included
	Msg    string // what was wrong with it, and what was expected
}

func (e *SyntaxError) Error() string {
	return "jsonstream: offset " + strconv.FormatInt(e.Offset, 10) + ": " + e.Msg
}

// unexpected is the message for a byte c that stands where something else was wanted.
func unexpected(c byte, want string) string {
	return quote(c) + " where " + want + " was expected"
}

// quote shows one byte of input: itself if it is visible ASCII, else its number.
func quote(c byte) string {
	if c > ' ' && c < 0x7f {
		return strconv.QuoteRune(rune(c))
	}
	return fmt.Sprintf("0x%02x", c)
}

// A truncatedError is an io.EOF of the reader, perhaps wrapped, that came before the end of the document. It stands
// for io.ErrUnexpectedEOF and for everything that the reader's error wraps, except for io.EOF: a caller who asks errors.Is
// must not take it for a good end.
type truncatedError struct {
	offset int64
	err    error
}

func (e *truncatedError) Error() string {
	return fmt.Sprintf("jsonstream: offset %d: the input ends before the document does: %v", e.offset, e.err)
}

func (e *truncatedError) Is(target error) bool {
	return target == io.ErrUnexpectedEOF || target != io.EOF && errors.Is(e.err, target)
}

func (e *truncatedError) As(target any) bool { return errors.As(e.err, target) }

// complaint is the message for a byte that the scanner did not take.
func (s *scanner) complaint(c byte) string {
	switch s.state {
	case wantValue:
		return unexpected(c, "a value")
	case wantValueOrEnd:
		return unexpected(c, "a value or ']'")
	case wantName:
		return unexpected(c, "a member name")
	case wantNameOrEnd:
		return unexpected(c, "a member name or '}'")
	case wantColon:
		return unexpected(c, "':'")
	case wantCommaOrEnd:
		if s.inObject() {
			return unexpected(c, "',' or '}'")
		}
		return unexpected(c, "',' or ']'")
	case inString:
		return "control character " + quote(c) + " in a string"
	case inEscape:
		return unexpected(c, `one of "\/bfnrtu`)
	case inHex:
		return unexpected(c, "a hexadecimal digit")
	case inLiteral:
		return unexpected(c, "the rest of "+s.literal)
	case afterMinus, afterPoint, afterSign:
		return unexpected(c, "a digit")
	case afterE:
		return unexpected(c, "a sign or a digit")
	default:
		return unexpected(c, "the end of a number")
	}
}
