package outlookstream

import (
	"bytes"
	"strings"
	"time"
)

// A header has the members of an element as they lie in it, and does not look into their values: a notification is made
// from it without going over the element again. What is not written as it nearly always is (escapes in an id, a number as a text, names in
// another case) makes it unusual, and is left to decodeElement, which knows all of it.
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

// number notes a whole number that certainly fits; null leaves what was there, as the codec has it.
func (h *header) number(value []byte) {
	if value[0] == 'n' {
		return
	}
	h.sequence = 0
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
