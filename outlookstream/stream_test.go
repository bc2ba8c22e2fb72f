package outlookstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
)

// open subscribes to me/events and listens.
func (w *world) open(ctx context.Context) *outlookstream.Stream {
	w.t.Helper()
	client := w.client()
	subscription, err := client.Subscribe(ctx, events)
	if err != nil {
		w.t.Fatal(err)
	}
	stream, err := client.Open(ctx, subscription.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = stream.Close() })
	return stream
}

func TestSubscribeReturnsWhatTheServiceSays(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		s, err := w.client().Subscribe(t.Context(), outlookstream.Resource{
			Path: "me/events", Changes: outlookstream.ChangeCreated | outlookstream.ChangeDeleted, Select: []string{"Subject", "Start"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if s.ID == "" || s.ChangeType != "Created, Deleted, Missed" || !s.ExpirationDateTime.IsZero() || s.RequestID == "" ||
			s.Resource != w.endpoint.API()+"/me/events?$select=Subject%2CStart" {
			t.Errorf("%+v", s)
		}
	})
}

func TestNextReturnsEveryElementAndThenEOF(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.opts.ConnectionTimeout = time.Minute
		stream := w.open(t.Context())
		id := w.change("Created")
		var kinds []string
		for {
			n, err := stream.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if n.IsKeepAlive() {
				kinds = append(kinds, "keep-alive "+n.Status)
				continue
			}
			kinds = append(kinds, n.ChangeType)
			item, err := outlookstream.DecodeResource[struct{ ID string }](n)
			if err != nil || item.ID != id || time.Until(n.SubscriptionExpirationDateTime) < 29*time.Minute {
				t.Errorf("%+v, %v", n, err)
			}
		}
		if len(kinds) != 4 || kinds[0] != "Created" || kinds[1] != "keep-alive Ok" || kinds[3] != "keep-alive Ok" {
			t.Errorf("%q", kinds)
		}
		if _, err := stream.Next(); err != io.EOF {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestCloseMakesAWaitingNextReturn(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		stream := w.open(t.Context())
		time.AfterFunc(5*time.Second, func() { _ = stream.Close() })
		start := time.Now()
		if _, err := stream.Next(); !errors.Is(err, net.ErrClosed) || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		var again sync.WaitGroup
		for range 3 {
			again.Go(func() {
				if err := stream.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		again.Wait()
		if _, err := stream.Next(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		w.noConnections()
	})
}

func TestTheContextOfOpenIsForTheLifeOfTheStream(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		cause := errors.New("the display was switched off")
		ctx, cancel := context.WithCancelCause(t.Context())
		stream := w.open(ctx)
		time.AfterFunc(time.Second, func() { cancel(cause) })
		if _, err := stream.Next(); !errors.Is(err, cause) {
			t.Errorf("%v", err)
		}
	})
}

func TestASkippedElementLeavesTheStreamAsItIs(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		stream := w.open(t.Context())
		for element, reason := range map[string]error{
			`"not an object"`:                             outlookstream.ErrMalformed,
			`{"a":"` + string(make2MB()) + `"}`:           outlookstream.ErrTooLarge,
			`{"SubscriptionId":{"not":"a string"}}`:       outlookstream.ErrMalformed,
			`[` + string(make2MB()[:1<<20-1]) + `1` + `]`: outlookstream.ErrTooLarge,
		} {
			synctest.Wait()
			w.server.InjectRaw(element)
			_, err := stream.Next()
			if skipped, ok := errors.AsType[*outlookstream.SkippedError](err); !ok || !errors.Is(err, reason) || skipped.Offset == 0 {
				t.Errorf("%.20s: %v", element, err)
			}
		}
		w.change("Created")
		if n, err := stream.Next(); err != nil || n.ChangeType != "Created" {
			t.Errorf("%v, %v", n, err)
		}
	})
}

// make2MB returns 2 MiB that are fine in a string and between brackets.
func make2MB() []byte {
	b := make([]byte, 2<<20)
	for i := range b {
		b[i] = ' '
	}
	return b
}

func TestUnsubscribedIsGone(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		client := w.client()
		s, err := client.Subscribe(t.Context(), events)
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Unsubscribe(t.Context(), s.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Open(t.Context(), s.ID); !errors.Is(err, outlookstream.ErrSubscriptionGone) {
			t.Errorf("Open: %v", err)
		}
		if err := client.Unsubscribe(t.Context(), s.ID); err == nil {
			t.Error("it could be deleted twice")
		}
	})
}

