package ews_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// A fakeWorld is the fake Exchange and a session with it, in virtual time.
type fakeWorld struct {
	t        *testing.T
	server   *fakeserver.Server
	endpoint *fakeserver.Endpoint
	session  *ews.Session
}

const streamUser = "alex@contoso.test"

// inFakeWorlds runs test over HTTP/1.1 and HTTP/2.
func inFakeWorlds(t *testing.T, o ews.Options, test func(t *testing.T, w *fakeWorld)) {
	t.Helper()
	for _, protocol := range []string{"h1", "h2"} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := fakeserver.New(nil)
				defer server.Close()
				endpoint, err := server.ListenMemory()
				if err != nil {
					t.Fatal(err)
				}
				o := o
				o.URL, o.HTTPClient = endpoint.EWS(), endpoint.Client(protocol)
				client, err := ews.New(ews.Bearer(auth.Func(func(_ context.Context, r auth.Request) (auth.Token, error) {
					return auth.Token{Value: server.Token(streamUser, r.Scopes...), ExpiresOn: time.Now().Add(time.Hour)}, nil
				})), &o)
				if err != nil {
					t.Fatal(err)
				}
				test(t, &fakeWorld{t, server, endpoint, client.Session(streamUser)})
			})
		})
	}
}

// open subscribes to the calendar and listens.
func (w *fakeWorld) open() (*ews.Stream, *ews.Subscription) {
	w.t.Helper()
	sub, err := w.session.Subscribe(w.t.Context(), ews.Mailbox{Folders: ews.Distinguished("calendar")})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.listen(sub), sub
}

func (w *fakeWorld) listen(subs ...*ews.Subscription) *ews.Stream {
	w.t.Helper()
	st, err := w.session.Open(w.t.Context(), subs...)
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

// change makes a change of the calendar and returns the item's id.
func (w *fakeWorld) change(kind string) string {
	w.t.Helper()
	entries, err := w.server.Change(fakeserver.Change{Resource: "me/events", ChangeType: kind})
	if err != nil {
		w.t.Fatal(err)
	}
	return entries[0].ID
}

func (w *fakeWorld) arm(f fakeserver.Fault) {
	w.t.Helper()
	if err := w.server.Arm(f); err != nil {
		w.t.Fatal(err)
	}
}

// seek reads until an event of a type about an item.
func seek(t *testing.T, st *ews.Stream, kind ews.EventType, id string) {
	t.Helper()
	for {
		n, err := st.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range n.Events {
			if e.Type == kind && e.ItemID.ID == id {
				return
			}
		}
	}
}

// Whatever the service makes of the framing, events come, and the stream ends
// with Closed and nothing else.
func TestEveryFramingOfTheServiceIsRead(t *testing.T) {
	for name, f := range map[string]fakeserver.Fault{
		"as it is": {}, "declarations": {Do: "xmlDeclaration"}, "marks": {Do: "bom"}, "another prefix": {Do: "soapPrefix"}, "bare heartbeats": {Do: "otherHeartbeat"}, "combined": {Do: "combined"},
		"byte by byte": {Do: "byteByByte"}, "seven at a time": {Do: "byteByByte", Bytes: 7}, "held back": {Do: "coalesce"}, "white space": {Do: "pretty"}, "unknown elements": {Do: "unknownElement"},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeWorlds(t, ews.Options{ConnectionTimeout: 2 * time.Minute}, func(t *testing.T, w *fakeWorld) {
				if f.Do != "" {
					f.On = "ewsStream"
					w.arm(f)
				}
				st, _ := w.open()
				defer st.Close()
				created := w.change("Created")
				seek(t, st, ews.CreatedEvent, created)
				w.change("Updated")
				seek(t, st, ews.ModifiedEvent, created)
				w.change("Deleted")
				seek(t, st, ews.DeletedEvent, created)
				start := time.Now()
				closed := false
				for {
					n, err := st.Next()
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					closed = n.Status == "Closed"
				}
				if !closed || time.Since(start) > 2*time.Minute {
					t.Errorf("closed: %v, after %v", closed, time.Since(start))
				}
			})
		})
	}
}

