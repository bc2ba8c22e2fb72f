package micro

import (
	"encoding/json"
	"errors"
	"io"
)

// standard is encoding/json. With GOEXPERIMENT=jsonv2 it is another
// implementation under the same name.
func standard() []Contestant {
	const name = "encoding-json"
	return []Contestant{
		{Name: name, Task: Frame, Open: func(r io.Reader) (*Walk, error) {
			d := json.NewDecoder(r)
			var raw json.RawMessage
			return frames(func() ([]byte, error) {
				err := d.Decode(&raw)
				return raw, err
			}), enter(d.Token, "value")
		}},
		{Name: name, Task: Notification, Open: func(r io.Reader) (*Walk, error) {
			d := json.NewDecoder(r)
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

// enter reads tokens up to the beginning of the array.
func enter[T comparable](token func() (T, error), array string) error {
	for range 5 { // { name context value [
		last, err := token()
		if err != nil {
			return err
		}
		if any(last) == any(json.Delim('[')) {
			return nil
		}
	}
	return errors.New("no array " + array)
}
