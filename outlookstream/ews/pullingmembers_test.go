package ews_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// of returns the events of a room.
func of(events []outlookstream.Event, i int) (found []outlookstream.Event) {
	for _, e := range events {
		if e.Resource == room(i) {
			found = append(found, e)
		}
	}
	return found
}

// askEvery is how often the watches of these tests ask.
const askEvery = 20 * time.Second

// whilePulling runs test with a watch that has found that nothing streams.
func whilePulling(t *testing.T, rooms int, test func(t *testing.T, w *world, watcher *watcher)) {
	inWorld(t, rooms, site, func(t *testing.T, w *world) {
		test(t, w, w.pullRooms(rooms))
	})
}

func (w *world) pullRooms(rooms int) *watcher {
	w.t.Helper()
	w.armForGood(fakeserver.Fault{On: fake.OnStream, Do: "stall"})
	w.opts.PullInterval = askEvery
	watcher := w.watchRooms(rooms)
	if events := watcher.after(10 * time.Minute); resyncs(events, ews.ErrPulling) != rooms {
		w.t.Fatalf("%v", events)
	}
	return watcher
}

// Its events wait: there is no reason to subscribe again, and to list.
func TestAMailboxThatIsThrottledIsAskedLater(t *testing.T) {
	whilePulling(t, 3, func(t *testing.T, w *world, watcher *watcher) {
		subscribed := len(w.requests("Subscribe"))
		if err := w.server.Exchange().Throttle(fake.Busy{Mailbox: room(1), Shape: fake.BusyFault, BackOff: 70 * time.Second}); err != nil {
			t.Fatal(err)
		}
		ids := []string{w.change(0, "Created"), w.change(1, "Created")}
		events := watcher.after(60 * time.Second)
		if len(about(events, ids[0])) == 0 || len(about(events, ids[1])) != 0 {
			t.Errorf("%v", events)
		}
		events = watcher.after(60 * time.Second)
		if len(about(events, ids[1])) == 0 || resyncs(events, outlookstream.ErrResubscribed) != 0 {
			t.Errorf("%v", events)
		}
		if early := w.server.Exchange().Early(); len(early) > 0 {
			t.Errorf("%v", early)
		}
		if n := len(w.requests("Subscribe")); n != subscribed {
			t.Errorf("%d subscriptions were made", n-subscribed)
		}
	})
}

