package wire

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/go-json-experiment/json/jsontext"
)

// A header is what rivals decode an element into: what a Notification has, with
// the item left as it came.
type header[Raw ~[]byte] struct {
	ODataType                      string `json:"@odata.type"`
	ID                             string `json:"Id"`
	SubscriptionID                 string `json:"SubscriptionId"`
	SubscriptionExpirationDateTime time.Time
	SequenceNumber                 int64
	ChangeType                     string
	Resource                       string
	ResourceData                   Raw
	Status                         string
	Error                          *headerError
}

type headerError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Each library has its own type of a value that is left as it came.
type (
	header1 = header[json.RawMessage]
	header2 = header[jsontext.Value]
)

// A digest tells whether two contestants delivered the same.
type digest struct {
	sum   uint64
	count int
}

func (d *digest) add(element any) error {
	hash := fnv.New64a()
	switch h := element.(type) {
	case *header1:
		write(hash, h)
	case *header2:
		write(hash, h)
	case *outlookstream.Notification:
		write(hash, &header1{
			h.ODataType, h.ID, h.SubscriptionID, h.SubscriptionExpirationDateTime, h.SequenceNumber,
			h.ChangeType, h.Resource, h.ResourceData, h.Status, nil,
		})
	case outlookstream.Event:
		n, ok := h.Native.(*outlookstream.Notification)
		if !ok || h.Reason != nil {
			return fmt.Errorf("element %d: not a change: %v", d.count, h)
		}
		return d.add(n)
	default:
		return fmt.Errorf("element %d: a %T", d.count, element)
	}
	d.sum = d.sum*31 + hash.Sum64()
	d.count++
	return nil
}

func write[Raw ~[]byte](to interface{ Write([]byte) (int, error) }, h *header[Raw]) {
	fmt.Fprintf(to, "%q %q %q %d %d %q %q %s %q", h.ODataType, h.ID, h.SubscriptionID, h.SubscriptionExpirationDateTime.UnixNano(),
		h.SequenceNumber, h.ChangeType, h.Resource, []byte(h.ResourceData), h.Status)
}
