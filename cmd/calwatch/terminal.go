package main

import (
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// isTerminal says whether somebody is looking at what is written to w.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns returns the width of the terminal w, or 80.
func columns(w any) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}

// coloured says whether output to w may have colours (see no-color.org).
func (t *tool) coloured(w any) bool {
	return t.isTerminal(w) && t.env("NO_COLOR") == "" && t.env("TERM") != "dumb"
}

// plain makes text from elsewhere safe to show: on a terminal, control
// characters move the cursor, change colours or worse, and characters that
// reverse the direction of text make it lie about itself.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case r == '\u200c' || r == '\u200d': // they join letters and emoji
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// clip shortens text to a number of characters.
func clip(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return string(runes[:max(limit-1, 0)]) + "…"
}
