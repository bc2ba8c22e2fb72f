package outlookstream_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// The contract of Watch, line by line.

// 1. Nothing happens until it is ranged over; each range is a new, independent
// watch; a Client is safe for concurrent use.

func TestWatchDoesNothingBeforeItIsRangedOver(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watch := w.client().Watch(t.Context(), events)
		synctest.Wait()
		if n := len(w.server.Requests()); n != 0 || w.endpoint.Conns() != 0 {
			t.Errorf("%d requests, %d connections", n, w.endpoint.Conns())
		}
		for event, err := range watch {
			if event.Kind != outlookstream.Resync || err != nil {
				t.Errorf("%v, %v", event, err)
			}
			break
		}
	})
}

func TestEachRangeIsAWatchOfItsOwn(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watch := w.client().Watch(t.Context(), events)
		for range 3 {
			for event := range watch {
				if !errors.Is(event.Reason, outlookstream.ErrStarted) {
					t.Errorf("the first event is %v", event)
				}
				break
			}
		}
		if n := len(w.server.Subscriptions()); n != 3 {
			t.Errorf("%d subscriptions, want one for each range", n)
		}
	})
}

func TestAClientIsSafeForConcurrentUse(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w = newWorld(t, w.protocol, &fakeserver.Options{MaxConcurrent: -1})
		client := w.client()
		var watchers []*watcher
		for range 20 {
			watchers = append(watchers, w.watchWith(client, events))
		}
		for _, watcher := range watchers {
			watcher.resync(outlookstream.ErrStarted)
		}
		id := w.change("Created")
		for _, watcher := range watchers {
			watcher.change(outlookstream.Created, id)
		}
	})
}

// 2. It ends in three ways only. A non-nil error is always the last pair and
// never comes with an event: watcher.end checks both.

func TestWatchEndsWhenTheLoopIsLeft(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		for range w.client().Watch(t.Context(), events) {
			break // a second pair would panic
		}
		w.noConnections()
	})
}

func TestWatchEndsWithTheCauseOfItsContext(t *testing.T) {
	cause := errors.New("the display was switched off")
	for name, before := range map[string]func(*world){
		"while listening":                func(*world) {},
		"while subscribing":              func(w *world) { w.arm(fakeserver.Fault{On: "subscribe", Do: "stall"}) },
		"while connecting":               func(w *world) { w.arm(fakeserver.Fault{On: "listen", Do: "stall"}) },
		"while waiting to connect again": func(w *world) { w.arm(fakeserver.Fault{On: "listen", Do: "status", Status: 503, RetryAfter: "600"}) },
		"while getting a token": func(w *world) {
			w.provider = auth.Func(func(ctx context.Context, _ auth.Request) (auth.Token, error) {
				<-ctx.Done()
				return auth.Token{}, ctx.Err()
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				before(w)
				ctx, cancel := context.WithCancelCause(t.Context())
				watcher := follow(t, func() { cancel(nil) }, w.client().Watch(ctx, events))
				if name == "while listening" {
					watcher.resync(outlookstream.ErrStarted)
				}
				watcher.quiet(10 * time.Second)
				start := time.Now()
				cancel(cause)
				if err := watcher.end(); err != cause {
					t.Errorf("ended with %v, want the cause itself", err)
				}
				if took := time.Since(start); took > time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestWatchEndsWithAPermanentFailure(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.arm(fakeserver.Fault{On: "subscribe", Do: "status", Status: 403})
		if err := w.watch().end(); !errors.Is(err, outlookstream.ErrForbidden) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestWatchRefusesWhatCannotBeWatchedAtOnce(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		for name, resources := range map[string][]outlookstream.Resource{
			"nothing": {}, "no path": {{}}, "no known permission": {{Path: "me/photos"}},
		} {
			pairs := 0
			for event, err := range w.client().Watch(t.Context(), resources...) {
				if pairs++; err == nil || event.Kind != 0 {
					t.Errorf("%s: %v, %v", name, event, err)
				}
			}
			if pairs != 1 || len(w.server.Requests()) != 0 {
				t.Errorf("%s: %d pairs, %d requests", name, pairs, len(w.server.Requests()))
			}
		}
	})
}

// 3. Delivery is at least once and in order; every point at which a change may
// have been missed is announced, before any later event, once.

func TestEveryWatchBeginsWithAResyncOfEachResourceOnceTheStreamIsOpen(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch(events, outlookstream.Resource{Path: "me/messages"}, outlookstream.Resource{Path: "me/contacts"}, outlookstream.Resource{Path: "me/tasks"})
		for _, path := range []string{"me/events", "me/messages", "me/contacts", "me/tasks"} {
			if got := watcher.resync(outlookstream.ErrStarted).Resource; got != path {
				t.Errorf("the Resync of %s, want %s", got, path)
			}
			if w.server.Streams() != 1 {
				t.Error("the stream is not open yet, or there is more than one")
			}
		}
		watcher.quiet(5 * time.Minute)
	})
}

func TestEveryKindOfChangeArrivesInOrder(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch(events, outlookstream.Resource{Path: "me/messages"})
		watcher.resync(outlookstream.ErrStarted)
		watcher.resync(outlookstream.ErrStarted)
		for i := range 50 {
			id := w.change("Created")
			created := watcher.change(outlookstream.Created, id)
			n, ok := created.Native.(*outlookstream.Notification)
			if !ok || n.SequenceNumber != int64(3*i+1) || created.Resource != "me/events" || created.Version == "" || created.Received.IsZero() {
				t.Fatalf("%+v", created)
			}
			w.change("Updated")
			if updated := watcher.change(outlookstream.Updated, id); updated.Version == created.Version {
				t.Fatal("the update has the version of before")
			}
			w.change("Deleted")
			watcher.change(outlookstream.Deleted, id)
			mail := w.change("Created", "me/messages")
			if event := watcher.change(outlookstream.Created, mail); event.Resource != "me/messages" {
				t.Fatalf("%v", event)
			}
		}
	})
}

