package main

import (
	"context"
	"net/http"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// exchangeStory is what happens around the watch of the demo of Exchange:
// meetings in 25 rooms, and a service that fails.
type exchangeStory struct {
	*story
	rooms *rooms
	heard *resyncs
}

// observe sees each event after it was printed.
func (x *exchangeStory) observe(event outlookstream.Event) {
	// In this service the change key tells one change of an item from the next.
	if e := exchangeEvent(event); e != nil {
		event.Version = e.ItemID.ChangeKey
	}
	x.tally.add(event, x.server.LedgerSeq()) // before the story goes on because of it
	if event.Kind == outlookstream.Resync {
		x.heard.add(event.Resource, reasonName(event.Reason))
	}
}

// trace adds what the reader ought to see for good to what the status line
// shows for a moment.
func (x *exchangeStory) trace(t *ews.Trace) *ews.Trace {
	all := *t
	all.Answered = func(a ews.TraceAnswered) {
		t.Answered(a)
		if a.Status == http.StatusUnauthorized {
			x.say("client: %s was answered 401, the token is refused; it gets another one", a.Op)
		}
	}
	all.Connected = func(c ews.TraceConnected) {
		t.Connected(c)
		x.say("client: one connection listens to %d subscriptions", len(c.Subscriptions))
	}
	return &all
}

// act is the story. It ends with ctx, or a little before.
func (x *exchangeStory) act(ctx context.Context) {
	ctx, cancel := beforeTheEnd(ctx)
	defer cancel()
	if !x.heard.await(ctx, "started", demoRooms) {
		return
	}
	x.say("exchange: %s", x.facts())
	x.say("the rooms come to life")
	for _, scene := range []func(context.Context) bool{x.live, x.token, x.live, x.subscription, x.live, x.backEnd, x.live} {
		if !scene(ctx) {
			return
		}
	}
	for x.changes(ctx, 1, time.Second) {
	}
}

func (x *exchangeStory) live(ctx context.Context) bool {
	return x.changes(ctx, 5, 200*time.Millisecond)
}

// token has the token expire, which is noticed when a stream is opened again.
func (x *exchangeStory) token(ctx context.Context) bool {
	before, _ := x.lastOpening()
	ids := x.ids()
	x.say("the application's token expires, and the service ends the stream in good order, as it does every half hour")
	x.heard.begin()
	x.server.SignIn().ExpireTokens()
	if !x.arm(fakeserver.Fault{On: "ewsStream", Do: "earlyEnd"}) || !x.changes(ctx, 1, 0) || !x.heard.await(ctx, "reconnected", demoRooms) {
		return false
	}
	after, refused := x.lastOpening()
	x.say("exchange: the last stream was opened with token %s and X-BackEndOverrideCookie %s", before.token, before.cookie)
	x.say("exchange: this one, after %d refused, with token %s and X-BackEndOverrideCookie %s", refused, after.token, after.cookie)
	if before.token != after.token && before.cookie != "" && before.cookie == after.cookie {
		x.say("the affinity cookie has survived the token: %d of %d subscriptions are those from before", x.kept(ids), demoRooms)
	}
	return true
}

// subscription has one of them lost; the others are to go on.
func (x *exchangeStory) subscription(ctx context.Context) bool {
	const lost = 6
	ids := x.ids()
	x.say("exchange loses the subscription of %s, and something changes there", roomAddress(lost))
	x.heard.begin()
	x.server.Exchange().ExpireSubscriptions(ids[roomAddress(lost)])
	if err := x.rooms.changeIn(lost); err != nil {
		x.say("a change could not be made: %v", err)
		return false
	}
	if !x.heard.await(ctx, "resubscribed", 1) {
		return false
	}
	x.say("it was made again, alone: %d of %d subscriptions are those from before", x.kept(ids), demoRooms)
	return true
}

// backEnd takes the server away that has all subscriptions.
func (x *exchangeStory) backEnd(ctx context.Context) bool {
	name := x.mainServer()
	x.say("exchange: the server %s dies, and all subscriptions with it; something changes meanwhile", shortHost(name))
	x.heard.begin()
	if err := x.server.Exchange().KillBackEnd(name); err != nil {
		x.say("that could not be done: %v", err)
		return false
	}
	if !x.changes(ctx, 2, 0) || !x.heard.await(ctx, "resubscribed", demoRooms) {
		return false
	}
	x.say("exchange: %s", x.facts())
	return true
}

func (x *exchangeStory) arm(fault fakeserver.Fault) bool {
	if err := x.server.Arm(fault); err != nil {
		x.say("that could not be done: %v", err)
		return false
	}
	return true
}

// changes makes some changes, each after a pause.
func (x *exchangeStory) changes(ctx context.Context, n int, apart time.Duration) bool {
	for range n {
		if !pause(ctx, apart) {
			return false
		}
		if err := x.rooms.change(); err != nil {
			x.say("a change could not be made: %v", err)
			return false
		}
	}
	return true
}
