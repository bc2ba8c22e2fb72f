package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
)

// A story is what happens around the watch of the demo: a person who signs in,
// colleagues who change a calendar, and a service that fails.
type story struct {
	server   *fakeserver.Server
	session  *session
	coloured bool
	tally    tally
	resyncs  chan string // reasons, as they are announced
	diary    diary
}

func newStory(server *fakeserver.Server, s *session, coloured bool) *story {
	// The buffer has room for what comes while the story waits for nothing.
	return &story{server: server, session: s, coloured: coloured, resyncs: make(chan string, 16), diary: newDiary(time.Now())}
}

// say tells the reader what is going on.
func (st *story) say(format string, args ...any) {
	text := "demo: " + plain(fmt.Sprintf(format, args...))
	if st.coloured {
		text = faint + text + reset
	}
	fmt.Fprintln(st.session.console, text)
}

// observe sees each event after it was printed.
func (st *story) observe(event outlookstream.Event) {
	st.tally.add(event, st.server.LedgerSeq())
	if event.Kind != outlookstream.Resync {
		return
	}
	select {
	case st.resyncs <- reasonName(event.Reason):
	default: // nobody waits for reasons any more
	}
}

// trace adds what the reader ought to see for good to what the status line
// shows for a moment.
func (st *story) trace(t *outlookstream.Trace) *outlookstream.Trace {
	all := *t
	all.Answered = func(a outlookstream.TraceAnswered) {
		t.Answered(a)
		switch {
		case a.Status == http.StatusNotFound:
			st.say("client: %s was answered 404, the subscription is gone; it subscribes again", a.Op)
		case a.Op == "subscribe" && a.Err == nil:
			st.say("client: subscribed to %s", a.Resource)
		}
	}
	all.Live = func(l outlookstream.TraceLive) {
		t.Live(l)
		st.say("client: the connection is live")
	}
	all.Disconnected = func(d outlookstream.TraceDisconnected) {
		t.Disconnected(d)
		if errors.Is(d.Err, outlookstream.ErrIdle) {
			st.say("client: silent for more than %v, so the connection is dead; it opens another one", 2*demoKeepAlive+5*time.Second)
		}
	}
	return &all
}

// approve is the person who reads the prompt.
func (st *story) approve(ctx context.Context, userCode string) {
	if !pause(ctx, 400*time.Millisecond) {
		return
	}
	if err := st.server.SignIn().Approve(userCode, ""); err != nil {
		st.say("nobody could approve the sign-in: %v", err)
		return
	}
	st.say("%s opens the page, enters the code and approves", st.server.SignIn().Accounts()[0].Name)
}

// act is the story. It ends with ctx, or a little before, so that what was
// changed last can still arrive.
func (st *story) act(ctx context.Context) {
	end, limited := ctx.Deadline()
	ctx, cancel := beforeTheEnd(ctx)
	defer cancel()
	if !st.await(ctx, "started") {
		return
	}
	st.say("the calendar comes to life")
	if !st.changes(ctx, 7, 400*time.Millisecond) || !st.forget(ctx) || !st.changes(ctx, 2, 400*time.Millisecond) {
		return
	}
	if limited && time.Until(end) < 9*time.Second {
		st.say("no time is left to show a connection that goes silent: that takes 16 s in all")
	} else if !st.silence(ctx) {
		return
	}
	for st.changes(ctx, 1, 1500*time.Millisecond) {
	}
}

// beforeTheEnd returns a context that ends a little before ctx does, if that has
// a deadline.
func beforeTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, limited := ctx.Deadline(); limited {
		return context.WithDeadline(ctx, end.Add(-demoSettle))
	}
	return context.WithCancel(ctx)
}

// forget lets the service lose the subscription. What changes before there is
// a new one reaches nobody, and has to be announced.
func (st *story) forget(ctx context.Context) bool {
	// What is still on its way would be forgotten along with the subscription.
	if !pause(ctx, 300*time.Millisecond) {
		return false
	}
	st.say("the service forgets the subscription and ends the stream; one change is made before anybody can subscribe again")
	st.server.ExpireSubscriptions()
	return st.change() && st.await(ctx, "resubscribed")
}

// silence lets the connection die without a word, as when a cable is pulled.
func (st *story) silence(ctx context.Context) bool {
	st.say("the connection goes silent: nothing comes any more, and nothing is closed; two changes are made meanwhile")
	if err := st.server.Arm(fakeserver.Fault{On: "stream", Do: "stall"}); err != nil {
		st.say("the connection cannot be silenced: %v", err)
		return false
	}
	if !st.changes(ctx, 2, 400*time.Millisecond) || !st.await(ctx, "reconnected") {
		return false
	}
	st.say("the stream is back; life goes on")
	return true
}

// changes makes some changes, each after a pause.
func (st *story) changes(ctx context.Context, n int, apart time.Duration) bool {
	for range n {
		if !pause(ctx, apart) || !st.change() {
			return false
		}
	}
	return true
}

// change makes the next change in the diary.
func (st *story) change() bool {
	next := st.diary.next()
	entries, err := st.server.Change(next.Change)
	if err != nil {
		st.say("a change could not be made: %v", err)
		return false
	}
	next.made(entries[0].ID)
	return true
}

// await waits for a Resync with that reason.
func (st *story) await(ctx context.Context, reason string) bool {
	for {
		select {
		case r := <-st.resyncs:
			if r == reason {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// pause waits, and returns false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
