package main

import (
	"strings"
	"unicode"
)

// pad lengthens text with spaces to a number of columns.
func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-width(text)))
}

// width returns how many columns of a terminal text takes. It is right for text
// in the scripts that are written two columns wide, and for most emoji; where
// it is not, a line is out of step with the others.
func width(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf): // belongs to the one before
		case wide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

func wide(r rune) bool {
	switch {
	case r >= 0xff61 && r <= 0xffdc: // half-width forms of wide characters
		return false
	case r >= 0x3000 && r <= 0x30ff && r != 0x303f, // punctuation and kana
		r >= 0xff01 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, // full-width forms
		r >= 0x1f300 && r <= 0x1f64f, r >= 0x1f680 && r <= 0x1f6ff, r >= 0x1f900 && r <= 0x1faff: // emoji
		return true
	}
	return unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Yi)
}
