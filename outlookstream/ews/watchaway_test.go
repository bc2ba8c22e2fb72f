package ews_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// withoutHost is a network in which a host may be missing.
type withoutHost struct {
	http.RoundTripper
	mu   sync.Mutex
	host string
}

func (n *withoutHost) set(host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.host = host
}

func (n *withoutHost) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	host := n.host
	n.mu.Unlock()
	if r.URL.Host == host {
		return nil, errors.New("no such host")
	}
	return n.RoundTripper.RoundTrip(r)
}

// A server that was taken out of service does not say where its mailboxes are.
func TestMailboxesOfAServerThatStaysAwayAreLookedForAgain(t *testing.T) {
	inWorld(t, 2, fake.Options{BackEnds: []fake.BackEnd{{Name: "old.fake.test", Grouping: "OLD"}}}, func(t *testing.T, w *world) {
		w.opts.Discover = true
		w.opts.Autodiscover.Servers = []string{w.endpoint.URL}
		gone := &withoutHost{RoundTripper: w.opts.HTTPClient.Transport}
		w.opts.HTTPClient = &http.Client{Transport: gone}
		if err := w.server.Exchange().SetBackEnd(fake.BackEnd{Name: "old.fake.test", Grouping: "OLD", URL: "https://outlook365.fake.test/EWS/Exchange.asmx"}); err != nil {
			t.Fatal(err)
		}
		watcher := w.watchRooms(2)
		if events := watcher.after(time.Minute); resyncs(events, outlookstream.ErrStarted) != 2 {
			t.Fatalf("%v", events)
		}
		gone.set("outlook365.fake.test")
		if err := w.server.Exchange().SetBackEnd(fake.BackEnd{Name: "old.fake.test", Grouping: "OLD"}); err != nil {
			t.Fatal(err)
		}
		w.endpoint.Reset()
		w.change(0, "Created")
		if events := watcher.after(14 * time.Minute); len(events) != 0 {
			t.Errorf("too early: %v", events)
		}
		if events := watcher.after(6 * time.Minute); resyncs(events, outlookstream.ErrResubscribed) != 2 || len(events) != 2 {
			t.Errorf("%v", events)
		}
		for i := range 2 {
			id := w.change(i, "Created")
			if len(about(watcher.take(), id)) == 0 {
				t.Errorf("%s is not watched", room(i))
			}
		}
		if lost := watcher.lost(2); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

// discoveries counts the requests of Autodiscover.
func (w *world) discoveries() (n int) {
	for _, r := range w.server.Requests() {
		if strings.HasPrefix(strings.ToLower(r.Path), "/autodiscover/") {
			n++
		}
	}
	return n
}

// What a server says, be it that it is busy, is an answer.
func TestMailboxesOfAServerThatAnswersAreNotLookedForAgain(t *testing.T) {
	inWorld(t, 2, site, func(t *testing.T, w *world) {
		w.opts.Discover = true
		w.opts.Autodiscover.Servers = []string{w.endpoint.URL}
		w.armForGood(fakeserver.Fault{On: fake.OnSubscribe, Do: "status", Status: http.StatusServiceUnavailable})
		watcher := w.watchRooms(2)
		watcher.after(time.Minute)
		before := w.discoveries()
		watcher.after(time.Hour)
		if n := w.discoveries(); before == 0 || n != before {
			t.Errorf("%d requests of Autodiscover, and then %d", before, n-before)
		}
	})
}

func TestASetThatNeverComesToRestIsFollowed(t *testing.T) {
	inWorld(t, 3, site, func(t *testing.T, w *world) {
		set, err := ews.NewSet(calendars(1)...)
		if err != nil {
			t.Fatal(err)
		}
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.WatchSet(ctx, set) })
		watcher.after(time.Minute)
		if err := set.Add(calendars(2)[1]); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			set.Remove("nobody@contoso.test")
			watcher.after(700 * time.Millisecond)
		}
		if n := len(w.requests("Subscribe")); n != 2 {
			t.Errorf("%d subscriptions", n)
		}
	})
}
