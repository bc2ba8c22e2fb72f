package exchange

import (
	"encoding/xml"
	"strings"
)

// escape makes a text fit for the inside of an element or of an attribute in double quotes. What XML cannot hold at all
// becomes U+FFFD.
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}

// tag is an element with a text; it is left out if the text is "".
func tag(name, text string) string {
	if text == "" {
		return ""
	}
	return "<" + name + ">" + escape(text) + "</" + name + ">"
}

// within wraps what is in an element.
func within(name, content string) string { return "<" + name + ">" + content + "</" + name + ">" }