func TestASubscriptionThatIsGoneAtOnceIsMadeLessAndLessOften(t *testing.T) {
	whilePulling(t, 2, func(t *testing.T, w *world, watcher *watcher) {
		w.server.Exchange().SetLimits(fake.Limits{Subscriptions: -1})
		subscribed := len(w.requests("Subscribe"))
		w.armForGood(fakeserver.Fault{On: fake.OnCall, Do: fake.DoErrorMessage, Code: "ErrorSubscriptionNotFound", User: room(1)})
		events := watcher.after(time.Hour)
		if n := len(w.requests("Subscribe")) - subscribed; n < 30 || n > 140 {
			t.Errorf("%d subscriptions were made in an hour", n)
		}
		if len(of(events, 0)) != 0 {
			t.Errorf("the other was disturbed: %v", of(events, 0))
		}
		w.server.Disarm()
		w.armForGood(fakeserver.Fault{On: fake.OnStream, Do: "stall"})
		watcher.after(2 * time.Minute)
		id := w.change(1, "Created")
		if len(about(watcher.after(askEvery+time.Second), id)) == 0 {
			t.Error("what happened was not told")
		}
		if lost := watcher.lost(2); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

func TestAMailboxThatFailsForGoodEndsWhileTheWatchAsks(t *testing.T) {
	whilePulling(t, 3, func(t *testing.T, w *world, watcher *watcher) {
		w.arm(fakeserver.Fault{On: fake.OnCall, Do: fake.DoErrorMessage, Code: "ErrorInvalidLicense", User: room(1), Times: 1})
		events := watcher.after(10 * time.Minute)
		if len(events) != 1 || events[0].Kind != outlookstream.Ended || events[0].Resource != room(1) {
			t.Errorf("%v", events)
		}
	})
}

func TestEventsThatTheServerLostAreAnnouncedWhileTheWatchAsks(t *testing.T) {
	whilePulling(t, 2, func(t *testing.T, w *world, watcher *watcher) {
		w.arm(fakeserver.Fault{On: fake.OnCall, Do: fake.DoErrorMessage, Code: "ErrorMissedNotificationEvents", User: room(1), Times: 1})
		events := watcher.after(10 * time.Minute)
		if len(of(events, 1)) != 1 || len(events) != 1 || resyncs(events, outlookstream.ErrResubscribed) != 1 {
			t.Errorf("%v", events)
		}
		if n := len(w.server.Exchange().Subscriptions()); n != 2 {
			t.Errorf("%d subscriptions count", n)
		}
	})
}

// A restless server always has more events of one mailbox, and takes its time.
type restless struct {
	http.RoundTripper
	user   string
	happen func() // has something happen there
	on     atomic.Bool
}

func (r *restless) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	asked, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if !r.on.Load() || !strings.Contains(string(asked), ":GetEvents>") || !strings.Contains(string(asked), r.user) {
		return r.RoundTripper.RoundTrip(req)
	}
	r.happen()
	resp, err := r.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	<-time.After(100 * time.Millisecond)
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	answer = bytes.Replace(answer, []byte("MoreEvents>false<"), []byte("MoreEvents>true<"), 1)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(answer)), int64(len(answer))
	return resp, nil
}

func TestAMailboxThatAlwaysHasMoreDoesNotKeepTheOthersWaiting(t *testing.T) {
	inWorld(t, 2, site, func(t *testing.T, w *world) {
		server := &restless{RoundTripper: w.opts.HTTPClient.Transport, user: room(0), happen: func() { w.change(0, "Updated") }}
		w.opts.HTTPClient = &http.Client{Transport: server}
		watcher := w.pullRooms(2)
		server.on.Store(true)
		asked := len(w.requests("GetEvents"))
		watcher.after(askEvery)
		id := w.change(1, "Created")
		if len(about(watcher.after(2*askEvery), id)) == 0 {
			t.Error("the other was not asked about")
		}
		if n := len(w.requests("GetEvents")) - asked; n < 100 {
			t.Errorf("%d calls: the server was not restless", n)
		}
	})
}

// switchable is a network that can be down: then nothing is answered.
type switchable struct {
	http.RoundTripper
	down atomic.Bool
}

func (s *switchable) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.down.Load() {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return s.RoundTripper.RoundTrip(r)
}

// That an attempt took a minute to fail does not make it a good one.
func TestANetworkThatIsDownIsTriedLessAndLessOftenWhileTheWatchAsks(t *testing.T) {
	inWorld(t, 2, site, func(t *testing.T, w *world) {
		network := &switchable{RoundTripper: w.opts.HTTPClient.Transport}
		w.opts.HTTPClient = &http.Client{Transport: network}
		var waits, waited atomic.Int64
		w.opts.Trace = &ews.Trace{Waiting: func(t ews.TraceWaiting) { waits.Add(1); waited.Add(int64(t.Delay)) }}
		watcher := w.pullRooms(2)
		waits.Store(0)
		waited.Store(0)
		network.down.Store(true)
		watcher.after(2 * time.Hour)
		network.down.Store(false)
		if mean := time.Duration(waited.Load() / waits.Load()); mean < 10*time.Second {
			t.Errorf("%d waits of %v on average", waits.Load(), mean)
		}
		watcher.after(5 * time.Minute)
		id := w.change(1, "Created")
		if events := about(watcher.after(askEvery+time.Second), id); len(events) == 0 {
			t.Error("what happened was not told")
		}
		if lost := watcher.lost(2); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}
