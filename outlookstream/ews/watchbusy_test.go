package ews_test

import (
	"context"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// asAccount has the world's client act as nobody but the account that signs in,
// to which all its calls are charged.
func (w *world) asAccount() {
	w.opts.Impersonate = false
	w.provider = auth.Cached(auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
		return auth.Token{Value: w.server.Token(room(0)), ExpiresOn: time.Now().Add(1000 * time.Hour)}, nil
	}))
	w.server.Exchange().GrantFullAccess(room(0), fake.EveryMailbox)
}

// inTwoGroups are calendars, every other one in the second group.
func inTwoGroups(n int) []ews.Mailbox {
	mailboxes := calendars(n)
	for i := range mailboxes {
		mailboxes[i].Grouping = []string{"A", "B"}[i%2]
	}
	return mailboxes
}

// calls counts the requests so far, whatever they are.
func (w *world) calls() int { return len(w.server.Requests()) }

// backOff is how long the service asks to wait in these tests.
const backOff = 90 * time.Second

func (w *world) throttle(operation string) {
	w.t.Helper()
	if err := w.server.Exchange().Throttle(fake.Busy{Operation: operation, Shape: fake.BusyFault, BackOff: backOff}); err != nil {
		w.t.Fatal(err)
	}
}

// wantQuiet fails the test if more calls are made until the wait is over than
// were under way when it began.
func (w *world) wantQuiet(watcher *watcher, underWay int) []outlookstream.Event {
	w.t.Helper()
	before := w.calls()
	events := watcher.after(backOff - time.Second)
	if n := w.calls() - before; n > underWay {
		w.t.Errorf("%d calls while the account was to wait", n)
	}
	return events
}

func TestAnAccountThatIsThrottledWaitsWithAllItsMailboxes(t *testing.T) {
	const n = 20
	inWorld(t, n, site, func(t *testing.T, w *world) {
		w.asAccount()
		w.throttle("Subscribe")
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.Watch(ctx, inTwoGroups(n)...) })
		if events := w.wantQuiet(watcher, 2); len(events) != 0 { // one for each group
			t.Errorf("%v", events)
		}
		if events := watcher.after(2 * time.Second); resyncs(events, outlookstream.ErrStarted) != n {
			t.Errorf("%v", events)
		}
	})
}

func TestAnAccountThatIsThrottledInTheMiddleWaitsWithTheRest(t *testing.T) {
	const n = 40
	inWorld(t, n, site, func(t *testing.T, w *world) {
		w.asAccount()
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.Watch(ctx, calendars(n)...) })
		watcher.after(time.Minute)
		for _, s := range w.server.Exchange().Subscriptions()[1:] {
			w.server.Exchange().ExpireSubscriptions(s.ID)
		}
		subscribed := len(w.requests("Subscribe"))
		w.throttle("Subscribe")
		watcher.after(time.Second)
		if n := len(w.requests("Subscribe")) - subscribed; n > atOnce {
			t.Errorf("%d calls after the first was refused", n-1)
		}
		watcher.after(backOff - 2*time.Second)
		if events := watcher.after(10 * time.Second); resyncs(events, outlookstream.ErrResubscribed) != n-1 {
			t.Errorf("%v", events)
		}
	})
}

// A stream that has to be opened again is a call, too.
func TestNoStreamIsOpenedWhileTheAccountIsToWait(t *testing.T) {
	const n = 4
	inWorld(t, n, site, func(t *testing.T, w *world) {
		w.asAccount()
		set, err := ews.NewSet(inTwoGroups(n)...)
		if err != nil {
			t.Fatal(err)
		}
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.WatchSet(ctx, set) })
		watcher.after(time.Minute)
		w.throttle("Unsubscribe")
		set.Remove(room(2), room(1)) // one of each group: both have to open their streams anew
		watcher.after(1500 * time.Millisecond)
		w.change(0, "Created")
		w.wantQuiet(watcher, 0)
		if n := len(w.requests("Unsubscribe")); n > 2 {
			t.Errorf("%d were unsubscribed", n)
		}
		if events := watcher.after(3 * time.Second); resyncs(events, outlookstream.ErrReconnected) != 2 {
			t.Errorf("%v", events)
		}
		if lost := watcher.lost(1); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

func TestAnAccountThatIsThrottledInAStreamWaitsWithAllItsGroups(t *testing.T) {
	inWorld(t, 4, site, func(t *testing.T, w *world) {
		w.asAccount()
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.Watch(ctx, inTwoGroups(4)...) })
		watcher.after(time.Minute)
		w.arm(fakeserver.Fault{On: fake.OnStream, Do: "inStreamError", Code: "ErrorServerBusy", Delay: backOff})
		watcher.take()
		w.arm(fakeserver.Fault{On: fake.OnStream, Do: "cut"}) // of the other group
		w.wantQuiet(watcher, 0)
		watcher.after(10 * time.Second)
		if streams := w.server.Exchange().Streams(); streams != 2 {
			t.Errorf("%d streams", streams)
		}
	})
}

func TestLeavingTheLoopDoesNotPressAnAccountThatIsToWait(t *testing.T) {
	const n = 30
	inWorld(t, n, site, func(t *testing.T, w *world) {
		w.asAccount()
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.Watch(ctx, calendars(n)...) })
		watcher.after(time.Minute)
		w.throttle("Unsubscribe")
		watcher.cancel(errEnough)
		_ = watcher.end()
		if n := len(w.requests("Unsubscribe")); n > atOnce {
			t.Errorf("%d calls", n)
		}
	})
}

func TestWhoAsksAgainAndAgainWaitsWithAllMailboxesOfTheAccount(t *testing.T) {
	const n = 10
	inWorld(t, n, site, func(t *testing.T, w *world) {
		w.asAccount()
		w.armForGood(fakeserver.Fault{On: fake.OnStream, Do: "stall"})
		w.opts.PullInterval = askEvery
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.Watch(ctx, calendars(n)...) })
		if events := watcher.after(10 * time.Minute); resyncs(events, ews.ErrPulling) != n {
			t.Fatalf("%v", events)
		}
		w.throttle("GetEvents")
		asked := len(w.requests("GetEvents"))
		watcher.after(askEvery)
		if n := len(w.requests("GetEvents")) - asked; n != 1 {
			t.Errorf("%d calls", n)
		}
		id := w.change(3, "Created")
		if events := watcher.after(backOff + askEvery); len(about(events, id)) == 0 || resyncs(events, outlookstream.ErrResubscribed) != 0 {
			t.Errorf("%v", events)
		}
		if early := w.server.Exchange().Early(); len(early) > 0 {
			t.Errorf("%v", early)
		}
	})
}