func TestNoFaultOfAStreamIsACleanEnd(t *testing.T) {
	for do, want := range map[string]error{
		"cut": nil, "cutMidElement": nil, "unclosed": io.ErrUnexpectedEOF, "reset": nil, "stall": outlookstream.ErrIdle,
		"dropSubscription": outlookstream.ErrSubscriptionGone,
	} {
		t.Run(do, func(t *testing.T) {
			inFakeWorlds(t, ews.Options{}, func(t *testing.T, w *fakeWorld) {
				st, _ := w.open()
				defer st.Close()
				seek(t, st, ews.CreatedEvent, w.change("Created"))
				w.arm(fakeserver.Fault{On: "ewsStream", Do: do})
				w.change("Updated")
				start := time.Now()
				var err error
				for err == nil {
					_, err = st.Next()
				}
				if errors.Is(err, io.EOF) || want != nil && !errors.Is(err, want) || time.Since(start) > 200*time.Second {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				if _, again := st.Next(); again != err {
					t.Errorf("then %v", again)
				}
			})
		})
	}
}

func TestTheServiceTellsWhatWasLost(t *testing.T) {
	inFakeWorlds(t, ews.Options{}, func(t *testing.T, w *fakeWorld) {
		st, sub := w.open()
		defer st.Close()
		seek(t, st, ews.CreatedEvent, w.change("Created"))
		w.arm(fakeserver.Fault{On: "ewsStream", Do: "missed"})
		w.change("Updated")
		var err error
		for err == nil {
			_, err = st.Next()
		}
		if said, ok := errors.AsType[*ews.Error](err); !ok || !errors.Is(err, outlookstream.ErrMissed) || len(said.Subscriptions) > 1 || len(said.Subscriptions) == 1 && said.Subscriptions[0] != sub.ID {
			t.Fatalf("%v", err)
		}
		seek(t, st, ews.CreatedEvent, w.change("Created"))
	})
}

func TestAHugeEnvelopeIsSkipped(t *testing.T) {
	inFakeWorlds(t, ews.Options{MaxEnvelope: 64 << 10}, func(t *testing.T, w *fakeWorld) {
		st, _ := w.open()
		defer st.Close()
		seek(t, st, ews.CreatedEvent, w.change("Created"))
		w.arm(fakeserver.Fault{On: "ewsStream", Do: "hugeElement"})
		w.change("Updated")
		var err error
		for err == nil {
			_, err = st.Next()
		}
		if _, ok := errors.AsType[*outlookstream.SkippedError](err); !ok || !errors.Is(err, outlookstream.ErrTooLarge) {
			t.Fatalf("%v", err)
		}
		seek(t, st, ews.CreatedEvent, w.change("Created"))
	})
}

func TestWhatHappensBetweenTwoStreamsComesWithTheSecond(t *testing.T) {
	inFakeWorlds(t, ews.Options{}, func(t *testing.T, w *fakeWorld) {
		first, sub := w.open()
		seek(t, first, ews.CreatedEvent, w.change("Created"))
		_ = first.Close()
		time.Sleep(2 * time.Minute) // synctest: virtual
		id := w.change("Created")
		second := w.listen(sub)
		defer second.Close()
		seek(t, second, ews.CreatedEvent, id)
	})
}

func TestASecondStreamTakesTheFirstOver(t *testing.T) {
	inFakeWorlds(t, ews.Options{}, func(t *testing.T, w *fakeWorld) {
		first, sub := w.open()
		defer first.Close()
		seek(t, first, ews.CreatedEvent, w.change("Created"))
		second := w.listen(sub)
		defer second.Close()
		var err error
		for err == nil {
			_, err = first.Next()
		}
		if !errors.Is(err, ews.ErrTakenOver) {
			t.Errorf("%v", err)
		}
		seek(t, second, ews.CreatedEvent, w.change("Created"))
	})
}

func TestABadSubscriptionIsNamed(t *testing.T) {
	inFakeWorlds(t, ews.Options{}, func(t *testing.T, w *fakeWorld) {
		st, good := w.open()
		_ = st.Close()
		bad, err := w.session.Subscribe(t.Context(), ews.Mailbox{Folders: ews.Distinguished("inbox")})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.session.Unsubscribe(t.Context(), bad); err != nil {
			t.Fatal(err)
		}
		st = w.listen(good, bad)
		defer st.Close()
		for err == nil {
			_, err = st.Next()
		}
		if said, ok := errors.AsType[*ews.Error](err); !ok || !errors.Is(err, outlookstream.ErrSubscriptionGone) || len(said.Subscriptions) != 1 || said.Subscriptions[0] != bad.ID {
			t.Errorf("%v", err)
		}
		if err := w.session.Unsubscribe(t.Context(), bad); !errors.Is(err, outlookstream.ErrSubscriptionGone) {
			t.Errorf("Unsubscribe: %v", err)
		}
	})
}

func TestNothingIsLeftAtTheService(t *testing.T) {
	inFakeWorlds(t, ews.Options{}, func(t *testing.T, w *fakeWorld) {
		st, sub := w.open()
		seek(t, st, ews.CreatedEvent, w.change("Created"))
		_ = st.Close()
		if err := w.session.Unsubscribe(t.Context(), sub); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // synctest: virtual; the service notices when it next writes
		synctest.Wait()
		if n := w.endpoint.Conns(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}
