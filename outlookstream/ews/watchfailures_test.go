package ews_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

func TestAServerThatDiesIsLeftForAnother(t *testing.T) {
	const n = 6
	inWorld(t, n, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(n)
		watcher.after(time.Minute)
		dead := w.server.Exchange().Subscriptions()[0].BackEnd
		if err := w.server.Exchange().KillBackEnd(dead); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			w.change(i, "Created")
		}
		if err := w.server.Exchange().ReviveBackEnd(dead); err != nil {
			t.Fatal(err)
		}
		events := watcher.after(5 * time.Minute)
		if resyncs(events, outlookstream.ErrResubscribed) != n {
			t.Errorf("%v", events)
		}
		if resyncs(events, outlookstream.ErrReconnected) != 0 {
			t.Errorf("mailboxes are to be read twice: %v", events)
		}
		if lost := watcher.lost(n); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
		id := w.change(0, "Created")
		if len(about(watcher.take(), id)) == 0 {
			t.Error("nothing comes any more")
		}
	})
}

func TestAServerThatHasForgottenAllIsAnnouncedOnce(t *testing.T) {
	const n = 4
	inWorld(t, n, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(n)
		watcher.after(time.Minute)
		w.endpoint.Refuse(true)
		w.endpoint.Reset()
		w.server.Exchange().ExpireSubscriptions()
		watcher.after(10 * time.Second)
		w.change(0, "Created")
		w.endpoint.Refuse(false)
		events := watcher.after(2 * time.Minute)
		if len(events) != n || resyncs(events, outlookstream.ErrResubscribed) != n {
			t.Errorf("%v", events)
		}
		if lost := watcher.lost(n); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

func TestAMailboxThatMovesIsFoundAgain(t *testing.T) {
	sites := fake.Options{BackEnds: []fake.BackEnd{
		{Name: "ve1pr03mb0001.eurprd03.prod.fake.test", Grouping: "VE1PR03"},
		{Name: "am0pr01mb0001.eurprd01.prod.fake.test", Grouping: "AM0PR01"},
	}}
	const n = 6
	inWorld(t, n, sites, func(t *testing.T, w *world) {
		w.opts.Discover = true
		w.opts.Autodiscover.Servers = []string{w.endpoint.URL}
		watcher := w.watchRooms(n)
		events := watcher.after(time.Minute)
		if resyncs(events, outlookstream.ErrStarted) != n {
			t.Fatalf("%v", events)
		}
		if streams := w.server.Exchange().Streams(); streams != 2 {
			t.Errorf("%d streams for two groupings", streams)
		}
		if err := w.server.Exchange().MoveMailbox(room(0), "am0pr01mb0001.eurprd01.prod.fake.test", 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		moved := watcher.after(2 * time.Hour)
		if resyncs(moved, outlookstream.ErrStarted) != 0 {
			t.Errorf("it was told as if it were new: %v", moved)
		}
		for _, e := range moved {
			if errors.Is(e.Reason, outlookstream.ErrResubscribed) && e.Resource != room(0) {
				t.Errorf("%v", e)
			}
		}
		if resyncs(moved, outlookstream.ErrResubscribed) == 0 {
			t.Errorf("%v", moved)
		}
		w.change(0, "Created")
		for i := range n {
			id := w.change(i, "Created")
			if len(about(watcher.take(), id)) == 0 {
				t.Errorf("nothing of %s", room(i))
			}
		}
		if streams := w.server.Exchange().Streams(); streams != 2 {
			t.Errorf("%d streams", streams)
		}
		if lost := watcher.lost(n); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

func TestEveryEndOfAStreamIsSurvived(t *testing.T) {
	for _, do := range fakeserver.FaultsOn("ewsStream") {
		t.Run(do, func(t *testing.T) {
			inWorld(t, 3, site, func(t *testing.T, w *world) {
				watcher := w.watchRooms(3)
				watcher.after(time.Minute)
				w.arm(fakeserver.Fault{On: "ewsStream", Do: do, After: 1})
				for range 6 {
					for i := range 3 {
						w.change(i, "Created")
					}
					watcher.after(20 * time.Second)
				}
				watcher.after(time.Hour)
				if lost := watcher.lost(3); len(lost) > 0 {
					t.Errorf("lost silently: %v", lost)
				}
				for i := range 3 {
					id := w.change(i, "Created")
					if len(about(watcher.after(time.Second), id)) == 0 {
						t.Errorf("nothing of %s comes any more", room(i))
					}
				}
				watcher.mu.Lock()
				defer watcher.mu.Unlock()
				if watcher.err != nil {
					t.Errorf("the watch ended: %v", watcher.err)
				}
			})
		})
	}
}

func TestWhereNothingStreamsTheWatchAsks(t *testing.T) {
	inWorld(t, 3, site, func(t *testing.T, w *world) {
		w.arm(fakeserver.Fault{On: "ewsStream", Do: "stall", Times: -1}) // as behind a proxy that holds back what has no end
		w.opts.PullInterval = 2 * time.Minute
		pulling := 0
		w.opts.Trace = &ews.Trace{Pulling: func(p ews.TracePulling) {
			pulling++
			if !errors.Is(p.Err, outlookstream.ErrIdle) {
				t.Errorf("%v", p.Err)
			}
		}}
		watcher := w.watchRooms(3)
		events := watcher.after(10 * time.Minute)
		if pulling != 1 || resyncs(events, ews.ErrPulling) != 3 {
			t.Fatalf("pulling: %d times; %v", pulling, events)
		}
		id := w.change(1, "Created")
		if events := about(watcher.after(121*time.Second), id); len(events) == 0 {
			t.Error("what happened was not told")
		}
		w.server.Exchange().ExpireSubscriptions()
		w.change(1, "Created")
		events = watcher.after(5 * time.Minute)
		if resyncs(events, outlookstream.ErrResubscribed) != 3 {
			t.Errorf("%v", events)
		}
		w.server.Disarm()
		watcher.after(7 * time.Hour)
		if w.server.Exchange().Streams() != 1 {
			t.Error("it was not tried whether streaming works now")
		}
		if lost := watcher.lost(3); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

func TestTheResyncComesBeforeWhatHadWaitedForTheConnection(t *testing.T) {
	inWorld(t, 3, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(3)
		watcher.after(time.Minute)
		w.endpoint.Refuse(true)
		w.arm(fakeserver.Fault{On: "ewsStream", Do: "reset"})
		watcher.after(time.Second)
		if n := w.server.Exchange().Streams(); n != 0 {
			t.Fatalf("%d streams", n)
		}
		id := w.change(1, "Created") // waits in the subscription
		w.endpoint.Refuse(false)
		events := watcher.after(2 * time.Minute)
		resync := slices.IndexFunc(events, func(e outlookstream.Event) bool {
			return e.Resource == room(1) && errors.Is(e.Reason, outlookstream.ErrReconnected)
		})
		event := slices.IndexFunc(events, func(e outlookstream.Event) bool { return e.ID == id })
		if resync < 0 || event < 0 || event < resync || resyncs(events, outlookstream.ErrReconnected) != 3 {
			t.Errorf("%v", events)
		}
	})
}