func TestOnlyTheChangesAskedForArrive(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch(outlookstream.Resource{Path: "me/events", Changes: outlookstream.ChangeDeleted})
		watcher.resync(outlookstream.ErrStarted)
		id := w.change("Created")
		w.change("Updated")
		w.change("Deleted")
		watcher.change(outlookstream.Deleted, id)
		w.change("Missed")
		watcher.resync(outlookstream.ErrMissed)
	})
}

func TestWhatChangedWhileDisconnectedIsAnnounced(t *testing.T) {
	for name, fault := range map[string]fakeserver.Fault{
		"a connection that was cut":                 {On: "stream", Do: "cut"},
		"one cut in the middle of an element":       {On: "stream", Do: "cutMidElement"},
		"one that was reset":                        {On: "stream", Do: "reset"},
		"one that ended without its last chunk":     {On: "stream", Do: "unclosed"},
		"one that ended well, before a broken wire": {On: "stream", Do: "noFinalChunk"},
		"one that ended well, but early":            {On: "stream", Do: "earlyEnd"},
		"one that ended with an error":              {On: "stream", Do: "inStreamError", Code: "ErrorInternalServerError"},
		"one that ended with an error, misplaced":   {On: "stream", Do: "inStreamError", Code: "withoutComma"},
		"one that fell silent":                      {On: "stream", Do: "stall"},
	} {
		t.Run(name, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				watcher := w.watch()
				watcher.resync(outlookstream.ErrStarted)
				watcher.change(outlookstream.Created, func() string { return w.change("Created") }())
				w.arm(fakeserver.Fault{On: "stream", Do: "loseBetween"})
				fault.After = 1
				w.arm(fault)
				watcher.quiet(time.Second)
				w.change("Updated") // may or may not arrive
				var got []outlookstream.Event
				for len(got) == 0 || got[len(got)-1].Kind != outlookstream.Resync {
					got = append(got, watcher.event())
				}
				if last := got[len(got)-1]; !errors.Is(last.Reason, outlookstream.ErrReconnected) || len(got) > 2 {
					t.Errorf("got %v, want a Resync because the connection was opened again", got)
				}
				w.server.Disarm()
				if n := len(w.server.Subscriptions()); n != 1 {
					t.Errorf("%d subscriptions: the old one was not used again", n)
				}
			})
		})
	}
}

func TestAnExpiredSubscriptionIsMadeAgainAndAnnounced(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch(events, outlookstream.Resource{Path: "me/messages"})
		watcher.resync(outlookstream.ErrStarted)
		watcher.resync(outlookstream.ErrStarted)
		watcher.quiet(5 * time.Minute)
		w.server.ExpireSubscriptions() // ends the connection, too
		watcher.resync(outlookstream.ErrResubscribed)
		watcher.resync(outlookstream.ErrResubscribed)
		watcher.change(outlookstream.Created, w.change("Created"))
		watcher.quiet(5 * time.Minute)
	})
}

