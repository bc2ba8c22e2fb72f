package outlookstream_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
)

// The contract of Watch, continued.

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
