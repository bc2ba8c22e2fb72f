package outlookstream

import (
	stdjson "encoding/json"
	"fmt"
	"time"

	jsoniter "github.com/json-iterator/go"

	"github.com/calwatch/calwatch/jsonstream"
)

// json is the codec of this package, so that changing it means changing this
// line. What it reads has been checked for its grammar by jsonstream.
var json = jsoniter.ConfigCompatibleWithStandardLibrary

// wireElement has what any element of a stream may carry.
type wireElement struct {
	ODataType                      string `json:"@odata.type"`
	ID                             string `json:"Id"`
	SubscriptionID                 string `json:"SubscriptionId"`
	SubscriptionExpirationDateTime string
	SequenceNumber                 int64
	ChangeType                     string
	Resource                       string
	ResourceData                   stdjson.RawMessage
	Status                         string
	// Of a removed subscription, spelled Error; or, spelled error and in
	// place of a notification, the service's way of breaking off a stream.
	Error *wireError
}

// wireError is how the service reports an error, everywhere.
type wireError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// decodeElement returns the notification in raw, or the error the service
// sent in its place. It keeps no reference to raw. It takes whatever there may
// be; what is as usual is read from a header, ten times as fast.
func decodeElement(raw []byte, received time.Time) (*Notification, *wireError, error) {
	if raw[0] != '{' {
		return nil, nil, fmt.Errorf("%w: an element that is not an object", ErrMalformed)
	}
	var wire wireElement
	if err := json.Unmarshal(raw, &wire); err != nil {
		if n, ok := decodeRemoval(raw, received); ok {
			return n, nil, nil
		}
		// The codec's message quotes the element, and so what people wrote.
		return nil, nil, fmt.Errorf("%w: an element whose members have other types than documented", ErrMalformed)
	}
	if wire.Error != nil && wire.ChangeType == "" {
		return nil, wire.Error, nil
	}
	n := &Notification{
		ODataType:      wire.ODataType,
		ID:             wire.ID,
		SubscriptionID: wire.SubscriptionID,
		SequenceNumber: wire.SequenceNumber,
		ChangeType:     wire.ChangeType,
		Resource:       wire.Resource,
		ResourceData:   wire.ResourceData,
		Status:         wire.Status,
		Received:       received,
	}
	n.SubscriptionExpirationDateTime = parseTime([]byte(wire.SubscriptionExpirationDateTime))
	if wire.Error != nil {
		n.Error = &NotificationError{Code: wire.Error.Code, Message: wire.Error.Message}
	}
	return n, nil, nil
}

// decodeRemoval recognizes the end of a subscription in an element that is not
// as documented otherwise: whoever overlooks it listens to nothing.
func decodeRemoval(raw []byte, received time.Time) (*Notification, bool) {
	var wire struct {
		SubscriptionID any `json:"SubscriptionId"`
		ChangeType     any
	}
	if json.Unmarshal(raw, &wire) != nil {
		return nil, false
	}
	n := &Notification{Received: received}
	n.SubscriptionID, _ = wire.SubscriptionID.(string)
	n.ChangeType, _ = wire.ChangeType.(string)
	return n, is(n, "SubscriptionRemoved")
}

// decodeError reads the body of an error: {"error":{"code":...,"message":...}},
// with or without a byte order mark. A body of another shape (a proxy's HTML
// page) says nothing.
func decodeError(body []byte) wireError {
	var document struct {
		Error wireError `json:"error"`
	}
	if json.Unmarshal(trimBOM(body), &document) != nil {
		return wireError{}
	}
	return document.Error
}

func trimBOM(body []byte) []byte {
	if len(body) >= 3 && string(body[:3]) == "\xef\xbb\xbf" {
		return body[3:]
	}
	return body
}

// wireItem is what an event needs of a notification's ResourceData.
type wireItem struct {
	ID   string `json:"Id"`
	ETag string `json:"@odata.etag"`
}

// item looks no further into the item than necessary: what is needed comes
// first, and what was selected may be long.
func (n *Notification) item() wireItem {
	var id, etag []byte
	for name, value := range jsonstream.Fields(n.ResourceData) {
		switch string(name) {
		case "Id":
			id = value
		case "@odata.etag":
			etag = value
		}
		if id != nil && etag != nil {
			break
		}
	}
	var item wireItem
	if id == nil {
		// Perhaps its name is written in another way. That there is none is
		// dealt with by the caller.
		if len(n.ResourceData) > 0 {
			_ = json.Unmarshal(n.ResourceData, &item)
		}
		return item
	}
	var texts owned
	texts.Grow(len(id) + len(etag))
	return wireItem{ID: texts.unquote(id), ETag: texts.unquote(etag)}
}
