package exchange_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// listening is an open stream, read by a goroutine that gives what it reads a time.
type listening struct {
	f      *fixture
	resp   *http.Response
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	list  []arrived
	bytes strings.Builder
	err   error // how it ended; io.EOF is a clean end
}

type arrived struct {
	root *element
	at   time.Time
}

// message is the response message of an envelope.
func (a arrived) message() *element {
	return a.root.at("Body", "GetStreamingEventsResponse", "ResponseMessages", "GetStreamingEventsResponseMessage")
}

// Write implements io.Writer, for what is read.
func (l *listening) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.Write(p)
}

// listen opens a stream for so many minutes.
func (f *fixture) listen(minutes int, ids ...string) *listening {
	f.t.Helper()
	return f.listenAs("", listenRequest(minutes, ids...))
}

// listenAs opens a stream while impersonating somebody, or nobody.
func (f *fixture) listenAs(address, body string) *listening {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	header := ""
	if address != "" {
		header = impersonating(address)
	}
	resp, err := f.http.Do(f.request(ctx, envelope("Exchange2016", header, body)))
	if err != nil {
		f.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		f.t.Fatalf("listening: status %d: %s", resp.StatusCode, b)
	}
	l := &listening{f: f, resp: resp, cancel: cancel, done: make(chan struct{})}
	f.t.Cleanup(cancel)
	go func() {
		defer close(l.done)
		defer resp.Body.Close()
		r := newReader(io.TeeReader(resp.Body, l))
		for {
			root, err := r.next()
			l.mu.Lock()
			if err != nil {
				l.err = err
				l.mu.Unlock()
				return
			}
			l.list = append(l.list, arrived{root, time.Now()})
			l.mu.Unlock()
		}
	}()
	return l
}

// now is what has arrived so far.
func (l *listening) now() []arrived {
	l.f.t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]arrived(nil), l.list...)
}

// checked is now, with every envelope read as the Managed API does.
func (l *listening) checked() []arrived {
	l.f.t.Helper()
	all := l.now()
	for _, a := range all {
		if err := checkDotNet(a.root); err != nil {
			l.f.t.Errorf("the Managed API would not take this: %v\n%s", err, l.text())
		}
	}
	return all
}

func (l *listening) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.String()
}

// ended waits for the end and returns its error, io.EOF if it was clean.
func (l *listening) ended() error {
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *listening) wantClean() {
	l.f.t.Helper()
	if err := l.ended(); !errors.Is(err, io.EOF) {
		l.f.t.Fatalf("the stream ended with %v", err)
	}
}

// hangUp goes away.
func (l *listening) hangUp() {
	l.cancel()
	<-l.done
}

// short is what envelopes say, in few words: "OK", "Closed", "Code id id Closed", or the events' names with item or
// folder, as "CreatedEvent(id)", by Notification.
func short(all []arrived) []string {
	var list []string
	for _, a := range all {
		m := a.message()
		var words []string
		if code := m.text("ResponseCode"); code != "NoError" {
			words = append(words, code)
		}
		for _, id := range m.at("ErrorSubscriptionIds").all("SubscriptionId") {
			words = append(words, id.chars)
		}
		for _, n := range m.at("Notifications").all("Notification") {
			words = append(words, "[")
			for _, e := range n.children[1:] {
				words = append(words, event(e))
			}
			words = append(words, "]")
		}
		if status := m.text("ConnectionStatus"); status != "" {
			words = append(words, status)
		}
		list = append(list, strings.Join(words, " "))
	}
	return list
}

func event(e *element) string {
	name := strings.TrimSuffix(e.name, "Event")
	switch {
	case e.at("FolderId") != nil:
		return name + "(folder)"
	case e.at("ItemId") != nil:
		return name + "(" + e.at("ItemId").attrs["Id"] + ")"
	}
	return name
}

func wantShort(t *testing.T, all []arrived, want ...string) {
	t.Helper()
	got := short(all)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
