package ews_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
)

// counting knows how many calls are under way. (Streams are no calls: they are
// accepted at once.)
type counting struct {
	http.RoundTripper
	mu        sync.Mutex
	now, most int
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.add(1)
	defer c.add(-1)
	time.Sleep(100 * time.Millisecond) // synctest: virtual
	return c.RoundTripper.RoundTrip(r)
}

func (c *counting) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now += n
	c.most = max(c.most, c.now)
}

// Exchange allows an account 27 calls at a time.
func TestAStartOfManyGroupsKeepsToTheLimitOfCalls(t *testing.T) {
	const n, sites = 120, 12
	o := fake.Options{Limits: fake.Limits{Calls: 27}}
	for i := range sites {
		name := strings.Repeat("x", i+1)
		o.BackEnds = append(o.BackEnds, fake.BackEnd{Name: name + ".fake.test", Grouping: name})
	}
	inWorld(t, n, o, func(t *testing.T, w *world) {
		w.opts.Discover = true
		w.opts.Autodiscover.Servers = []string{w.endpoint.URL}
		calls := &counting{RoundTripper: w.opts.HTTPClient.Transport}
		w.opts.HTTPClient = &http.Client{Transport: calls}
		watcher := w.watchRooms(n)
		events := watcher.after(time.Minute)
		if started := resyncs(events, outlookstream.ErrStarted); started != n {
			t.Errorf("%d of %d mailboxes are watched", started, n)
		}
		if streams := w.server.Exchange().Streams(); streams != sites {
			t.Errorf("%d streams for %d groups", streams, sites)
		}
		if calls.most > 20+sites || calls.most < 20 {
			t.Errorf("%d calls at a time", calls.most)
		}
	})
}
