package micro

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/calwatch/calwatch/outlookstream"
)

// Between returns the elements of a document with n keep-alives before each
// notification.
func Between(n int, keepAlive []byte, notifications [][]byte) [][]byte {
	var elements [][]byte
	for _, e := range notifications {
		for range n {
			elements = append(elements, keepAlive)
		}
		elements = append(elements, e)
	}
	return elements
}

// Watch is a program's loop over Client.Watch. Each call of next is a change
// that its body was given; keep-alives are none, so what n of them cost is seen
// by putting them between.
func Watch(r io.Reader) (next func() error, stop func(), err error) {
	client, err := newClient(r)
	if err != nil {
		return nil, nil, err
	}
	event, stop := iter.Pull2(client.Watch(context.Background(), outlookstream.Resource{Path: "me/events"}))
	return func() error {
		for {
			e, err, more := event()
			switch {
			case !more:
				return errors.New("the watch has ended")
			case err != nil:
				return err
			case e.Kind != outlookstream.Resync: // there is one at the start, and where the numbers begin anew
				return nil
			}
		}
	}, stop, nil
}
