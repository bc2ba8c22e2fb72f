package micro

import (
	"io"
	"time"

	json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// jsonText is encoding/json/v2 and its jsontext: the module that it is
// developed in, which with GOEXPERIMENT=jsonv2 is nothing but other names for
// the standard library's.
func jsonText() []Contestant {
	const name = "jsontext"
	return []Contestant{
		{Name: name, Task: Frame, Open: func(r io.Reader) (*Walk, error) {
			d := jsontext.NewDecoder(r)
			return frames(func() ([]byte, error) { return d.ReadValue() }), enterText(d)
		}},
		{Name: name, Task: Notification, Open: func(r io.Reader) (*Walk, error) {
			d := jsontext.NewDecoder(r)
			var last *textHeader
			return &Walk{
				Next: func() error {
					if d.PeekKind() != '{' {
						return io.ErrUnexpectedEOF
					}
					last = new(textHeader)
					return json.UnmarshalDecode(d, last)
				},
				Last: func() ([]byte, *Header) {
					return nil, &Header{last.ODataType, last.ID, last.SubscriptionID, last.SubscriptionExpirationDateTime, last.SequenceNumber,
						last.ChangeType, last.Resource, []byte(last.ResourceData), last.Status, last.Error}
				},
			}, enterText(d)
		}},
	}
}

// A textHeader is a Header with the type that this library keeps raw values in.
type textHeader struct {
	ODataType                      string `json:"@odata.type"`
	ID                             string `json:"Id"`
	SubscriptionID                 string `json:"SubscriptionId"`
	SubscriptionExpirationDateTime time.Time
	SequenceNumber                 int64
	ChangeType                     string
	Resource                       string
	ResourceData                   jsontext.Value
	Status                         string
	Error                          *HeaderError
}

func enterText(d *jsontext.Decoder) error {
	for range 5 {
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		if token.Kind() == '[' {
			return nil
		}
	}
	return io.ErrUnexpectedEOF
}
