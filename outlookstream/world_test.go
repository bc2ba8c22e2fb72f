package outlookstream_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A world is a fake service and a Client for it, in virtual time.
type world struct {
	t        *testing.T
	protocol string // "h1" or "h2"
	server   *fakeserver.Server
	endpoint *fakeserver.Endpoint
	provider auth.Provider
	opts     outlookstream.Options
}

const user = "alex@contoso.test"

var events = outlookstream.Resource{Path: "me/events"}

// inEachWorld runs test over HTTP/1.1 and HTTP/2, each in a bubble of virtual
// time, which fails it if anything is left running at the end.
func inEachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for _, protocol := range []string{"h1", "h2"} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test(t, newWorld(t, protocol, nil))
			})
		})
	}
}

func newWorld(t *testing.T, protocol string, opts *fakeserver.Options) *world {
	t.Helper()
	server := fakeserver.New(opts)
	endpoint, err := server.ListenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, protocol: protocol, server: server, endpoint: endpoint}
	w.provider = w.issuing()
	w.opts = outlookstream.Options{
		Endpoint:   endpoint.API(),
		HTTPClient: endpoint.Client(protocol),
		Logger:     slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	return w
}

// issuing returns a provider that issues a token and keeps it until it is
// refused.
func (w *world) issuing() auth.Provider {
	return auth.Cached(auth.Func(func(_ context.Context, r auth.Request) (auth.Token, error) {
		return auth.Token{Value: w.server.Token(user, r.Scopes...), ExpiresOn: time.Now().Add(1000 * time.Hour)}, nil
	}))
}

func (w *world) client() *outlookstream.Client {
	w.t.Helper()
	c, err := outlookstream.New(w.provider, &w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) arm(f fakeserver.Fault) {
	w.t.Helper()
	if err := w.server.Arm(f); err != nil {
		w.t.Fatal(err)
	}
}

// change makes a change to me/events, or to another resource, and returns the
// item's id.
func (w *world) change(kind string, resource ...string) string {
	w.t.Helper()
	c := fakeserver.Change{Resource: "me/events", ChangeType: kind}
	if len(resource) > 0 {
		c.Resource = resource[0]
	}
	entries, err := w.server.Change(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return entries[0].ID
}

// requests returns the requests to a path that ends in suffix.
func (w *world) requests(suffix string) (found []fakeserver.Request) {
	for _, r := range w.server.Requests() {
		if strings.HasSuffix(strings.ToLower(r.Path), strings.ToLower(suffix)) {
			found = append(found, r)
		}
	}
	return found
}

func (w *world) listens() []fakeserver.Request { return w.requests("/GetNotifications") }

// A watcher is a loop over a watch, on a goroutine of its own.
type watcher struct {
	t      *testing.T
	pairs  chan pair
	cancel context.CancelFunc
}

type pair struct {
	event outlookstream.Event
	err   error
	at    time.Time
}

func (w *world) watch(resources ...outlookstream.Resource) *watcher {
	w.t.Helper()
	if len(resources) == 0 {
		resources = []outlookstream.Resource{events}
	}
	return w.watchWith(w.client(), resources...)
}

func (w *world) watchWith(client *outlookstream.Client, resources ...outlookstream.Resource) *watcher {
	ctx, cancel := context.WithCancel(w.t.Context())
	return follow(w.t, cancel, client.Watch(ctx, resources...))
}

func follow(t *testing.T, cancel context.CancelFunc, in outlookstream.Events) *watcher {
	watcher := &watcher{t: t, pairs: make(chan pair, 10_000), cancel: cancel}
	t.Cleanup(func() {
		cancel()
		for range watcher.pairs { // until it has ended
		}
	})
	go func() {
		defer close(watcher.pairs)
		for event, err := range in {
			watcher.pairs <- pair{event, err, time.Now()}
		}
	}()
	return watcher
}

// next returns the next pair, which has to come within two virtual hours.
func (w *watcher) next() pair {
	w.t.Helper()
	select {
	case p, ok := <-w.pairs:
		if !ok {
			w.t.Fatal("the watch has ended")
		}
		return p
	case <-time.After(2 * time.Hour):
		w.t.Fatal("nothing came for two hours")
	}
	panic("unreachable")
}

// event returns the next event.
func (w *watcher) event() outlookstream.Event {
	w.t.Helper()
	p := w.next()
	if p.err != nil {
		w.t.Fatalf("the watch ended: %v", p.err)
	}
	return p.event
}

// resync expects a Resync for the reason.
func (w *watcher) resync(reason error) outlookstream.Event {
	w.t.Helper()
	event := w.event()
	if event.Kind != outlookstream.Resync || !errors.Is(event.Reason, reason) || event.ID != "" {
		w.t.Fatalf("got %v, want a Resync because %v", event, reason)
	}
	for _, other := range reasons {
		if other != reason && errors.Is(event.Reason, other) {
			w.t.Fatalf("the reason %v is also %v", event.Reason, other)
		}
	}
	return event
}

var reasons = []error{
	outlookstream.ErrStarted, outlookstream.ErrReconnected, outlookstream.ErrResubscribed, outlookstream.ErrMissed,
	outlookstream.ErrSequence, outlookstream.ErrOverflow, outlookstream.ErrRemoved, outlookstream.ErrTooLarge,
}

// change expects a change of an item.
func (w *watcher) change(kind outlookstream.Kind, id string) outlookstream.Event {
	w.t.Helper()
	event := w.event()
	if event.Kind != kind || event.ID != id || id == "" {
		w.t.Fatalf("got %v, want %v %s", event, kind, id)
	}
	return event
}

// quiet expects that nothing comes for a while.
func (w *watcher) quiet(d time.Duration) {
	w.t.Helper()
	select {
	case p, ok := <-w.pairs:
		w.t.Fatalf("got %v, %v (ended: %v), want nothing for %v", p.event, p.err, !ok, d)
	case <-time.After(d):
	}
}

// pause lets time pass, whatever comes.
func (w *watcher) pause(d time.Duration) {
	<-time.After(d)
}

// end expects the end of the watch and returns its error.
func (w *watcher) end() error {
	w.t.Helper()
	p := w.next()
	if p.err == nil || p.event != (outlookstream.Event{}) {
		w.t.Fatalf("got %v, %v, want an error alone", p.event, p.err)
	}
	if after, more := <-w.pairs; more {
		w.t.Fatalf("after the error came %v, %v", after.event, after.err)
	}
	return p.err
}

// lost says which changes the watcher was not told of. It may only be asked
// when nothing is under way.
func (w *world) lost(seen []fakeserver.Seen) string {
	var out []string
	for _, entry := range w.server.LostSilently(user, "me/events", seen) {
		out = append(out, fmt.Sprintf("%d %s %s", entry.Seq, entry.ChangeType, entry.ID))
	}
	return strings.Join(out, ", ")
}

// gaps returns the times between requests.
func gaps(requests []fakeserver.Request) (between []time.Duration) {
	times := make([]time.Time, len(requests))
	for i, r := range requests {
		times[i] = r.Time
	}
	slices.SortFunc(times, time.Time.Compare)
	for i := 1; i < len(times); i++ {
		between = append(between, times[i].Sub(times[i-1]))
	}
	return between
}

// noConnections expects that none is left. The service, like the real one,
// notices that a client has gone when it next writes, at a keep-alive.
func (w *world) noConnections() {
	w.t.Helper()
	<-time.After(20 * time.Second)
	synctest.Wait()
	if n := w.endpoint.Conns(); n != 0 {
		w.t.Errorf("%d connections are left", n)
	}
}
