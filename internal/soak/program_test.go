package soak

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A restProgram is a program that watches over the REST API.
type restProgram struct {
	player
	programSpec
	rest     *rest
	client   *outlookstream.Client
	refusals int             // of tokens, in a row: with a Client of its own only
	waits    []time.Duration // between attempts, since a connection was good or the watch began
	open     atomic.Int32    // connections; known with a Client of its own only

	// Known with a Client of its own only.
	connected bool
	owed      map[string]bool // resources that need a Resync first, since the connection is new
	heard     time.Time       // when the connection last showed a sign of life
}

func (p *restProgram) begin() { p.waits, p.refusals = nil, 0 }

func (p *restProgram) rested() { p.heard = time.Now() }

func (p *restProgram) enough(event outlookstream.Event) bool {
	if event.Kind == outlookstream.Ended {
		p.wrongf("%v, which is the end of the watch here", event)
	}
	return false
}

func (p *restProgram) target(of int) (user, resource string, watched bool) {
	if of >= len(p.resources) {
		return "", "", false
	}
	return users[p.user], p.resources[of], true
}

func (p *restProgram) events(ctx context.Context) outlookstream.Events {
	var list []outlookstream.Resource
	for _, path := range p.resources {
		list = append(list, outlookstream.Resource{Path: path})
	}
	events := p.client.Watch(ctx, list...)
	if p.dedup {
		events = outlookstream.Dedup(100, events)
	}
	if p.buffer > 0 {
		events = outlookstream.Buffer(p.buffer, events)
	}
	return events
}

func (p *restProgram) note(event outlookstream.Event) {
	if p.rest.shared || p.buffer > 0 {
		return
	}
	if !p.connected {
		p.wrongf("%v came while there was no connection", event)
	}
	p.hear()
	if event.Kind == outlookstream.Resync {
		delete(p.owed, event.Resource)
	} else if p.owed[event.Resource] {
		p.wrongf("%v came over a new connection before a Resync", event)
	}
}

// trace takes note of connections. It is called on the program's goroutine,
// unless there is a Buffer.
func (p *restProgram) trace() *outlookstream.Trace {
	trace := p.rest.trace(p.world)
	said := *trace
	trace.Connected = func(x outlookstream.TraceConnected) { p.open.Add(1); said.Connected(x) }
	trace.Disconnected = func(x outlookstream.TraceDisconnected) {
		p.open.Add(-1)
		said.Disconnected(x)
		if x.Elements > 0 && x.Duration >= time.Minute {
			p.waits = nil
		}
	}
	trace.Answered = func(x outlookstream.TraceAnswered) {
		said.Answered(x)
		switch {
		case x.Status == 401:
			p.refusals++
		case x.Status > 0:
			p.refusals = 0
		}
	}
	trace.Waiting = func(x outlookstream.TraceWaiting) { said.Waiting(x); p.spaced(x.Delay) }
	if p.buffer > 0 {
		return trace
	}
	log := *trace
	trace.Connected = func(x outlookstream.TraceConnected) {
		log.Connected(x)
		p.heard, p.connected, p.owed = time.Now(), true, map[string]bool{}
		for _, r := range p.resources {
			p.owed[r] = true
		}
	}
	trace.Live = func(x outlookstream.TraceLive) { log.Live(x); p.hear() }
	trace.KeepAlive = func(outlookstream.TraceKeepAlive) { p.hear() }
	trace.Ignored = func(x outlookstream.TraceIgnored) { log.Ignored(x); p.hear() }
	trace.Disconnected = func(x outlookstream.TraceDisconnected) {
		log.Disconnected(x)
		least := 2*p.rest.keepAlive + 5*time.Second
		if silence := time.Since(p.heard); errors.Is(x.Err, outlookstream.ErrIdle) && silence < least {
			p.wrongf("the connection was given up after %v, the contract has %v", silence, least)
		}
		p.hear()
		p.connected = false
	}
	return trace
}

// first: every resource begins with a Resync.
func (p *restProgram) first(event outlookstream.Event) bool {
	return event.Kind == outlookstream.Resync &&
		(errors.Is(event.Reason, outlookstream.ErrStarted) || p.buffer > 0 && errors.Is(event.Reason, outlookstream.ErrOverflow))
}

// mayEnd says whether a watch may end with err: a refusal that no retry mends.
func (p *restProgram) mayEnd(err error) bool {
	if strings.Contains(err.Error(), "redirects to another host") {
		return true
	}
	failure, said := errors.AsType[*outlookstream.Error](err)
	if !said {
		return false // the network, silence, nonsense
	}
	switch failure.Status {
	case 301, 302, 303, 307, 308, 400, 403, 410:
		return true
	case 401:
		return p.rest.shared || p.refusals >= 2
	case 404:
		return failure.Op == "subscribe"
	}
	return false
}

// spaced expects that waits have grown. From the ninth on, each is a random part
// of a minute; the sum of ten is below a minute once in 10! times.
func (p *restProgram) spaced(delay time.Duration) {
	if delay > 0 { // at once is allowed here and there; see mostAnHour
		p.waits = append(p.waits, delay)
	}
	if n := len(p.waits); n >= 18 {
		var sum time.Duration
		for _, d := range p.waits[n-10:] {
			sum += d
		}
		if sum < time.Minute {
			p.wrongf("%d attempts in a row that came to nothing, and the last ten waits were %v in all", n, sum)
		}
	}
}

// left expects that what the watch had is gone when the loop is.
func (p *restProgram) left() {
	if n := p.open.Load(); n > 0 && !p.rest.shared {
		p.wrongf("the loop was left, and %d of its connections are open", n)
	}
}

// hear expects that silence was found out in time.
func (p *restProgram) hear() {
	limit := 2*p.rest.keepAlive + 5*time.Second + time.Second
	if silence := time.Since(p.heard); silence > limit {
		p.wrongf("the connection was silent for %v, and was not given up after %v", silence, limit)
	}
	p.heard = time.Now()
}
