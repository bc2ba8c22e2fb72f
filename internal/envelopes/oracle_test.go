package envelopes_test

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// A span is where a document lies in an input.
type span struct{ from, to int64 }

// spans has encoding/xml find the documents of an input, up to where it, or
// what may stand between two documents, forbids to go on.
func spans(data []byte) (found []span) {
	d := xml.NewDecoder(bytes.NewReader(data))
	depth, from := 0, int64(0)
	for {
		before := d.InputOffset()
		token, err := d.Token()
		if err != nil {
			return found
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth == 1 {
				from = before
				if isPage(token.Name) && bytes.HasPrefix(bytes.ToLower(data[from:]), []byte("<html")) {
					return found
				}
			}
		case xml.EndElement:
			if depth--; depth == 0 {
				found = append(found, span{from, d.InputOffset()})
			}
		case xml.Directive:
			return found
		case xml.CharData:
			if depth == 0 && strings.Trim(strings.ReplaceAll(string(data[before:d.InputOffset()]), "\xef\xbb\xbf", ""), " \t\r\n") != "" {
				return found
			}
		}
	}
}

func isPage(name xml.Name) bool { return strings.EqualFold(name.Local, "html") }