func TestARemovedSubscriptionIsMadeAgainAndAnnounced(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch(events, outlookstream.Resource{Path: "me/messages"})
		watcher.resync(outlookstream.ErrStarted)
		watcher.resync(outlookstream.ErrStarted)
		w.change("SubscriptionRemoved")
		if event := watcher.resync(outlookstream.ErrRemoved); event.Resource != "me/events" {
			t.Errorf("%v", event)
		}
		if event := watcher.resync(outlookstream.ErrReconnected); event.Resource != "me/messages" {
			t.Errorf("the other resource shares the connection: %v", event)
		}
		watcher.change(outlookstream.Created, w.change("Created"))
		watcher.change(outlookstream.Created, w.change("Created", "me/messages"))
		if n := len(w.requests("/subscriptions")); n != 3 {
			t.Errorf("%d subscriptions were made, want only the removed one again", n-2)
		}
	})
}

func TestMissedIsAnnouncedForItsResourceOnly(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch(events, outlookstream.Resource{Path: "me/messages"})
		watcher.resync(outlookstream.ErrStarted)
		watcher.resync(outlookstream.ErrStarted)
		w.change("Missed", "me/messages")
		if event := watcher.resync(outlookstream.ErrMissed); event.Resource != "me/messages" || event.Native == nil {
			t.Errorf("%+v", event)
		}
		watcher.quiet(5 * time.Minute)
	})
}

func TestASkippedNumberIsAnnouncedBeforeTheEventThatShowsIt(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		watcher.change(outlookstream.Created, w.change("Created"))
		w.arm(fakeserver.Fault{On: "stream", Do: "skipSequence"})
		id := w.change("Created")
		watcher.resync(outlookstream.ErrSequence)
		watcher.change(outlookstream.Created, id)
		watcher.change(outlookstream.Created, w.change("Created"))
	})
}

func TestNumbersGoOnAcrossConnections(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		watcher.change(outlookstream.Created, w.change("Created"))
		watcher.quiet(5 * time.Minute)
		w.arm(fakeserver.Fault{On: "stream", Do: "earlyEnd"})
		watcher.resync(outlookstream.ErrReconnected)
		watcher.change(outlookstream.Created, w.change("Created")) // number 2: no gap
		watcher.quiet(time.Minute)
	})
}

func TestWhatTheServerLostBetweenTwoConnectionsIsAnnounced(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		watcher.change(outlookstream.Created, w.change("Created"))
		w.arm(fakeserver.Fault{On: "stream", Do: "loseBetween"})
		w.arm(fakeserver.Fault{On: "listen", Do: "status", Status: 503, RetryAfter: "60"})
		w.arm(fakeserver.Fault{On: "stream", Do: "cut"})
		watcher.quiet(30 * time.Second)
		w.change("Updated") // lost
		watcher.resync(outlookstream.ErrReconnected)
		id := w.change("Created")
		// Its number shows that one is missing. When that one was lost, before
		// or after the Resync above, nobody can tell.
		watcher.resync(outlookstream.ErrSequence)
		watcher.change(outlookstream.Created, id)
	})
}

func TestARepeatedNotificationIsDeliveredAgainAndDedupDropsIt(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		for _, dedup := range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			watch := w.client().Watch(ctx, events)
			if dedup {
				watch = outlookstream.Dedup(100, watch)
			}
			watcher := follow(t, cancel, watch)
			watcher.resync(outlookstream.ErrStarted)
			w.arm(fakeserver.Fault{On: "stream", Do: "duplicate"})
			id := w.change("Created")
			watcher.change(outlookstream.Created, id)
			if !dedup {
				watcher.change(outlookstream.Created, id)
			}
			watcher.change(outlookstream.Created, w.change("Created"))
			cancel()
			watcher.end()
			w.noConnections()
		}
	})
}

