package main

import (
	"strings"
	"unicode"
)

// unfit says what in a text keeps it from being an access token, which is
// printable ASCII without white space; "" if nothing does. It does not repeat
// any of the text: the rest of that may be a token.
func unfit(text string) string {
	has := func(is func(rune) bool) bool { return strings.ContainsFunc(text, is) }
	switch {
	case has(func(r rune) bool { return r > unicode.MaxASCII }):
		return "characters that are not ASCII (it may be saved as UTF-16, or with a byte order mark): only the token belongs there"
	case strings.ContainsAny(text, "\r\n"):
		return "more than one line: only the token belongs there"
	case has(unicode.IsSpace):
		return "white space between words: only the token belongs there, without \"Bearer\""
	case strings.ContainsAny(text, "\"'"):
		return "quotation marks: only the token belongs there, without them"
	case has(unicode.IsControl):
		return "control characters: only the token belongs there"
	default:
		return ""
	}
}
