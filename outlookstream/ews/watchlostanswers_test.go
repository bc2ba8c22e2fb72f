package ews_test

import (
	"strings"
	"testing"
	"time"

	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
)

// longLived are subscriptions that count for half an hour when nobody knows of them.
var longLived = fake.Options{BackEnds: site.BackEnds, Expiry: 30 * time.Minute}

// answersOf are the answers to Subscribe for a room.
func answersOf(i int) func(body string) bool {
	return func(body string) bool { return strings.Contains(body, room(i)) }
}

func TestAnswersThatGetLostDoNotUseUpWhatAMailboxMayHave(t *testing.T) {
	inWorld(t, 1, longLived, func(t *testing.T, w *world) {
		network := w.lateAnswers(0, answersOf(0))
		watcher := w.watchRooms(1)
		most := 0
		for range 120 {
			watcher.after(time.Minute)
			most = max(most, w.perMailbox()[room(0)])
		}
		if most < 5 || most > 14 {
			t.Errorf("%d subscriptions at a time", most)
		}
		network.set(0, nil)
		if events := watcher.after(4 * time.Minute); resyncs(events, outlookstream.ErrStarted) != 1 {
			t.Errorf("%v", events)
		}
	})
}

func TestAnswersThatGetLostBesideAStreamDoNotUseUpWhatAMailboxMayHave(t *testing.T) {
	inWorld(t, 3, longLived, func(t *testing.T, w *world) {
		network := w.lateAnswers(0, answersOf(2))
		set, watcher := w.watchSet(2)
		w.addRooms(set, 2, 3)
		most := 0
		for range 25 { // the stream lasts as long
			if events := watcher.after(time.Minute); len(events) != 0 {
				t.Fatalf("%v", events)
			}
			most = max(most, w.perMailbox()[room(2)])
		}
		if most < 5 || most > 14 {
			t.Errorf("%d subscriptions at a time", most)
		}
		network.set(0, nil)
		if events := watcher.after(4 * time.Minute); resyncs(events, outlookstream.ErrStarted) != 1 {
			t.Errorf("%v", events)
		}
	})
}

// What could not be asked has left nothing behind.
func TestANetworkThatWasDownIsNotWaitedForLonger(t *testing.T) {
	inWorld(t, 1, longLived, func(t *testing.T, w *world) {
		for range 8 {
			w.endpoint.Refuse(true)
			watcher := w.watchRooms(1)
			watcher.after(20 * time.Minute)
			w.endpoint.Refuse(false)
			if events := watcher.after(61 * time.Second); resyncs(events, outlookstream.ErrStarted) != 1 {
				t.Errorf("%v", events)
			}
			watcher.cancel(errEnough)
			_ = watcher.end()
		}
	})
}

func TestAMailboxThatHasAllItMayHaveWaitsUntilSomeExpire(t *testing.T) {
	inWorld(t, 2, longLived, func(t *testing.T, w *world) {
		another := w.client().Session(room(1))
		for range 20 {
			if _, err := another.Subscribe(t.Context(), calendars(2)[1]); err != nil {
				t.Fatal(err)
			}
		}
		watcher := w.watchRooms(2)
		if events := watcher.after(25 * time.Minute); len(events) != 1 || len(of(events, 0)) != 1 {
			t.Errorf("%v", events)
		}
		watcher.after(7 * time.Minute)
		id := w.change(1, "Created")
		if len(about(watcher.take(), id)) == 0 {
			t.Error("nothing of it")
		}
	})
}
