package micro

import (
	"errors"
	"io"

	jsoniter "github.com/json-iterator/go"
)

// iteratorBuffer is what an Iterator reads at once, at most.
const iteratorBuffer = 16 << 10

// jsonIterator is json-iterator's Iterator, as it is and, which is faster,
// comparing names as they are spelled.
func jsonIterator() []Contestant {
	exact := jsoniter.Config{EscapeHTML: true, SortMapKeys: true, ValidateJsonRawMessage: true, CaseSensitive: true}.Froze()
	compatible := jsoniter.ConfigCompatibleWithStandardLibrary
	return []Contestant{
		{Name: "json-iterator", Task: Frame, Open: func(r io.Reader) (*Walk, error) {
			it := jsoniter.Parse(compatible, r, iteratorBuffer)
			return frames(func() ([]byte, error) {
				if !it.ReadArray() {
					return nil, ended(it)
				}
				raw := it.SkipAndReturnBytes()
				return raw, it.Error
			}), enterArray(it)
		}},
		iterating("json-iterator", compatible),
		iterating("json-iterator-case", exact),
	}
}

func iterating(name string, api jsoniter.API) Contestant {
	return Contestant{Name: name, Task: Notification, Open: func(r io.Reader) (*Walk, error) {
		it := jsoniter.Parse(api, r, iteratorBuffer)
		return headers(func() (*Header, error) {
			if !it.ReadArray() {
				return nil, ended(it)
			}
			h := new(Header)
			it.ReadVal(h)
			return h, it.Error
		}), enterArray(it)
	}}
}

func ended(it *jsoniter.Iterator) error {
	if it.Error != nil {
		return it.Error
	}
	return io.ErrUnexpectedEOF
}

func enterArray(it *jsoniter.Iterator) error {
	for name := it.ReadObject(); name != ""; name = it.ReadObject() {
		if name == "value" {
			return it.Error
		}
		it.Skip()
	}
	return errors.Join(errors.New("no array"), it.Error)
}
