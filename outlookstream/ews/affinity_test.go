package ews_test

import (
	"context"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// holdByCookies makes the group's cookies all that leads to its subscriptions: its
// anchor, by which a request without them is routed, fails over to the other
// server. As it was seen with OAuth, one of them without the others is refused,
// and a request that has gone astray is status 500.
func (w *world) holdByCookies() {
	w.t.Helper()
	x := w.server.Exchange()
	x.SetWholeContainer(true)
	x.SetLostAffinity(true)
	home := x.Home(room(0))
	for _, b := range x.BackEnds() {
		if b.Name != home {
			if err := x.FailOver(room(0), b.Name); err != nil {
				w.t.Fatal(err)
			}
			return
		}
	}
}

// What is wrong with a mailbox that has left must not be in the way of those
// that stay: the next one stands for the group, over the same cookies.
func TestAnAnchorThatLeavesIsReplacedAndTheCookiesStay(t *testing.T) {
	const n = 4
	inWorld(t, n, site, func(t *testing.T, w *world) {
		set, err := ews.NewSet(calendars(n)...)
		if err != nil {
			t.Fatal(err)
		}
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.WatchSet(ctx, set) })
		watcher.after(time.Minute)
		w.holdByCookies()
		set.Remove(room(0))
		if events := watcher.after(time.Minute); resyncs(events, outlookstream.ErrReconnected) != n-1 || len(events) != n-1 {
			t.Errorf("%v", events)
		}
		w.server.Exchange().SetMailboxFailure(room(0), "ErrorNonExistentMailbox")
		if events := watcher.after(time.Hour); resyncs(events, outlookstream.ErrReconnected) != len(events) {
			t.Errorf("%v", events)
		}
		listens := w.requests("GetStreamingEvents")
		if anchor := listens[len(listens)-1].Header.Get("X-AnchorMailbox"); anchor != room(1) {
			t.Errorf("the last stream is anchored at %q", anchor)
		}
		for i := 1; i < n; i++ {
			id := w.change(i, "Created")
			if len(about(watcher.take(), id)) == 0 {
				t.Errorf("nothing of %s", room(i))
			}
		}
	})
}

// Nothing leads to what a group has left behind, so that it counts until it
// expires: a mailbox may have 20.
func TestAGroupThatLosesItsServerAgainAndAgainDoesNotUseUpWhatAMailboxMayHave(t *testing.T) {
	const n = 3
	inWorld(t, n, longLived, func(t *testing.T, w *world) {
		w.arm(fakeserver.Fault{On: "ewsStream", Do: "inStreamError", Code: "ErrorProxiedSubscriptionCallFailure", Times: -1})
		watcher := w.watchRooms(n)
		most := 0
		for range 120 {
			watcher.after(time.Minute)
			for _, alive := range w.perMailbox() {
				most = max(most, alive)
			}
		}
		if most < 5 || most > 17 {
			t.Errorf("%d subscriptions at a time", most)
		}
		w.server.Disarm()
		if events := watcher.after(4 * time.Minute); resyncs(events, outlookstream.ErrStarted)+resyncs(events, outlookstream.ErrResubscribed) < n {
			t.Errorf("%v", events)
		}
		watcher.delivers(n, 0)
	})
}
