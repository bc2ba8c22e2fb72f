package envelopes

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// ErrTooLarge is what [Reader.Next] returns, wrapped, for a document of more
// than Options.MaxBytes bytes. It is the one error after which a Reader goes
// on: the next call of Next skips what is left of the document, and returns the
// one after it.
var ErrTooLarge = errors.New("document too large")

// A SyntaxError says that the input is no run of XML documents.
type SyntaxError struct {
	Offset int64  // of the offending byte, from the start of the input
	Msg    string // what was wrong with it, and what was expected; of the input it shows one byte at most
	// Found is the start of what came in the place of a document, as much of it
	// as had been read; "" if the error is within one. It is as it came: who
	// shows it has to see to secrets. Error shows a few printable characters.
	Found string
}

const (
	maxFound = 4 << 10 // of SyntaxError.Found
	maxShown = 64      // of it in a text
)

// Error says what was wrong and, in short, what came.
func (e *SyntaxError) Error() string {
	text := "envelopes: offset " + strconv.FormatInt(e.Offset, 10) + ": " + e.Msg
	if e.Found != "" {
		text += ": " + strconv.Quote(shown(e.Found))
	}
	return text
}

// shown is the beginning of a text as it can be shown.
func shown(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text[:min(len(text), maxFound)], "\uFFFD"))
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "..."
	}
	return text
}

// quote shows one byte of input: itself if it is visible ASCII, else its number.
func quote(c byte) string {
	if c > ' ' && c < 0x7f {
		return strconv.QuoteRune(rune(c))
	}
	return fmt.Sprintf("0x%02x", c)
}

// A truncatedError is an io.EOF of the reader, perhaps wrapped, that came
// within a document. It stands for io.ErrUnexpectedEOF and for everything that
// the reader's error wraps, except for io.EOF: a caller who asks errors.Is must
// not take it for an end between two documents.
type truncatedError struct {
	offset int64
	err    error
}

func (e *truncatedError) Error() string {
	return fmt.Sprintf("envelopes: offset %d: the input ends within a document: %v", e.offset, e.err)
}

func (e *truncatedError) Is(target error) bool {
	return target == io.ErrUnexpectedEOF || target != io.EOF && errors.Is(e.err, target)
}

func (e *truncatedError) As(target any) bool { return errors.As(e.err, target) }
