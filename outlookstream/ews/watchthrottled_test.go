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

func TestAStreamIsNotOpenedBeforeTheServiceSaid(t *testing.T) {
	const wait = 3 * time.Minute // longer than any step of the back-off
	for _, shape := range []fake.BusyShape{fake.BusyStatus, fake.BusyFault, fake.BusyMessage, fake.BusyWrapped} {
		t.Run(string(shape), func(t *testing.T) {
			inWorld(t, 3, site, func(t *testing.T, w *world) {
				watcher := w.watchRooms(3)
				watcher.after(time.Minute)
				if err := w.server.Exchange().Throttle(fake.Busy{Mailbox: room(0), Operation: "GetStreamingEvents", Shape: shape, BackOff: wait}); err != nil {
					t.Fatal(err)
				}
				w.arm(fakeserver.Fault{On: fake.OnStream, Do: "cut"})
				watcher.after(2 * time.Second)
				id := w.change(1, "Created")
				if streams := w.server.Exchange().Streams(); streams != 0 {
					t.Fatalf("%d streams", streams)
				}
				events := watcher.after(wait + 2*time.Minute)
				if early := w.server.Exchange().Early(); len(early) > 0 {
					t.Errorf("%v", early)
				}
				if resyncs(events, outlookstream.ErrReconnected) != 3 || len(about(events, id)) == 0 {
					t.Errorf("%v", events)
				}
			})
		})
	}
}

// Who is told to wait is the mailbox that is acted as, and no other.
func TestWhatOneMailboxHasToWaitForKeepsNoOtherWaiting(t *testing.T) {
	inWorld(t, 4, site, func(t *testing.T, w *world) {
		if err := w.server.Exchange().Throttle(fake.Busy{Mailbox: room(1), Shape: fake.BusyFault, BackOff: 30 * time.Minute}); err != nil {
			t.Fatal(err)
		}
		set, err := ews.NewSet(calendars(3)...)
		if err != nil {
			t.Fatal(err)
		}
		c := w.client()
		watcher := w.watch(func(ctx context.Context) outlookstream.Events { return c.WatchSet(ctx, set) })
		if events := watcher.after(10 * time.Second); resyncs(events, outlookstream.ErrStarted) != 2 {
			t.Errorf("%v", events)
		}
		if err := set.Add(calendars(4)[3]); err != nil {
			t.Fatal(err)
		}
		if events := watcher.after(10 * time.Second); resyncs(events, outlookstream.ErrStarted) != 1 {
			t.Errorf("%v", events)
		}
		if events := watcher.after(31 * time.Minute); resyncs(events, outlookstream.ErrStarted) != 1 {
			t.Errorf("%v", events)
		}
		if early := w.server.Exchange().Early(); len(early) > 0 {
			t.Errorf("%v", early)
		}
	})
}
