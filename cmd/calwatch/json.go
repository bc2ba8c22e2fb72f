package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf16"

	"github.com/calwatch/calwatch/outlookstream"
)

// A jsonLine is what is printed for an event with -o json. Programs read it:
// fields are only ever added.
type jsonLine struct {
	Type         string          `json:"type"`
	Resource     string          `json:"resource"`
	ID           string          `json:"id,omitempty"`
	Version      string          `json:"version,omitempty"`
	Sequence     int64           `json:"sequence,omitempty"`
	Subscription string          `json:"subscription,omitempty"`
	Received     string          `json:"received"`
	Reason       string          `json:"reason,omitempty"`
	Error        string          `json:"error,omitempty"`
	Data         json.RawMessage `json:"data,omitempty"`
}

// receivedLayout is RFC 3339 with all nine digits of a nanosecond, so that lines
// can be sorted as text.
const receivedLayout = "2006-01-02T15:04:05.000000000Z07:00"

func encodeJSON(event outlookstream.Event) ([]byte, error) {
	n := notification(event)
	line := jsonLine{
		Type:         event.Kind.String(),
		Resource:     event.Resource,
		ID:           event.ID,
		Version:      event.Version,
		Sequence:     n.SequenceNumber,
		Subscription: n.SubscriptionID,
		Received:     event.Received.UTC().Format(receivedLayout),
		Data:         compact(n.ResourceData),
	}
	if e := exchangeEvent(event); e != nil {
		line.Subscription, line.Data = e.SubscriptionID, dataOf(e)
	}
	switch event.Kind {
	case outlookstream.Resync:
		line.Reason = reasonName(event.Reason)
	case outlookstream.Ended:
		line.Reason, line.Error = endName(event.Reason), plain(event.Reason.Error())
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // names and subjects are read by people, too
	if err := e.Encode(line); err != nil {
		return nil, err
	}
	return escapeInvisible(b.Bytes()), nil
}

// escapeInvisible writes as \uXXXX what a terminal might obey or hide: control
// characters of eight bits and characters that change the direction of text.
// Outside of strings JSON has none of them, and the value stays the same.
func escapeInvisible(line []byte) []byte {
	if !bytes.ContainsFunc(line, invisible) {
		return line
	}
	var b bytes.Buffer
	for _, r := range string(line) {
		if !invisible(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, "\\u%04x", unit)
		}
	}
	return b.Bytes()
}

func invisible(r rune) bool { return r >= 0x7f && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) }

// compact returns what the service sent in a form that fits a JSON line: on one
// line, and in valid UTF-8, which the service does not warrant. What is not
// JSON at all becomes a JSON string.
func compact(data []byte) json.RawMessage {
	if len(data) == 0 {
		return nil
	}
	data = bytes.ToValidUTF8(data, []byte("\uFFFD"))
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		quoted, _ := json.Marshal(string(data)) // of a string, it cannot fail
		return quoted
	}
	return b.Bytes()
}
