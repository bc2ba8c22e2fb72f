package outlookstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/calwatch/calwatch/internal/service"
)

// FuzzStream gives a watch of two resources a whole response. What comes out is
// checked against what it must be at all times, and must not depend on how the
// bytes were cut.
func FuzzStream(f *testing.F) {
	const x, y = `{"@odata.type":"#Microsoft.OutlookServices.Notification","SubscriptionId":"x",`, `{"SubscriptionId":"y",`
	for _, elements := range []string{
		``, keepAliveElement, x + `"SequenceNumber":1,"ChangeType":"Created","ResourceData":{"Id":"1","@odata.etag":"W/1"}}`,
		x + `"SequenceNumber":1,"ChangeType":"Created","ResourceData":{"Id":"1"}},` + x + `"SequenceNumber":3,"ChangeType":"updated","Resource":"https://x/Events('2%3D')"}`,
		x + `"SequenceNumber":2,"ChangeType":"Deleted","ResourceData":{"Id":"1"}},` + y + `"SequenceNumber":1,"ChangeType":"Deleted","ResourceData":{"Id":"1"}}`,
		x + `"SequenceNumber":9,"ChangeType":"Missed"},` + x + `"SequenceNumber":10,"ChangeType":"Created","ResourceData":{"Id":"1"}}`,
		x + `"SequenceNumber":-1,"ChangeType":"Created","ResourceData":{"Id":"1"}}`, x + `"ChangeType":"Moved"},{"SubscriptionId":"z","ChangeType":"Created"}`,
		x + `"ChangeType":"SubscriptionRemoved","Error":{"Code":"{token}"}},` + x + `"ChangeType":"Created"}`, y + `"SequenceNumber":"7","ChangeType":"SubscriptionRemoved"}`,
		`{"error":{"code":"ErrorItemNotFound","message":"{token}"}}`, `7,[],"a",null,{}`, `{"@odata.type":"#Later"},` + y + `"ChangeType":"Acknowledgment"}`,
		`{"a":"` + strings.Repeat("x", fuzzedElement) + `"},` + x + `"SequenceNumber":1,"ChangeType":"Created","ResourceData":{"Id":"1"}}`,
	} {
		f.Add([]byte(`{"@odata.context":"c","value":[` + elements + `]}`))
		f.Add([]byte(`{"value":[` + elements))
	}
	f.Add([]byte(`{"error":{"code":"ErrorAccessDenied","message":"{token}"}}`))
	f.Add([]byte(`<html>{token}</html>`))
	f.Add([]byte("\xef\xbb\xbf" + `{"value":[]}rest`))
	f.Fuzz(func(t *testing.T, document []byte) {
		if len(document) > 1<<16 {
			return
		}
		document = []byte(withToken(string(document)))
		whole := deliverAll(t, bytes.NewReader(document))
		whole.check(t)
		if apart := deliverAll(t, iotest.OneByteReader(bytes.NewReader(document))); !slices.Equal(whole.told, apart.told) || whole.err.Error() != apart.err.Error() {
			t.Errorf("at once: %q, %v\nbyte by byte: %q, %v", whole.told, whole.err, apart.told, apart.err)
		}
	})
}

const (
	keepAliveElement = `{"@odata.type":"#Microsoft.OutlookServices.KeepAliveNotification","Status":"Ok"}`
	fuzzedElement    = 1 << 10 // Options.MaxElement
)

// ignored is no kind of an event: it counts, and nobody is told.
const ignored Kind = 255

// A delivery is what one connection brought.
type delivery struct {
	events []Event
	told   []string // the same, as text
	err    error    // its end
	logged string
}

var subscriptions = map[string]string{"a/events": "x", "b/events": "y"}

// deliverAll has a watch of "a/events" (subscription "x") and "b/events" ("y")
// read one response to its end.
func deliverAll(t *testing.T, body io.Reader) *delivery {
	t.Helper()
	var logged strings.Builder
	c := answering(t, Options{MaxElement: fuzzedElement, Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))}, func(r *http.Request) (*http.Response, error) {
		resp := response(r, 200, "", "Content-Type", "application/json")
		resp.Body = io.NopCloser(body)
		return resp, nil
	})
	stream, err := c.Open(t.Context(), "x", "y")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	stream.diagnostics = Diagnostics{} // each request has an id of its own
	d := &delivery{}
	c.opts.Trace.Ignored = func(i TraceIgnored) { d.events = append(d.events, Event{Kind: ignored, Native: i.Notification}) }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := &watch{client: c, ctx: ctx, stopper: &stopper{}, yield: func(event Event, err error) bool {
		d.events = append(d.events, event)
		d.told = append(d.told, fmt.Sprint(event.Kind, " ", event.Resource, " ", event.ID, " ", event.Version, " ", event.Reason))
		return err == nil
	}}
	for path, subscription := range subscriptions {
		w.resources = append(w.resources, &watched{Resource: Resource{Path: path}, subscription: subscription, owed: ErrStarted})
	}
	slices.SortFunc(w.resources, func(a, b *watched) int { return strings.Compare(a.Path, b.Path) })
	d.err = w.deliver(stream)
	d.logged = logged.String()
	if _, removed := errors.AsType[*removedError](d.err); !removed {
		if _, again := stream.Next(); again != d.err {
			t.Errorf("the stream ended with %v, and then with %v", d.err, again)
		}
	}
	return d
}

func (d *delivery) check(t *testing.T) {
	t.Helper()
	if d.err == nil {
		t.Fatal("it ended without an error")
	}
	checkText(t, d.err.Error(), service.MaxErrorText+maxShown)
	_ = classify(d.err)
	if strings.Contains(d.logged, testToken) {
		t.Errorf("the token is logged: %.500s", d.logged)
	}
	last := map[string]int64{}     // the latest number of a resource
	announced := map[string]bool{} // a Resync since
	number := func(event Event) {
		n, ok := event.Native.(*Notification)
		for path, subscription := range subscriptions {
			if ok && n.SequenceNumber != 0 && n.SubscriptionID == subscription {
				last[path] = n.SequenceNumber
			}
		}
	}
	for i, event := range d.events {
		if event.Kind == ignored {
			number(event)
			continue
		}
		if event.Resource != "a/events" && event.Resource != "b/events" {
			t.Fatalf("nobody watches %q", event.Resource)
		}
		if event.Kind == Resync {
			if event.Reason == nil || event.ID != "" || i < 2 != (event.Reason == ErrStarted) {
				t.Errorf("event %d: %v", i, event)
			}
			if event.Reason != nil {
				checkText(t, event.Reason.Error(), maxShown)
			}
			announced[event.Resource] = i >= 2 // the start announces nothing of what is to come
			number(event)
			continue
		}
		n, ok := event.Native.(*Notification)
		if !ok || event.ID == "" || event.Reason != nil || n.SubscriptionID != subscriptions[event.Resource] ||
			!strings.EqualFold(n.ChangeType, event.Kind.String()) {
			t.Errorf("event %d: %v of %+v", i, event, n)
			continue
		}
		if before := last[event.Resource]; n.SequenceNumber != 0 && n.SequenceNumber != before && n.SequenceNumber != before+1 && !announced[event.Resource] {
			t.Errorf("event %d: number %d after %d, and nothing was announced", i, n.SequenceNumber, before)
		}
		number(event)
		announced[event.Resource] = false
	}
}
