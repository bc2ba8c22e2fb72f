package outlookstream_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
)

// The contract of Watch, continued.

// 4. While the loop body runs nothing is read: a slow body is back-pressure,
// never a dead server.

func TestASlowBodyIsNotTakenForADeadServer(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		ids := make(chan string, 1)
		n := 0
		for event, err := range w.client().Watch(t.Context(), events) {
			if err != nil {
				t.Fatal(err)
			}
			if event.Kind == outlookstream.Resync && n > 0 {
				t.Fatalf("%v", event)
			}
			if event.Kind == outlookstream.Created && event.ID != <-ids {
				t.Errorf("%v", event)
			}
			if n++; n == 10 {
				break
			}
			time.Sleep(4 * time.Minute) // synctest: virtual; 16 keep-alives wait meanwhile
			ids <- w.change("Created")
		}
		if n := len(w.listens()); n != 1 {
			t.Errorf("%d connections, want one", n)
		}
	})
}

func TestBufferReadsAheadOfASlowBodyAndAnnouncesWhatItDrops(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		var seen []fakeserver.Seen
		overflows := 0
		for event, err := range outlookstream.Buffer(5, w.client().Watch(t.Context(), events)) {
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, fakeserver.Seen{
				Resource: event.Resource, ChangeType: event.Kind.String(), ID: event.ID,
				Resync: event.Kind == outlookstream.Resync, LedgerSeq: w.server.LedgerSeq(),
			})
			if errors.Is(event.Reason, outlookstream.ErrOverflow) {
				overflows++
			}
			if overflows == 3 {
				break
			}
			if len(seen)%8 == 1 {
				for range 20 {
					w.change("Created")
				}
				synctest.Wait()
			}
		}
		if lost := w.lost(seen); lost != "" {
			t.Errorf("lost silently: %s", lost)
		}
	})
}

// 5. A silent connection is declared dead after two keep-alive intervals and
// five seconds without a byte. What died is not used again.

func TestADeadConnectionIsNoticedInTimeAndLeftBehind(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.opts.KeepAlive = 10 * time.Second
		ends := make(chan outlookstream.TraceDisconnected, 10)
		var lastByte atomic.Pointer[time.Time]
		w.opts.Trace = &outlookstream.Trace{
			KeepAlive:    func(outlookstream.TraceKeepAlive) { lastByte.Store(new(time.Now())) },
			Disconnected: func(d outlookstream.TraceDisconnected) { ends <- d },
		}
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		watcher.quiet(95 * time.Second)
		w.endpoint.Freeze()
		before := *lastByte.Load()
		p := watcher.next()
		if !errors.Is(p.event.Reason, outlookstream.ErrReconnected) {
			t.Fatalf("%v, %v", p.event, p.err)
		}
		if took := p.at.Sub(before); took < 25*time.Second || took > 26*time.Second {
			t.Errorf("live again %v after the last byte, want 2 x 10 s + 5 s and a first back-off of at most 0.5 s", took)
		}
		if end := <-ends; !errors.Is(end.Err, outlookstream.ErrIdle) || len(ends) > 0 {
			t.Errorf("%+v", end)
		}
		watcher.change(outlookstream.Created, w.change("Created"))
	})
}

func TestOneStreamOfManyThatStallsIsNoticedAndTheOthersAreNotDisturbed(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w = newWorld(t, w.protocol, &fakeserver.Options{MaxConcurrent: -1})
		client := w.client()
		var watchers []*watcher
		for range 6 {
			watcher := w.watchWith(client, events)
			watcher.resync(outlookstream.ErrStarted)
			watchers = append(watchers, watcher)
		}
		if conns := w.endpoint.Conns(); w.protocol == "h2" && conns != 1 {
			t.Fatalf("%d connections, want all streams on one", conns)
		}
		watchers[0].quiet(time.Minute)
		w.arm(fakeserver.Fault{On: "stream", Do: "stall"})
		watchers[0].pause(time.Minute)
		id := w.change("Created")
		disturbed := 0
		for _, watcher := range watchers {
			event := watcher.event()
			if event.Kind == outlookstream.Resync {
				disturbed++
				event = watcher.event()
			}
			if event.ID != id {
				t.Errorf("%v, want %s", event, id)
			}
		}
		if disturbed != 1 || len(w.listens()) != 7 {
			t.Errorf("%d watches were disturbed, %d connections opened: want the one that stalled", disturbed, len(w.listens()))
		}
	})
}

func TestADeadConnectionIsLeftBehindAlsoWhenAnotherWatchHoldsIt(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w = newWorld(t, w.protocol, &fakeserver.Options{MaxConcurrent: -1})
		client := w.client()
		busy, leave := make(chan struct{}), make(chan struct{})
		slow := make(chan struct{})
		go func() {
			defer close(slow)
			for range client.Watch(t.Context(), events) {
				close(busy)
				<-leave // its stream stays where it is
				break
			}
		}()
		<-busy
		watcher := w.watchWith(client, events)
		watcher.resync(outlookstream.ErrStarted)
		watcher.quiet(50 * time.Second)
		start := time.Now()
		w.endpoint.Freeze()
		watcher.resync(outlookstream.ErrReconnected)
		if took := time.Since(start); took > 36*time.Second {
			t.Errorf("live again after %v: it went out over the dead connection", took)
		}
		close(leave)
		<-slow
	})
}

func TestAConnectionThatDoesNotAnswerIsLeftBehindToo(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w = newWorld(t, w.protocol, &fakeserver.Options{MaxConcurrent: -1})
		w.opts.KeepAlive = 10 * time.Minute // so that the watch itself does not notice
		client := w.client()
		first := w.watchWith(client, events)
		first.resync(outlookstream.ErrStarted)
		w.endpoint.Freeze()
		start := time.Now()
		second := w.watchWith(client, events)
		second.resync(outlookstream.ErrStarted)
		if took := time.Since(start); took > 31*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAStreamThatNeverBeginsSaysWhoMayHoldItBack(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		var ends []error
		w.opts.Trace = &outlookstream.Trace{Disconnected: func(d outlookstream.TraceDisconnected) { ends = append(ends, d.Err) }}
		w.arm(fakeserver.Fault{On: "stream", Do: "coalesce"}) // and so not even the beginning of the document comes
		w.arm(fakeserver.Fault{On: "stream", Do: "slow", Delay: time.Hour})
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		watcher.resync(outlookstream.ErrReconnected)
		if len(ends) != 1 || !errors.Is(ends[0], outlookstream.ErrIdle) || !strings.Contains(ends[0].Error(), "not a byte came (a proxy") {
			t.Errorf("%v", ends)
		}
	})
}