func TestRichNotificationsBringWhatWasSelected(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch(outlookstream.Resource{Path: "me/events", Select: []string{"Subject", "Attendees"}})
		watcher.resync(outlookstream.ErrStarted)
		data := `{"Subject":"Über {\"value\":[1]} 会議 ]}","Attendees":[{"EmailAddress":{"Name":"Ann","Address":"ann@contoso.test"}}],"Location":{"DisplayName":"hidden"}}`
		if _, err := w.server.Change(fakeserver.Change{Resource: "me/events", ChangeType: "Created", Data: json.RawMessage(data)}); err != nil {
			t.Fatal(err)
		}
		n := watcher.event().Native.(*outlookstream.Notification)
		item, err := outlookstream.DecodeResource[struct {
			Subject   string
			Attendees []struct {
				EmailAddress struct{ Name, Address string }
			}
			Location *struct{}
		}](n)
		if err != nil || item.Subject != `Über {"value":[1]} 会議 ]}` || len(item.Attendees) != 1 || item.Attendees[0].EmailAddress.Name != "Ann" || item.Location != nil {
			t.Errorf("%+v, %v", item, err)
		}
	})
}

func TestAFilterTurnsEnteringAndLeavingIntoCreatedAndDeleted(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch(outlookstream.Resource{Path: "me/messages", Filter: "IsRead eq false and Subject eq 'Ann''s & Bob''s'"})
		watcher.resync(outlookstream.ErrStarted)
		mark := func(read string) {
			data := `{"IsRead":` + read + `,"Subject":"Ann's & Bob's"}`
			if _, err := w.server.Change(fakeserver.Change{Resource: "me/messages", ChangeType: "Updated", ID: "mail", Data: json.RawMessage(data)}); err != nil {
				t.Fatal(err)
			}
		}
		mark("false")
		watcher.change(outlookstream.Created, "mail")
		mark("true")
		watcher.change(outlookstream.Deleted, "mail")
	})
}

func TestAnExpandIsPassedOn(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		s, err := w.client().Subscribe(t.Context(), outlookstream.Resource{Path: "me/messages", Expand: "SingleValueExtendedProperties($filter=PropertyId eq 'Integer 0x1080')"})
		if err != nil {
			t.Fatal(err)
		}
		if want := w.endpoint.API() + "/me/messages?$expand=SingleValueExtendedProperties%28%24filter%3DPropertyId%20eq%20%27Integer%200x1080%27%29"; s.Resource != want {
			t.Errorf("got  %s\nwant %s", s.Resource, want)
		}
	})
}

func TestAnotherUsersMailboxIsWatched(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch(outlookstream.Resource{Path: "users/room1@contoso.test/events"})
		watcher.resync(outlookstream.ErrStarted)
		watcher.change(outlookstream.Created, w.change("Created", "users/room1@contoso.test/events"))
	})
}

func TestTraceTellsTheStoryOfAConnection(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		story := make(chan string, 100)
		tell := func(what string, d outlookstream.Diagnostics) {
			if d.RequestID == "" || d.ClientRequestID == "" || d.FEServer == "" {
				t.Errorf("%s without diagnostics: %+v", what, d)
			}
			story <- what
		}
		w.opts.ConnectionTimeout = time.Minute
		w.opts.Trace = &outlookstream.Trace{
			Answered:     func(x outlookstream.TraceAnswered) { tell("answered "+x.Op, x.Diagnostics) },
			Connected:    func(x outlookstream.TraceConnected) { tell("connected", x.Diagnostics) },
			Live:         func(x outlookstream.TraceLive) { tell("live", x.Diagnostics) },
			KeepAlive:    func(x outlookstream.TraceKeepAlive) { tell("keep-alive "+x.Status, x.Diagnostics) },
			Ignored:      func(x outlookstream.TraceIgnored) { tell("ignored "+x.Notification.ODataType, x.Diagnostics) },
			Disconnected: func(x outlookstream.TraceDisconnected) { tell("disconnected "+x.Err.Error(), x.Diagnostics) },
		}
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		w.server.InjectRaw(`{"@odata.type":"#Later"}`)
		watcher.resync(outlookstream.ErrReconnected)
		for _, want := range []string{
			"answered subscribe", "answered listen", "connected", "live", "ignored #Later",
			"keep-alive Ok", "keep-alive Ok", "keep-alive Ok", "disconnected EOF", "answered listen", "connected",
		} {
			if got := <-story; got != want {
				t.Fatalf("%q, want %q", got, want)
			}
		}
	})
}