func TestATooLargeNotificationIsSkippedAndAnnouncedAndTheStreamGoesOn(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch(events, outlookstream.Resource{Path: "me/messages"})
		watcher.resync(outlookstream.ErrStarted)
		watcher.resync(outlookstream.ErrStarted)
		w.arm(fakeserver.Fault{On: "stream", Do: "hugeElement", Bytes: 3 << 20})
		w.change("Created")
		// Whose it was is in the part that was not read.
		watcher.resync(outlookstream.ErrTooLarge)
		watcher.resync(outlookstream.ErrTooLarge)
		id := w.change("Created")
		watcher.resync(outlookstream.ErrSequence) // the skipped one had a number
		watcher.change(outlookstream.Created, id)
		if n := len(w.listens()); n != 1 {
			t.Errorf("%d connections, want the first one still", n)
		}
	})
}

func TestWhatIsNotUnderstoodIsAnnouncedAndTheStreamGoesOn(t *testing.T) {
	for name, tt := range map[string]struct {
		element string
		resyncs int
	}{
		"a null":                     {`null`, 1},
		"a number":                   {`5`, 1},
		"members of other types":     {`{"SequenceNumber":"one"}`, 1},
		"a change of an unknown one": {`{"SubscriptionId":"somebody's","ChangeType":"Created"}`, 1},
		"a change that names nobody": {`{"ChangeType":"Created","Resource":"x"}`, 1},
		"an unknown change":          {`{"ChangeType":"Moved"}`, 1},
		"an unknown type":            {`{"@odata.type":"#Microsoft.OutlookServices.Later"}`, 0},
		"an acknowledgment":          {`{"ChangeType":"Acknowledgment"}`, 0},
		"a keep-alive in capitals":   {`{"@odata.type":"#Microsoft.OutlookServices.KeepAliveNotification","Status":"OK"}`, 0},
		"an odd keep-alive":          {`{"Status":"Busy","@odata.type":"#microsoft.outlookservices.keepalivenotification","x":[]}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				watcher := w.watch()
				watcher.resync(outlookstream.ErrStarted)
				if n := w.server.InjectRaw(tt.element); n != 1 {
					t.Fatalf("it went into %d streams", n)
				}
				for range tt.resyncs {
					watcher.resync(outlookstream.ErrMissed)
				}
				watcher.change(outlookstream.Created, w.change("Created"))
				if n := len(w.listens()); n != 1 {
					t.Errorf("%d connections, want the first one still", n)
				}
			})
		})
	}
}

func TestAnyFormOfTheDocumentIsRead(t *testing.T) {
	for _, form := range []string{"bom", "pretty", "byteByByte", "coalesce", "okUpperCase", "unknownElement", "otherHost", "slow"} {
		t.Run(form, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				w.arm(fakeserver.Fault{On: "stream", Do: form, Times: -1})
				watcher := w.watch()
				watcher.resync(outlookstream.ErrStarted)
				for range 10 {
					id := w.change("Created")
					w.change("Updated")
					watcher.change(outlookstream.Created, id)
					watcher.change(outlookstream.Updated, id)
				}
				if n := len(w.listens()); n != 1 {
					t.Errorf("%d connections, want the first one still", n)
				}
			})
		})
	}
}

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

// 6. No tight loop, whatever the server does.

func TestAttemptsAreSpacedWhateverTheServerDoes(t *testing.T) {
	for name, fault := range map[string]fakeserver.Fault{
		"it hangs up at once":                        {On: "stream", Do: "cut"},
		"it ends well at once":                       {On: "stream", Do: "earlyEnd"},
		"it ends well after an element":              {On: "stream", Do: "earlyEnd", After: 1},
		"it hangs up after an element":               {On: "stream", Do: "cut", After: 1},
		"it sends an error at once":                  {On: "stream", Do: "inStreamError", Code: "ErrorServerBusy"},
		"it says in the stream that all is gone":     {On: "stream", Do: "inStreamError", Code: "ErrorItemNotFound"},
		"it sends nonsense":                          {On: "stream", Do: "doubleBrace"},
		"it sends nothing":                           {On: "stream", Do: "missingValue"},
		"it resets":                                  {On: "listen", Do: "reset"},
		"it does not know its own subscriptions":     {On: "listen", Do: "status", Status: 404},
		"it throttles":                               {On: "listen", Do: "status", Status: 429},
		"it throttles subscribing":                   {On: "subscribe", Do: "status", Status: 429},
		"it is down":                                 {On: "listen", Do: "status", Status: 503},
		"it is down and says come back now":          {On: "listen", Do: "status", Status: 503, RetryAfter: "0"},
		"it is down and says come back in the past":  {On: "listen", Do: "status", Status: 503, RetryAfter: "Sat, 01 Jan 2000 00:00:00 GMT"},
		"something in between answers with its page": {On: "listen", Do: "html"},
	} {
		t.Run(name, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				fault.Times = -1
				w.arm(fault)
				watcher := w.watch()
				watcher.pause(30 * time.Minute)
				watcher.cancel()
				attempts := w.requests("/GetNotifications")
				if fault.On == "subscribe" {
					attempts = w.requests("/subscriptions")
				}
				// Waits of half a minute on average, once the ceiling is reached.
				// Each round may take two requests.
				if n := len(attempts); n < 30 || n > 120 {
					t.Errorf("%d attempts in half an hour, want about one every half minute", n)
				}
			})
		})
	}
}

func TestACleanEndAfterAGoodConnectionReopensAtOnceWithTheSameSubscriptions(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.opts.ConnectionTimeout = 10 * time.Minute
		watcher := w.watch(events, outlookstream.Resource{Path: "me/messages"})
		watcher.resync(outlookstream.ErrStarted)
		watcher.resync(outlookstream.ErrStarted)
		for range 5 {
			watcher.resync(outlookstream.ErrReconnected)
			watcher.resync(outlookstream.ErrReconnected)
		}
		listens := w.listens()
		for i, gap := range gaps(listens) {
			if gap != 10*time.Minute {
				t.Errorf("connection %d was opened %v after the one before it, want exactly its 10 min", i+1, gap)
			}
			if listens[i].Body != listens[i+1].Body {
				t.Errorf("asked for %s, then for %s", listens[i].Body, listens[i+1].Body)
			}
		}
		if n := len(w.requests("/subscriptions")); n != 2 {
			t.Errorf("%d subscriptions were made", n)
		}
	})
}

func TestTheBackOffStartsOverOnlyAfterAConnectionWasGoodForAMinute(t *testing.T) {
	// firstWait returns the longest wait that was seen after a connection that
	// came after a long outage and was good for some time.
	firstWait := func(t *testing.T, protocol string, good time.Duration) (longest time.Duration) {
		for range 8 {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, protocol, nil)
				var waits []time.Duration
				w.opts.Trace = &outlookstream.Trace{Waiting: func(x outlookstream.TraceWaiting) { waits = append(waits, x.Delay) }}
				w.arm(fakeserver.Fault{On: "listen", Do: "status", Status: 503, Times: 12})
				watcher := w.watch()
				watcher.resync(outlookstream.ErrStarted)
				outage := len(waits)
				watcher.quiet(15*time.Second + good) // the first keep-alive, then good
				w.arm(fakeserver.Fault{On: "stream", Do: "cut"})
				watcher.resync(outlookstream.ErrReconnected)
				longest = max(longest, waits[outage])
			})
		}
		return longest
	}
	for _, protocol := range []string{"h1", "h2"} {
		if wait := firstWait(t, protocol, 50*time.Second); wait < time.Second {
			t.Errorf("%s: after 50 good seconds no wait was longer than %v: it has started over", protocol, wait)
		}
		if wait := firstWait(t, protocol, 70*time.Second); wait > 501*time.Millisecond {
			t.Errorf("%s: after 70 good seconds a wait was %v: it has not started over", protocol, wait)
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for _, on := range []string{"subscribe", "listen"} {
		t.Run(on, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				start := time.Now()
				w.arm(fakeserver.Fault{On: on, Do: "status", Status: 429, RetryAfter: "90"})
				p := w.watch().next()
				if took := p.at.Sub(start); took < 90*time.Second || took > 91*time.Second || p.err != nil {
					t.Errorf("%v, %v after %v, want 90 s and a little", p.event, p.err, took)
				}
			})
		})
	}
}

// 7. A fresh token is asked for at each connection; a refused one is never
// sent again.

func TestEachConnectionAsksForAToken(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		asked := 0
		w.provider = auth.Func(func(_ context.Context, r auth.Request) (auth.Token, error) {
			asked++
			if fmt.Sprint(r.Scopes) != "[https://outlook.office.com/calendars.read https://outlook.office.com/mail.read]" || r.Rejected != "" {
				t.Errorf("%v", r.Scopes)
			}
			return auth.Token{Value: w.server.Token(user, r.Scopes...)}, nil
		})
		w.opts.ConnectionTimeout = 10 * time.Minute
		watcher := w.watch(outlookstream.Resource{Path: "me/messages"}, events)
		for range 6 {
			watcher.event()
		}
		listens := w.listens()
		if len(listens) != 3 || asked != 5 {
			t.Errorf("%d connections, %d tokens: want one for each request", len(listens), asked)
		}
		if listens[0].Token == listens[1].Token || listens[1].Token == listens[2].Token {
			t.Error("a connection was opened with the token of the one before")
		}
	})
}

func TestARefusedTokenIsRefreshedOnceAndNeverSentAgain(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		watcher.quiet(5 * time.Minute)
		w.server.SignIn().ExpireTokens()
		w.arm(fakeserver.Fault{On: "stream", Do: "earlyEnd"})
		start := time.Now()
		watcher.resync(outlookstream.ErrReconnected)
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v: a refused token is no reason to wait", took)
		}
		refusals := map[string]int{}
		for _, r := range w.server.Requests() {
			if refusals[r.Token] > 0 {
				t.Error("a refused token was sent again")
			}
			if r.Status == 401 {
				refusals[r.Token]++
			}
		}
		if len(refusals) != 1 {
			t.Errorf("%d tokens were refused", len(refusals))
		}
		watcher.change(outlookstream.Created, w.change("Created"))
	})
}

func TestASecondRefusalEndsTheWatch(t *testing.T) {
	for _, on := range []string{"subscribe", "listen"} {
		t.Run(on, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				w.arm(fakeserver.Fault{On: on, Do: "status", Status: 401, Times: -1})
				err := w.watch().end()
				failure, ok := errors.AsType[*outlookstream.Error](err)
				if !ok || !errors.Is(err, outlookstream.ErrUnauthorized) || failure.RequestID == "" {
					t.Errorf("ended with %v", err)
				}
				sent := map[string]int{}
				for _, r := range w.server.Requests() {
					if r.Status == 401 {
						sent[r.Token]++
					}
				}
				if len(sent) != 2 {
					t.Errorf("%d tokens were tried, want two", len(sent))
				}
				for token, times := range sent {
					if times != 1 {
						t.Errorf("%s was sent %d times", token, times)
					}
				}
			})
		})
	}
}

func TestATokenThatCannotBeReplacedEndsTheWatchWithBothReasons(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		token := w.server.Token(user)
		w.server.SignIn().ExpireTokens()
		w.provider = auth.Static(token)
		err := w.watch().end()
		if !errors.Is(err, auth.ErrRejected) || !errors.Is(err, outlookstream.ErrUnauthorized) {
			t.Errorf("ended with %v", err)
		}
		if n := len(w.server.Requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestAWatchThatNeedsAPersonEnds(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.provider = auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			return auth.Token{}, &auth.InteractionError{Code: "invalid_grant", SubCode: "basic_action"}
		})
		if err := w.watch().end(); !errors.Is(err, auth.ErrInteractionRequired) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestAProviderInTroubleIsAskedAgain(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		good, asked := w.provider, 0
		w.provider = auth.Func(func(ctx context.Context, r auth.Request) (auth.Token, error) {
			if asked++; asked <= 3 {
				return auth.Token{}, errors.New("the authority cannot be reached")
			}
			return good.Token(ctx, r)
		})
		w.watch().resync(outlookstream.ErrStarted)
	})
}

// 8. When it returns, no goroutine, timer or connection of it remains. The
// bubble sees to goroutines in every test here.

func TestNothingIsLeftOfAWatchThatReturned(t *testing.T) {
	for name, before := range map[string]func(*world){
		"a good connection":    func(*world) {},
		"a dead connection":    func(w *world) { w.endpoint.Freeze() },
		"a refused connection": func(w *world) { w.endpoint.Refuse(true); w.endpoint.Reset() },
		"a stalled stream":     func(w *world) { w.arm(fakeserver.Fault{On: "stream", Do: "stall"}) },
	} {
		t.Run(name, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				watcher := w.watch()
				watcher.resync(outlookstream.ErrStarted)
				before(w)
				watcher.quiet(7 * time.Second)
				watcher.cancel()
				if err := watcher.end(); !errors.Is(err, context.Canceled) {
					t.Errorf("ended with %v", err)
				}
				w.endpoint.Refuse(false)
				if name != "a dead connection" { // the server cannot see that it was closed
					w.noConnections()
				}
			})
		})
	}
}

func TestAPanicOfTheBodyLeavesNothingBehind(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			for range w.client().Watch(t.Context(), events) {
				panic("the body failed")
			}
		}()
		w.noConnections()
	})
}
