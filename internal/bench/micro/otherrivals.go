package micro

import (
	"encoding/json"
	"io"

	"github.com/bytedance/sonic"
	goccyjson "github.com/goccy/go-json"
)

// goccy is goccy/go-json's Decoder.
func goccy() []Contestant {
	const name = "goccy"
	return []Contestant{
		{Name: name, Task: Frame, Open: func(r io.Reader) (*Walk, error) {
			d := goccyjson.NewDecoder(r)
			var raw goccyjson.RawMessage
			return frames(func() ([]byte, error) {
				if !d.More() {
					return nil, io.ErrUnexpectedEOF
				}
				err := d.Decode(&raw)
				return raw, err
			}), enter(d.Token, "value")
		}},
		{Name: name, Task: Notification, Open: func(r io.Reader) (*Walk, error) {
			d := goccyjson.NewDecoder(r)
			return headers(func() (*Header, error) {
				if !d.More() {
					return nil, io.ErrUnexpectedEOF
				}
				h := new(Header)
				return h, d.Decode(h)
			}), enter(d.Token, "value")
		}},
	}
}

// bytedance is sonic, as strict as the others.
func bytedance() []Contestant {
	const name = "sonic"
	api := sonic.Config{CopyString: true, ValidateString: true}.Froze()
	return []Contestant{
		{Name: name, Task: Frame, Concatenated: true, Open: func(r io.Reader) (*Walk, error) {
			d := api.NewDecoder(r)
			var raw json.RawMessage
			return frames(func() ([]byte, error) {
				err := d.Decode(&raw)
				return raw, err
			}), nil
		}},
		{Name: name, Task: Notification, Concatenated: true, Open: func(r io.Reader) (*Walk, error) {
			d := api.NewDecoder(r)
			return headers(func() (*Header, error) {
				h := new(Header)
				return h, d.Decode(h)
			}), nil
		}},
	}
}
