package ews_test

import (
	"errors"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// armForGood arms a fault that lasts.
func (w *world) armForGood(f fakeserver.Fault) {
	w.t.Helper()
	f.Times = -1
	if err := w.server.Arm(f); err != nil {
		w.t.Fatal(err)
	}
}

// What a group has to do when a stream has ended is not a part of its life.
func TestAStreamIsOverWhenItEndsWhateverIsToBeDoneThen(t *testing.T) {
	inWorld(t, 1, site, func(t *testing.T, w *world) {
		var lives []time.Duration
		w.opts.Trace = &ews.Trace{Disconnected: func(x ews.TraceDisconnected) { lives = append(lives, x.Duration) }}
		w.armForGood(fakeserver.Fault{On: fake.OnStream, Do: "stall"})
		w.armForGood(fakeserver.Fault{On: fake.OnCall, Do: "slow", Delay: 3 * time.Second}) // Unsubscribe
		watcher := w.watchRooms(1)
		if events := watcher.after(10 * time.Minute); resyncs(events, ews.ErrPulling) != 1 {
			t.Fatal(events)
		}
		for _, life := range lives {
			if life != 95*time.Second {
				t.Errorf("a stream that was silent for 95 s lived for %v", life)
			}
		}
	})
}

func TestWhereStreamsBringNothingTheWatchAsksInstead(t *testing.T) {
	const n = 3
	for name, c := range map[string]struct {
		fault  fakeserver.Fault
		reason error // of the same Resync, beside ErrPulling
	}{
		"the body is held back": {fakeserver.Fault{On: fake.OnStream, Do: "slow", Delay: time.Hour}, outlookstream.ErrReconnected}, // ErrStarted was told with the header
		"even the header is":    {fakeserver.Fault{On: fake.OnListen, Do: "stall"}, outlookstream.ErrStarted},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, n, site, func(t *testing.T, w *world) {
				var pulling []ews.TracePulling
				w.opts.Trace = &ews.Trace{Pulling: func(p ews.TracePulling) { pulling = append(pulling, p) }}
				w.armForGood(c.fault)
				w.opts.PullInterval = 80 * time.Second // in which a connection stays
				watcher := w.watchRooms(n)
				events := watcher.after(4 * time.Minute)
				if resyncs(events, ews.ErrPulling) != n || resyncs(events, c.reason) < n || len(pulling) != 1 || pulling[0].Err == nil {
					t.Fatalf("%v, %v", events, pulling)
				}
				for i := range n {
					id := w.change(i, "Created")
					if len(about(watcher.after(81*time.Second), id)) == 0 {
						t.Errorf("nothing of %s", room(i))
					}
				}
				conns := make(map[string]int)
				for _, r := range w.requests("GetEvents") {
					conns[r.Conn]++
				}
				if len(conns) != 1 {
					t.Errorf("asked over %d connections: %v", len(conns), conns)
				}
				w.server.Disarm()
				events = watcher.after(6 * time.Hour)
				if resyncs(events, outlookstream.ErrReconnected) != n {
					t.Errorf("%v", events)
				}
				id := w.change(0, "Created")
				if len(about(watcher.take(), id)) == 0 {
					t.Error("no stream was tried again")
				}
				if lost := watcher.lost(n); len(lost) > 0 {
					t.Errorf("lost silently: %v", lost)
				}
			})
		})
	}
}

func TestWhereStreamsDoNotLastTheWatchAsksInstead(t *testing.T) {
	for name, fault := range map[string]fakeserver.Fault{
		"they fall silent": {On: fake.OnStream, Do: "stall", After: 1},
		"they are cut":     {On: fake.OnStream, Do: "cut", After: 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 2, site, func(t *testing.T, w *world) {
				w.armForGood(fault)
				watcher := w.watchRooms(2)
				if events := watcher.after(6 * time.Minute); resyncs(events, ews.ErrPulling) != 0 {
					t.Errorf("too early: %v", events)
				}
				w.change(0, "Created")
				if events := watcher.after(5 * time.Minute); resyncs(events, ews.ErrPulling) != 2 {
					t.Errorf("%v", events)
				}
				id := w.change(1, "Created")
				if events := watcher.after(31 * time.Second); len(about(events, id)) == 0 {
					t.Errorf("%v", events)
				}
				if lost := watcher.lost(2); len(lost) > 0 {
					t.Errorf("lost silently: %v", lost)
				}
			})
		})
	}
}

func TestStreamsThatBreakNowAndThenAreStreamsStill(t *testing.T) {
	inWorld(t, 2, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(2)
		for range 20 {
			watcher.after(3 * time.Minute)
			w.endpoint.Reset() // and soon after it was opened again
			watcher.after(5 * time.Second)
			w.endpoint.Reset()
		}
		watcher.after(time.Minute)
		if n := len(w.requests("GetEvents")); n != 0 {
			t.Errorf("asked %d times", n)
		}
	})
}

// Asking would be no better, and later, for hours.
func TestAServerThatAnswersNothingIsNotTakenForOneThatCannotStream(t *testing.T) {
	inWorld(t, 2, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(2)
		watcher.after(time.Minute)
		for _, on := range []string{fake.OnListen, fake.OnSubscribe, fake.OnCall} {
			w.armForGood(fakeserver.Fault{On: on, Do: "stall"})
		}
		w.endpoint.Reset()
		watcher.after(10 * time.Minute)
		w.server.Disarm()
		w.change(0, "Created")
		events := watcher.after(5 * time.Minute)
		if resyncs(events, ews.ErrPulling) != 0 || resyncs(events, outlookstream.ErrResubscribed) != 2 {
			t.Errorf("%v", events)
		}
		id := w.change(1, "Created")
		if len(about(watcher.take(), id)) == 0 {
			t.Error("there is no stream")
		}
		if lost := watcher.lost(2); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
		for _, e := range events {
			if errors.Is(e.Reason, outlookstream.ErrStarted) {
				t.Errorf("%v", e)
			}
		}
	})
}

// Nor is one that makes no such subscriptions: in a moment it may stream again.
func TestAServerThatCannotBeAskedIsListenedTo(t *testing.T) {
	inWorld(t, 2, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(2)
		watcher.after(time.Minute)
		w.armForGood(fakeserver.Fault{On: fake.OnListen, Do: "stall"})
		w.endpoint.Reset()
		watcher.after(90 * time.Second) // the second stream is being opened
		w.armForGood(fakeserver.Fault{On: fake.OnSubscribe, Do: fake.DoErrorMessage, Code: "ErrorInternalServerError"})
		watcher.after(10 * time.Minute)
		w.server.Disarm()
		w.change(0, "Created")
		watcher.after(5 * time.Minute)
		if n := len(w.requests("GetEvents")); n != 0 {
			t.Errorf("asked %d times", n)
		}
		id := w.change(1, "Created")
		if len(about(watcher.take(), id)) == 0 {
			t.Error("there is no stream")
		}
		if lost := watcher.lost(2); len(lost) > 0 {
			t.Errorf("lost silently: %v", lost)
		}
	})
}

// What is given back to a server that does not answer must not hold the program.
func TestLeavingTheLoopIsQuickThoughNobodyAnswers(t *testing.T) {
	inWorld(t, 30, site, func(t *testing.T, w *world) {
		var left time.Time
		for event := range w.client().Watch(t.Context(), calendars(30)...) {
			if event.Resource == room(29) {
				w.endpoint.Freeze()
				w.endpoint.Refuse(true)
				left = time.Now()
				break
			}
		}
		if took := time.Since(left); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
