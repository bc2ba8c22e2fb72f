package outlookstream

import (
	stdjson "encoding/json"
	"strings"
	"time"
)

// A Notification is one element of a stream, with the fields and names of the
// wire. Any of them may be absent; see docs/protocol.md.
type Notification struct {
	ODataType                      string // @odata.type: "#Microsoft.OutlookServices.Notification"
	ID                             string // always "" so far
	SubscriptionID                 string // which subscription it is for
	SubscriptionExpirationDateTime time.Time
	SequenceNumber                 int64 // counts the notifications of a subscription from 1; 0: not sent
	ChangeType                     string
	Resource                       string             // URL of the item
	ResourceData                   stdjson.RawMessage // the item: @odata.id, @odata.etag, Id and what was selected, as received
	Status                         string             // of a keep-alive: "Ok"
	Error                          *NotificationError // why a subscription was removed
	Received                       time.Time          // when its last byte was read; not from the wire
}

// A NotificationError says why the service removed a subscription.
type NotificationError struct {
	Code    string // "AccountStateChanged"
	Message string
}

// IsKeepAlive reports whether n only says that the connection is alive.
func (n *Notification) IsKeepAlive() bool {
	return strings.EqualFold(n.ODataType, keepAliveType)
}

// DecodeResource returns the item of n as a T, which needs fields for what was
// selected: struct { Id, Subject string }. Names match in any case, and what T
// has no field for is left out. The error may quote the item, and with it what
// people wrote; a notification without an item is an error, too.
func DecodeResource[T any](n *Notification) (T, error) {
	var item T
	err := json.Unmarshal(n.ResourceData, &item)
	return item, err
}
