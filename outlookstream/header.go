package outlookstream

import (
	"bytes"
	"strings"
	"time"
)

// A header has the members of an element as they lie in it, all but the first level of which nobody looks at: a notification
// is read from here without going over its bytes again. What is not as it nearly always is (escapes in an id, a number as a text, names in another
// case) is not read here at all, but left to decodeElement, which knows all of it.
type header struct {
	odataType, subscription, expires, changeType, resource, status []byte
	data                                                           []byte // ResourceData
	id                                                             []byte
	sequence                                                       int64
	unusual                                                        bool
	members                                                        int
}

// take takes note of one member.
func (h *header) take(name, value []byte) {
	h.members++
	switch string(name) {
	case "@odata.type":
		h.text(&h.odataType, value)
	case "Id":
		h.text(&h.id, value)
	case "SubscriptionId":
		h.text(&h.subscription, value)
	case "SubscriptionExpirationDateTime":
		h.text(&h.expires, value)
	case "SequenceNumber":
		h.number(value)
	case "ChangeType":
		h.text(&h.changeType, value)
	case "Resource":
		h.text(&h.resource, value)
	case "ResourceData":
		if h.data = value; value[0] == 'n' {
			h.data = nil
		}
	case "Status":
		h.text(&h.status, value)
	default:
		h.unusual = h.unusual || mayBeKnown(name)
	}
}

// mayBeKnown reports whether a name is another way to write one of those above, or is that of an error.
func mayBeKnown(name []byte) bool {
	for _, known := range [...]string{"@odata.type", "Id", "SubscriptionId", "SubscriptionExpirationDateTime", "SequenceNumber", "ChangeType",
		"Resource", "ResourceData", "Status", "Error"} {
		if len(name) >= len(known) && strings.EqualFold(string(name), known) { // some letters have more bytes in another case
			return true
		}
	}
	return false
}

// text notes the content of a string; null is none.
func (h *header) text(into *[]byte, value []byte) {
	switch {
	case value[0] == '"' && bytes.IndexByte(value, '\\') < 0:
		*into = value[1 : len(value)-1]
	case value[0] == 'n':
		*into = nil
	default:
		h.unusual = true
	}
}

// number notes a whole number that certainly fits.
func (h *header) number(value []byte) {
	h.sequence = 0
	if value[0] == 'n' {
		return
	}
	for _, c := range value {
		if c < '0' || c > '9' || len(value) > 18 {
			h.unusual = true
			return
		}
		h.sequence = 10*h.sequence + int64(c-'0')
	}
}

// isKeepAlive reports whether there is nothing in the element but that the connection is alive.
func (h *header) isKeepAlive() bool {
	return h.members == 2 && !h.unusual && string(h.odataType) == keepAliveType && h.status != nil
}

// notification returns the element as one, with nothing in it that refers to the element.
func (h *header) notification(received time.Time) *Notification {
	n, data := newNotification(len(h.data))
	if h.data != nil {
		n.ResourceData = append(data, h.data...)
	}
	var texts owned
	texts.Grow(len(h.id) + len(h.subscription) + len(h.resource)) // of the others it has a stock
	n.ODataType, n.ID, n.SubscriptionID = texts.own(h.odataType), texts.own(h.id), texts.own(h.subscription)
	n.ChangeType, n.Resource, n.Status = texts.own(h.changeType), texts.own(h.resource), texts.own(h.status)
	n.SubscriptionExpirationDateTime = parseTime(h.expires)
	n.SequenceNumber, n.Received = h.sequence, received
	return n
}

const (
	notificationType = "#Microsoft.OutlookServices.Notification"
	keepAliveType    = "#Microsoft.OutlookServices.KeepAliveNotification"
)

// common returns texts of the wire that do not have to be copied each time.
func common(text []byte) string {
	switch string(text) {
	case notificationType:
		return notificationType
	case keepAliveType:
		return keepAliveType
	case "Created":
		return "Created"
	case "Updated":
		return "Updated"
	case "Deleted":
		return "Deleted"
	case "Ok":
		return "Ok"
	case "OK":
		return "OK"
	default:
		return ""
	}
}

// owned makes strings of bytes, several in one piece of memory.
type owned struct{ strings.Builder }

func (o *owned) own(text []byte) string {
	if s := common(text); s != "" {
		return s
	}
	start := o.Len()
	o.Write(text)
	return o.String()[start:]
}

// unquote returns what a JSON string says; "" for any other value.
func (o *owned) unquote(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	start, text := o.Len(), value[1:len(value)-1]
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			o.Write(text)
			return o.String()[start:]
		}
		if c := text[i+1]; c != '"' && c != '\\' && c != '/' {
			var s string
			_ = json.Unmarshal(value, &s) // it cannot fail: jsonstream has read it
			return s
		}
		o.Write(text[:i]) // ETags are full of quotation marks
		o.WriteByte(text[i+1])
		text = text[i+2:]
	}
}

// parseTime reads a time. One that cannot be read costs nobody a notification.
func parseTime(text []byte) (t time.Time) {
	if t, ok := parseUTC(text); ok {
		return t
	}
	if t.UnmarshalText(text) != nil {
		t, _ = time.Parse(time.RFC3339Nano, string(text)) // it is less strict
	}
	return t
}

// parseUTC reads the one form that the service uses, with seven digits of a second, on nearly every day.
func parseUTC(text []byte) (time.Time, bool) {
	const form = "0000-00-00T00:00:00.0000000Z"
	if len(text) != len(form) {
		return time.Time{}, false
	}
	for i, c := range text {
		if want := form[i]; c != want && (want != '0' || !('0' <= c && c <= '9')) {
			return time.Time{}, false
		}
	}
	number := func(from, to int) (n int) {
		for _, c := range text[from:to] {
			n = 10*n + int(c-'0')
		}
		return n
	}
	year, month, day := number(0, 4), number(5, 7), number(8, 10)
	hour, minute, second := number(11, 13), number(14, 16), number(17, 19)
	if month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false // or a day that not every month has
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 100*number(20, 27), time.UTC), true
}

// newNotification returns a notification, and room for an item of that size: beside it, if the item is as small as it is when nothing
// was selected, since what is asked of the runtime twice takes longer than what is asked for once. The sizes fill what the runtime
// gives out.
func newNotification(item int) (*Notification, []byte) {
	switch {
	case item == 0 || item > 1088:
		return new(Notification), nil
	case item <= 328:
		n := new(struct {
			Notification
			item [328]byte
		})
		return &n.Notification, n.item[:0:item]
	case item <= 576:
		n := new(struct {
			Notification
			item [576]byte
		})
		return &n.Notification, n.item[:0:item]
	case item <= 832:
		n := new(struct {
			Notification
			item [832]byte
		})
		return &n.Notification, n.item[:0:item]
	default:
		n := new(struct {
			Notification
			item [1088]byte
		})
		return &n.Notification, n.item[:0:item]
	}
}
