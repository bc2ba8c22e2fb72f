package ews_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// A world is a fake Exchange and a Client for it, in virtual time.
type world struct {
	t        *testing.T
	server   *fakeserver.Server
	endpoint *fakeserver.Endpoint
	provider auth.Provider
	opts     ews.Options
}

// room names the mailboxes of a world.
func room(i int) string { return fmt.Sprintf("room%03d@contoso.test", i) }

// inWorld runs test against an Exchange with so many mailboxes, in a bubble of
// virtual time, which fails it if anything is left running at the end.
func inWorld(t *testing.T, mailboxes int, o fake.Options, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, newWorld(t, mailboxes, o))
	})
}

func newWorld(t *testing.T, mailboxes int, o fake.Options) *world {
	t.Helper()
	var accounts []signin.Account
	for i := range mailboxes {
		accounts = append(accounts, signin.Account{User: room(i), Name: "Room"})
	}
	w := &world{t: t}
	w.serve(accounts, o)
	return w
}

// serve makes the fake Exchange, with such accounts, and the options for it.
func (w *world) serve(accounts []signin.Account, o fake.Options) {
	t := w.t
	t.Helper()
	server := fakeserver.New(&fakeserver.Options{Accounts: accounts, Exchange: &o, MaxConcurrent: -1})
	endpoint, err := server.ListenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	w.server, w.endpoint = server, endpoint
	w.provider = auth.Cached(auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
		return auth.Token{Value: server.Token(""), ExpiresOn: time.Now().Add(1000 * time.Hour)}, nil
	}))
	w.opts = ews.Options{
		URL:         endpoint.EWS(),
		Impersonate: true,
		HTTPClient:  endpoint.Client("h1"),
		Logger:      slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
}

func (w *world) client() *ews.Client {
	w.t.Helper()
	c, err := ews.New(ews.Bearer(w.provider), &w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// calendars are so many mailboxes, with their calendars.
func calendars(n int) (mailboxes []ews.Mailbox) {
	for i := range n {
		mailboxes = append(mailboxes, ews.Mailbox{Address: room(i), Folders: ews.Distinguished("calendar")})
	}
	return mailboxes
}

// arm arms a fault.
func (w *world) arm(f fakeserver.Fault) {
	w.t.Helper()
	if err := w.server.Arm(f); err != nil {
		w.t.Fatal(err)
	}
}

// change makes a change in a room's calendar and returns the item's id.
func (w *world) change(i int, kind string) string {
	w.t.Helper()
	entries, err := w.server.Change(fakeserver.Change{User: room(i), Resource: "me/events", ChangeType: kind})
	if err != nil {
		w.t.Fatal(err)
	}
	return entries[0].ID
}

// requests returns the requests whose body has an operation in it.
func (w *world) requests(operation string) (found []fakeserver.Request) {
	for _, r := range w.server.Requests() {
		if strings.Contains(r.Body, ":"+operation+">") || strings.Contains(r.Body, ":"+operation+" ") {
			found = append(found, r)
		}
	}
	return found
}

// A watcher is a loop over a watch, on a goroutine of its own. It sees all that
// comes, in its order.
type watcher struct {
	w      *world
	cancel context.CancelCauseFunc
	ended  chan struct{}

	mu     sync.Mutex
	events []outlookstream.Event
	seen   []fakeserver.Seen
	err    error
}

var errEnough = errors.New("enough")

func (w *world) watch(events func(ctx context.Context) outlookstream.Events) *watcher {
	ctx, cancel := context.WithCancelCause(w.t.Context())
	watcher := &watcher{w: w, cancel: cancel, ended: make(chan struct{})}
	w.t.Cleanup(func() {
		cancel(errEnough)
		<-watcher.ended
	})
	go func() {
		defer close(watcher.ended)
		for event, err := range events(ctx) {
			watcher.see(event, err)
		}
	}()
	return watcher
}

func (w *world) watchRooms(n int) *watcher {
	c := w.client()
	return w.watch(func(ctx context.Context) outlookstream.Events { return c.Watch(ctx, calendars(n)...) })
}

func (w *watcher) see(event outlookstream.Event, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.err = err
		return
	}
	w.events = append(w.events, event)
	seen := fakeserver.Seen{Resource: event.Resource, ChangeType: event.Kind.String(), ID: event.ID, Resync: event.Kind == outlookstream.Resync, LedgerSeq: w.w.server.LedgerSeq()}
	if native, ok := event.Native.(*ews.Event); ok {
		seen.ChangeType = string(native.Type)
		seen.Version = native.ItemID.ChangeKey
	}
	w.seen = append(w.seen, seen)
}

// take returns what has come since the last take, once nothing is under way.
func (w *watcher) take() []outlookstream.Event {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	events := w.events
	w.events = nil
	return events
}

// after lets time pass and takes what came.
func (w *watcher) after(d time.Duration) []outlookstream.Event {
	<-time.After(d)
	return w.take()
}

// end waits for the end of the watch and returns its error.
func (w *watcher) end() error {
	<-w.ended
	return w.err
}

// lost says which changes of rooms the watcher was not told of.
func (w *watcher) lost(rooms int) (lost []string) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range rooms {
		for _, entry := range w.w.server.LostSilentlyExchange(room(i), []string{"calendar"}, w.seen) {
			lost = append(lost, fmt.Sprintf("%d %s %s of %s", entry.Seq, entry.ChangeType, entry.ID, room(i)))
		}
	}
	return lost
}

// resyncs counts the Resyncs among events for a reason.
func resyncs(events []outlookstream.Event, reason error) (n int) {
	for _, e := range events {
		if e.Kind == outlookstream.Resync && errors.Is(e.Reason, reason) {
			n++
		}
	}
	return n
}

// about returns the events of an item.
func about(events []outlookstream.Event, id string) (found []outlookstream.Event) {
	for _, e := range events {
		if e.ID == id {
			found = append(found, e)
		}
	}
	return found
}
