package ews_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

func TestNothingComesOfAMailboxThatWasRemoved(t *testing.T) {
	inWorld(t, 2, site, func(t *testing.T, w *world) {
		set, err := ews.NewSet(calendars(2)...)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		resynced := false
		for event, err := range w.client().WatchSet(ctx, set) {
			switch {
			case err != nil:
				return
			case event.Kind == outlookstream.Resync && event.Resource == room(1):
				// The change waits for this loop's body, and so for the removal.
				w.change(0, "Created")
				set.Remove(room(0))
				time.AfterFunc(10*time.Second, cancel)
				<-time.After(3 * time.Second)
				resynced = true
			case resynced && event.Resource == room(0):
				<-time.After(3 * time.Second) // long enough for the removal to be taken note of before the next event
				if event.Kind == outlookstream.Updated {
					t.Errorf("%v", event)
				}
			}
		}
	})
}

func TestAMailboxThatEndedIsTriedAgainOnceItWasRemovedAndAdded(t *testing.T) {
	inWorld(t, 1, site, func(t *testing.T, w *world) {
		w.server.Exchange().SetMailboxFailure(room(0), "ErrorInvalidLicense")
		set, err := ews.NewSet(calendars(1)...)
		if err != nil {
			t.Fatal(err)
		}
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.WatchSet(ctx, set) })
		if events := watcher.after(time.Minute); len(events) != 1 || events[0].Kind != outlookstream.Ended {
			t.Fatalf("%v", events)
		}
		w.server.Exchange().SetMailboxFailure(room(0), "")
		set.Remove(room(0)) // at once, before the watch can see it
		if err := set.Add(calendars(1)...); err != nil {
			t.Fatal(err)
		}
		if events := watcher.after(time.Minute); resyncs(events, outlookstream.ErrStarted) != 1 {
			t.Errorf("%v", events)
		}
	})
}

func TestAMailboxThatCannotBeSubscribedToDoesNotDisturbTheOthers(t *testing.T) {
	inWorld(t, 5, site, func(t *testing.T, w *world) {
		if err := w.server.Arm(fakeserver.Fault{On: "ewsSubscribe", Do: "errorMessage", Code: "ErrorMailboxStoreUnavailable", User: room(0), Times: -1}); err != nil {
			t.Fatal(err)
		}
		watcher := w.watchRooms(5)
		events := watcher.after(25 * time.Minute)
		if len(events) != 4 || resyncs(events, outlookstream.ErrStarted) != 4 {
			t.Errorf("%v", events)
		}
		if n := len(w.requests("Subscribe")); n < 20 || n > 200 {
			t.Errorf("%d subscriptions were tried", n)
		}
		w.server.Disarm()
		events = watcher.after(2 * time.Minute)
		if resyncs(events, outlookstream.ErrStarted) != 1 || resyncs(events, outlookstream.ErrReconnected) != 4 {
			t.Errorf("%v", events)
		}
		id := w.change(0, "Created")
		if len(about(watcher.take(), id)) == 0 {
			t.Error("nothing of it")
		}
	})
}

func TestAThrottledMailboxDoesNotStandForItsGroup(t *testing.T) {
	inWorld(t, 3, site, func(t *testing.T, w *world) {
		if err := w.server.Exchange().Throttle(fake.Busy{Mailbox: room(0), Shape: fake.BusyMessage, BackOff: 90 * time.Second}); err != nil {
			t.Fatal(err)
		}
		watcher := w.watchRooms(3)
		if events := watcher.after(time.Second); resyncs(events, outlookstream.ErrStarted) != 2 {
			t.Errorf("%v", events)
		}
		if events := watcher.after(90 * time.Second); resyncs(events, outlookstream.ErrStarted) != 1 {
			t.Errorf("%v", events)
		}
		if early := w.server.Exchange().Early(); len(early) > 0 {
			t.Errorf("%v", early)
		}
	})
}

func TestWhatIsWrongWithASubscriptionItselfIsNotTriedAgain(t *testing.T) {
	inWorld(t, 3, site, func(t *testing.T, w *world) {
		if err := w.server.Arm(fakeserver.Fault{On: "ewsSubscribe", Do: "soapFault", Code: "ErrorInvalidSubscriptionRequest", User: room(1), Times: -1}); err != nil {
			t.Fatal(err)
		}
		watcher := w.watchRooms(3)
		events := watcher.after(time.Hour)
		var ended []outlookstream.Event
		for _, e := range events {
			if e.Kind == outlookstream.Ended {
				ended = append(ended, e)
			}
		}
		if len(ended) != 1 || ended[0].Resource != room(1) || resyncs(events, outlookstream.ErrStarted) != 2 {
			t.Errorf("%v", events)
		}
	})
}

func TestAMailboxThatFailsInAStreamEndsAlone(t *testing.T) {
	inWorld(t, 3, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(3)
		watcher.after(time.Minute)
		failing := w.server.Exchange().Subscriptions()[0].Mailbox
		if err := w.server.Arm(fakeserver.Fault{On: "ewsStream", Do: "dropSubscription", Code: "ErrorAccessDenied"}); err != nil {
			t.Fatal(err)
		}
		events := watcher.after(time.Minute)
		var ended []outlookstream.Event
		for _, e := range events {
			if e.Kind == outlookstream.Ended {
				ended = append(ended, e)
			}
		}
		if len(ended) != 1 || ended[0].Resource != failing || resyncs(events, outlookstream.ErrReconnected) != 2 {
			t.Errorf("%v", events)
		}
	})
}

func TestTokensThatAutodiscoverGoesOnRefusingAreReported(t *testing.T) {
	inWorld(t, 1, site, func(t *testing.T, w *world) {
		w.provider = auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			return auth.Token{Value: "x.y." + rand.Text()}, nil
		})
		w.opts.Discover = true
		w.opts.Autodiscover.Servers = []string{w.endpoint.URL}
		watcher := w.watchRooms(1)
		if err := watcher.end(); !errors.Is(err, outlookstream.ErrUnauthorized) {
			t.Errorf("%v", err)
		}
	})
}

func TestAMailboxIsLeftAloneWhateverCallTheServiceSaidItTo(t *testing.T) {
	inWorld(t, 2, site, func(t *testing.T, w *world) {
		set, err := ews.NewSet(calendars(2)...)
		if err != nil {
			t.Fatal(err)
		}
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.WatchSet(ctx, set) })
		watcher.after(time.Minute)
		if err := w.server.Exchange().Throttle(fake.Busy{Mailbox: room(1), Operation: "Unsubscribe", Shape: fake.BusyMessage, BackOff: 90 * time.Second}); err != nil {
			t.Fatal(err)
		}
		set.Remove(room(1))
		watcher.after(5 * time.Second)
		if err := set.Add(calendars(2)[1]); err != nil {
			t.Fatal(err)
		}
		if events := watcher.after(80 * time.Second); resyncs(events, outlookstream.ErrStarted) != 0 {
			t.Errorf("%v", events)
		}
		if events := watcher.after(10 * time.Second); resyncs(events, outlookstream.ErrStarted) != 1 {
			t.Errorf("%v", events)
		}
		if early := w.server.Exchange().Early(); len(early) > 0 {
			t.Errorf("%v", early)
		}
	})
}
