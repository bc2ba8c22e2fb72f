package service

import (
	"strings"
	"unicode"
)

// Presentable makes a text of the service fit for an error or a log: bounded,
// without what plays tricks on a terminal or on who reads (control characters,
// marks that turn the direction of writing), and without the token, should the
// service have echoed it.
func Presentable(text, token string, limit int) string {
	if token != "" {
		text = strings.ReplaceAll(text, token, "[token]")
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "..."
	}
	return text
}
