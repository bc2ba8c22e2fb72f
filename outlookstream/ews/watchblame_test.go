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

// perMailbox counts the subscriptions that are alive.
func (w *world) perMailbox() map[string]int {
	alive := make(map[string]int)
	for _, s := range w.server.Exchange().Subscriptions() {
		alive[s.Mailbox]++
	}
	return alive
}

func TestAMailboxThatFailsInAStreamWithoutBeingNamedEndsAlone(t *testing.T) {
	const n = 4
	inWorld(t, n, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(n)
		watcher.after(time.Minute)
		w.server.Exchange().SetMailboxFailure(room(2), "ErrorInvalidLicense")
		w.arm(fakeserver.Fault{On: fake.OnStream, Do: "inStreamError", Code: "ErrorInvalidLicense"})
		for i := range n {
			w.change(i, "Created")
		}
		events := watcher.after(time.Minute)
		gone := ended(events)
		if len(gone) != 1 || gone[0].Resource != room(2) || resyncs(events, outlookstream.ErrResubscribed) != n-1 {
			t.Fatalf("%v", events)
		}
		for i := range n {
			if alive := w.perMailbox()[room(i)]; i != 2 && alive != 1 {
				t.Errorf("%s has %d subscriptions", room(i), alive)
			}
			id := w.change(i, "Created")
			if told := len(about(watcher.take(), id)) > 0; told != (i != 2) {
				t.Errorf("%s: told of a change: %v", room(i), told)
			}
		}
	})
}

func TestAStreamThatGoesOnFailingForNobodyInParticularEndsItsGroup(t *testing.T) {
	const n = 3
	inWorld(t, n, site, func(t *testing.T, w *world) {
		var waits []time.Duration
		w.opts.Trace = &ews.Trace{Waiting: func(t ews.TraceWaiting) { waits = append(waits, t.Delay) }}
		watcher := w.watchRooms(n)
		watcher.after(time.Minute)
		w.armForGood(fakeserver.Fault{On: fake.OnStream, Do: "inStreamError", Code: "ErrorAccessDenied"})
		err := watcher.end()
		if failure, said := errors.AsType[*ews.Error](err); !said || failure.Code != "ErrorAccessDenied" {
			t.Errorf("%v", err)
		}
		if streams := len(w.requests("GetStreamingEvents")); streams != 8 {
			t.Errorf("%d streams were tried", streams)
		}
		if len(waits) != 7 || waits[0] != 0 {
			t.Fatalf("%v", waits)
		}
		for _, wait := range waits[1:] {
			if wait < 50*time.Millisecond {
				t.Errorf("tried again after %v", wait)
			}
		}
		if alive := w.perMailbox(); len(alive) != 0 {
			t.Errorf("%v", alive)
		}
	})
}

func TestStreamsThatFailForNobodyInParticularNowAndThenAreSurvived(t *testing.T) {
	inWorld(t, 2, site, func(t *testing.T, w *world) {
		watcher := w.watchRooms(2)
		for range 20 {
			watcher.after(40 * time.Minute)
			w.arm(fakeserver.Fault{On: fake.OnStream, Do: "inStreamError", Code: "ErrorAccessDenied"})
		}
		if events := watcher.after(time.Minute); len(ended(events)) != 0 || w.server.Exchange().Streams() != 1 {
			t.Errorf("%v", events)
		}
	})
}
