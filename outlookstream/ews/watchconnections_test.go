package ews_test

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// countDials has the connections of the world's client counted.
func (w *world) countDials() *atomic.Int64 {
	dials := new(atomic.Int64)
	transport := w.opts.HTTPClient.Transport.(*http.Transport).Clone()
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return dial(ctx, network, address)
	}
	w.opts.HTTPClient = &http.Client{Transport: transport}
	return dials
}

// atOnce is how many calls a group makes at a time.
const atOnce = 4

func TestTheCallsOfAGroupShareItsConnections(t *testing.T) {
	const n = 60
	inWorld(t, n, site, func(t *testing.T, w *world) {
		dials := w.countDials()
		watcher := w.watchRooms(n)
		if started := watcher.after(time.Second); resyncs(started, outlookstream.ErrStarted) != n {
			t.Fatalf("%v", started)
		}
		if got := dials.Load(); got > atOnce+1 { // and the stream's
			t.Errorf("%d connections for %d subscriptions and a stream", got, n)
		}
		if got := w.endpoint.Conns(); got != 1 {
			t.Errorf("%d connections are open beside one stream", got-1)
		}
		dials.Store(0)
		watcher.cancel(errEnough)
		_ = watcher.end()
		if got := dials.Load(); got > atOnce {
			t.Errorf("%d connections to give %d subscriptions back", got, n)
		}
	})
}

func TestWhoAsksAgainAndAgainDoesSoOverOneConnection(t *testing.T) {
	const n = 5
	inWorld(t, n, site, func(t *testing.T, w *world) {
		w.arm(fakeserver.Fault{On: "ewsStream", Do: "stall", Times: -1})
		watcher := w.watchRooms(n)
		if events := watcher.after(10 * time.Minute); resyncs(events, ews.ErrPulling) != n {
			t.Fatalf("%v", events)
		}
		asked := len(w.requests("GetEvents"))
		conns := make(map[string]bool)
		watcher.after(5 * time.Minute)
		for _, r := range w.requests("GetEvents")[asked:] {
			conns[r.Conn] = true
		}
		if len(conns) != 1 {
			t.Errorf("%d connections", len(conns))
		}
	})
}
