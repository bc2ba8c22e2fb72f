package ews_test

import (
	"context"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// watchSet watches the mailboxes of a Set that has the first n calendars, and
// waits until it is at rest.
func (w *world) watchSet(n int) (*ews.Set, *watcher) {
	w.t.Helper()
	set, err := ews.NewSet(calendars(n)...)
	if err != nil {
		w.t.Fatal(err)
	}
	c := w.client()
	watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.WatchSet(ctx, set) })
	if events := watcher.after(time.Minute); resyncs(events, outlookstream.ErrStarted) != n {
		w.t.Fatalf("%v", events)
	}
	return set, watcher
}

// addRooms adds some of the calendars.
func (w *world) addRooms(set *ews.Set, from, to int) {
	w.t.Helper()
	if err := set.Add(calendars(to)[from:]...); err != nil {
		w.t.Fatal(err)
	}
}

func TestTheStreamGoesOnWhileOthersAreSubscribedTo(t *testing.T) {
	const n, more = 3, 20
	inWorld(t, n+more, site, func(t *testing.T, w *world) {
		set, watcher := w.watchSet(n)
		w.armForGood(fakeserver.Fault{On: fake.OnSubscribe, Do: "slow", Delay: 3 * time.Second})
		listens := len(w.requests("GetStreamingEvents"))
		w.addRooms(set, n, n+more)
		for range 14 { // a second until they are asked for, and then four at a time
			for i := range n + more {
				w.change(i, "Created")
			}
			id := w.change(1, "Created")
			if events := watcher.after(time.Second); len(about(events, id)) == 0 || resyncs(events, outlookstream.ErrReconnected) != 0 {
				t.Fatalf("%v", events)
			}
		}
		events := watcher.after(10 * time.Second)
		if resyncs(events, outlookstream.ErrStarted) != more || resyncs(events, outlookstream.ErrReconnected) != n {
			t.Errorf("%v", events)
		}
		if again := len(w.requests("GetStreamingEvents")) - listens; again != 1 {
			t.Errorf("the stream was opened %d times", again)
		}
		if lost := watcher.lost(n + more); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

func TestManyMailboxesThatComeOneAfterTheOtherAreFewReopenings(t *testing.T) {
	const n = 40
	inWorld(t, n, site, func(t *testing.T, w *world) {
		set, watcher := w.watchSet(1)
		listens := len(w.requests("GetStreamingEvents"))
		for i := 1; i < n; i++ {
			w.addRooms(set, i, i+1)
			w.change(i, "Created")
			watcher.after(500 * time.Millisecond)
		}
		watcher.after(10 * time.Second)
		if again := len(w.requests("GetStreamingEvents")) - listens; again > 6 { // in 20 s
			t.Errorf("the stream was opened %d times", again)
		}
		for i := range n {
			id := w.change(i, "Created")
			if len(about(watcher.take(), id)) == 0 {
				t.Errorf("nothing of %s", room(i))
			}
		}
		if lost := watcher.lost(n); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

// Some never end: those who wait for their stream cannot wait for them all.
func TestMailboxesThatNeverCeaseToComeDoNotKeepEachOtherWaiting(t *testing.T) {
	const n = 100
	inWorld(t, n, site, func(t *testing.T, w *world) {
		set, watcher := w.watchSet(1)
		w.armForGood(fakeserver.Fault{On: fake.OnSubscribe, Do: "slow", Delay: 3 * time.Second})
		for i := 1; i < n; i++ {
			w.addRooms(set, i, i+1)
			watcher.after(1100 * time.Millisecond)
			if watched := w.server.Exchange().Subscriptions(); len(watched) > 0 && !watched[0].Listening {
				t.Error("the first is not listened to")
			}
			waiting := 0
			for _, s := range w.server.Exchange().Subscriptions() {
				if !s.Listening && time.Since(s.Created) > 75*time.Second {
					waiting++
				}
			}
			if waiting > 0 {
				t.Fatalf("%d have waited for more than a minute, with %d mailboxes", waiting, i)
			}
		}
	})
}

func TestAMailboxThatComesAndIsRefusedDoesNotDisturbTheOthers(t *testing.T) {
	inWorld(t, 3, site, func(t *testing.T, w *world) {
		set, watcher := w.watchSet(2)
		w.server.Exchange().SetMailboxFailure(room(2), "ErrorInvalidLicense")
		w.addRooms(set, 2, 3)
		if events := watcher.after(10 * time.Minute); len(events) != 1 || len(ended(events)) != 1 {
			t.Errorf("%v", events)
		}
	})
}

func TestAMailboxThatIsReplacedWhileItIsSubscribedToIsWatchedOnce(t *testing.T) {
	const n = 3
	inWorld(t, n, site, func(t *testing.T, w *world) {
		set, watcher := w.watchSet(2)
		w.armForGood(fakeserver.Fault{On: fake.OnSubscribe, Do: "slow", Delay: 5 * time.Second})
		for range 4 {
			w.addRooms(set, 2, n)
			watcher.after(1700 * time.Millisecond) // it is being subscribed to
			set.Remove(room(2))
			w.addRooms(set, 2, n)
			watcher.after(1300 * time.Millisecond)
			set.Remove(room(2))
			watcher.after(1500 * time.Millisecond)
		}
		w.addRooms(set, 2, n)
		watcher.after(time.Minute)
		for _, address := range set.Addresses() {
			if alive := w.perMailbox()[address]; alive != 1 {
				t.Errorf("%s has %d subscriptions", address, alive)
			}
		}
		id := w.change(2, "Created")
		if events := watcher.take(); len(about(events, id)) == 0 {
			t.Errorf("nothing of it: %v", events)
		}
		if lost := watcher.lost(2); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

func TestAMailboxThatComesToOthersThatWaitIsNotKeptWaiting(t *testing.T) {
	inWorld(t, 3, site, func(t *testing.T, w *world) {
		set, err := ews.NewSet(calendars(1)...)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.server.Exchange().Throttle(fake.Busy{Mailbox: room(0), Shape: fake.BusyMessage, BackOff: 10 * time.Minute}); err != nil {
			t.Fatal(err)
		}
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.WatchSet(ctx, set) })
		watcher.after(10 * time.Second)
		w.addRooms(set, 1, 3)
		if events := watcher.after(2 * time.Second); resyncs(events, outlookstream.ErrStarted) != 2 {
			t.Errorf("%v", events)
		}
	})
}

// Each of those that are not answered takes a minute.
func TestAMailboxThatComesWithSilentOnesDoesNotWaitForThemAll(t *testing.T) {
	const n, all = 2, 100
	inWorld(t, all, site, func(t *testing.T, w *world) {
		set, watcher := w.watchSet(n)
		for i := n + 1; i < all; i++ {
			w.armForGood(fakeserver.Fault{On: fake.OnSubscribe, Do: "stall", User: room(i)})
		}
		w.addRooms(set, n, all)
		if events := watcher.after(3 * time.Minute); resyncs(events, outlookstream.ErrStarted) != 1 {
			t.Errorf("%v", events)
		}
	})
}

func TestAMailboxThatIsNeverAnsweredDoesNotKeepTheOthersWaiting(t *testing.T) {
	for _, silent := range []int{0, 3} { // the first, and another
		const n = 6
		inWorld(t, n, site, func(t *testing.T, w *world) {
			w.armForGood(fakeserver.Fault{On: fake.OnSubscribe, Do: "stall", User: room(silent)})
			watcher := w.watchRooms(n)
			events := watcher.after(3 * time.Minute)
			if resyncs(events, outlookstream.ErrStarted) != n-1 || len(of(events, silent)) != 0 {
				t.Fatalf("%v", events)
			}
			if events := watcher.after(20 * time.Minute); len(events) != 0 {
				t.Errorf("%v", events)
			}
			w.server.Disarm()
			if events := watcher.after(5 * time.Minute); resyncs(events, outlookstream.ErrStarted) != 1 {
				t.Errorf("%v", events)
			}
			if lost := watcher.lost(n); len(lost) > 0 {
				t.Errorf("lost silently: %v", lost)
			}
		})
	}
}
