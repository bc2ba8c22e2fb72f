package load

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// ours is one Client, used as any program would.
type ours struct {
	client   *outlookstream.Client
	seen     *seen
	selected []string
}

func newOurs(h *holding, transport *http.Transport) (*ours, error) {
	names, err := selected()
	if err != nil {
		return nil, err
	}
	options := &outlookstream.Options{
		Endpoint:   h.config.API,
		User:       mailbox(0),
		HTTPClient: &http.Client{Transport: transport},
		KeepAlive:  h.config.KeepAlive,

		ConnectRate: h.config.ConnectRate,
	}
	if h.config.Trace {
		options.Trace = h.peers.trace()
	}
	client, err := outlookstream.New(auth.Cached(h.tokens), options)
	if err != nil {
		return nil, err
	}
	return &ours{client: client, seen: h.seen, selected: names}, nil
}

func (o *ours) watch(ctx context.Context, i int) error {
	for event, err := range o.client.Watch(ctx, outlookstream.Resource{Path: resource(i), Select: o.selected}) {
		if err != nil {
			return err
		}
		if event.Kind == outlookstream.Resync {
			o.seen.opened(i, event.Reason.Error())
			continue
		}
		n, ok := event.Native.(*outlookstream.Notification)
		if !ok {
			return errors.New("an event without a notification")
		}
		// A copy: the event's own may hold the whole element.
		o.seen.changed(i, strings.Clone(event.ID), n.ResourceData)
	}
	return nil
}

// tokens is the account: it has one token after the other, each good until it
// is refused, and counts who asks.
type tokens struct {
	values []string

	mu    sync.Mutex
	next  int
	calls int
}

// Token implements auth.Provider.
func (t *tokens) Token(_ context.Context, r auth.Request) (auth.Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	if r.Rejected != "" && r.Rejected == t.values[t.next] && t.next+1 < len(t.values) {
		t.next++
	}
	return auth.Token{Value: t.values[t.next], ExpiresOn: time.Now().Add(24 * time.Hour)}, nil
}

func (t *tokens) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls
}
