package micro

import (
	"encoding/json"
	"io"
	"time"
)

// A Task is what is to be done with each element.
type Task string

// The tasks.
const (
	Frame        Task = "frame"        // find its end, and that it is valid; its bytes are lent until the next
	Notification Task = "notification" // a header that the caller owns, with the item as raw bytes
	Watching     Task = "watch"        // what a program's loop over Watch gets
)

// A Header is what rivals decode an element into: the fields of an
// outlookstream.Notification.
type Header struct {
	ODataType                      string `json:"@odata.type"`
	ID                             string `json:"Id"`
	SubscriptionID                 string `json:"SubscriptionId"`
	SubscriptionExpirationDateTime time.Time
	SequenceNumber                 int64
	ChangeType                     string
	Resource                       string
	ResourceData                   json.RawMessage
	Status                         string
	Error                          *HeaderError
}

// A HeaderError is why a subscription was removed.
type HeaderError struct{ Code, Message string }

// A Contestant does a task in its way.
type Contestant struct {
	Name         string // lower case, without dots
	Task         Task
	Concatenated bool // it cannot read the document around the elements
	// Open prepares it to read a document, or elements one after another.
	Open func(r io.Reader) (*Walk, error)
}

// Ours is the name of this module's contestant in each task.
const Ours = "calwatch"

// A Walk is a contestant on its way through a document.
type Walk struct {
	// Next goes to the next element and does the task.
	Next func() error
	// Last returns what came of it: one of bytes and a header.
	Last func() ([]byte, *Header)
	// Close ends the walk; may be nil.
	Close func()
}

// Contestants returns all that walk, ours first.
func Contestants() []Contestant {
	var all []Contestant
	for _, some := range [][]Contestant{ours(), standard(), jsonText(), jsonIterator(), goccy(), bytedance(), kubernetes()} {
		all = append(all, some...)
	}
	return all
}

// headers is a walk of a contestant that makes headers.
func headers(next func() (*Header, error)) *Walk {
	var last *Header
	return &Walk{
		Next: func() (err error) {
			last, err = next()
			return err
		},
		Last: func() ([]byte, *Header) { return nil, last },
	}
}

// frames is a walk of a contestant that finds the ends of elements.
func frames(next func() ([]byte, error)) *Walk {
	var last []byte
	return &Walk{
		Next: func() (err error) {
			last, err = next()
			return err
		},
		Last: func() ([]byte, *Header) { return last, nil },
	}
}
