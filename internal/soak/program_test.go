package soak

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A program watches, as its user would write it: it notes what it is told, and
// starts the watch again a while after it has ended with an error.
type program struct {
	programSpec
	world    *world
	number   int
	client   *outlookstream.Client
	busy     atomic.Int64 // how long its next event keeps it
	leaving  atomic.Bool  // at its next event
	ended    chan struct{}
	refusals int             // of tokens, in a row: with a Client of its own only
	waits    []time.Duration // between attempts, since a connection was good or the watch began
	open     atomic.Int32    // connections; known with a Client of its own only

	// Only the program's goroutine writes these; they are read when the world
	// is at rest.
	seen      []seen
	connected bool            // known with a Client of its own only
	owed      map[string]bool // resources that need a Resync first, since the connection is new
	heard     time.Time       // when the connection last showed a sign of life
}

// seen is one thing that the program was told.
type seen struct {
	outlookstream.Event
	at        time.Time
	ledgerSeq int64 // how far the ledger was
}

const pauseOfSupervisor = 30 * time.Second

func (p *program) run(ctx context.Context) {
	p.ended = make(chan struct{})
	go func() {
		defer close(p.ended)
		for ctx.Err() == nil {
			p.watch(ctx)
		}
	}()
}

// watch is one loop over a watch.
func (p *program) watch(ctx context.Context) {
	defer p.closed()
	p.waits, p.refusals = nil, 0
	var last error
	started := map[string]bool{}
	for event, err := range p.events(ctx) {
		if last != nil {
			p.wrongf("after the error %v came %v, %v", last, event, err)
		}
		if err != nil {
			last = err
			if event != (outlookstream.Event{}) {
				p.wrongf("an event came with an error: %v, %v", event, err)
			}
			continue // and so a pair after the error would be seen
		}
		p.note(event)
		if !started[event.Resource] && !(event.Kind == outlookstream.Resync && p.isFirst(event.Reason)) {
			p.wrongf("the first that a watch says of %s is %v (%v)", event.Resource, event, event.Reason)
		}
		started[event.Resource] = true
		if event.Kind == outlookstream.Resync && p.listing > 0 && !p.world.healed.Load() {
			pause(ctx, p.listing)
			p.heard = time.Now()
		}
		if d := time.Duration(p.busy.Swap(0)); d > 0 {
			pause(ctx, d)
			p.heard = time.Now() // nobody was listening
		}
		if p.leaving.Swap(false) {
			p.world.journal.note(fmt.Sprintf("program %d leaves", p.number))
			return
		}
	}
	switch {
	case last == nil:
		p.wrongf("the watch ended without an error")
	case ctx.Err() != nil && !errors.Is(last, errOver) && !p.mayEnd(last):
		p.wrongf("ctx ended because %v, the watch with %v", context.Cause(ctx), last)
	case ctx.Err() == nil:
		p.world.journal.error(last)
		p.world.journal.note(fmt.Sprintf("program %d was told: %v", p.number, last))
		p.world.told.Add(1)
		if !p.mayEnd(last) {
			p.wrongf("the watch gave up, which it need not: %v", last)
		}
		pause(ctx, pauseOfSupervisor)
	}
}

func (p *program) events(ctx context.Context) outlookstream.Events {
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

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (p *program) note(event outlookstream.Event) {
	p.seen = append(p.seen, seen{event, time.Now(), p.world.server.LedgerSeq()})
	p.world.journal.event(p.number, event)
	if p.world.shared || p.buffer > 0 {
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
func (p *program) trace() *outlookstream.Trace {
	trace := p.world.trace()
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
		least := 2*p.world.keepAlive + 5*time.Second
		if silence := time.Since(p.heard); errors.Is(x.Err, outlookstream.ErrIdle) && silence < least {
			p.wrongf("the connection was given up after %v, the contract has %v", silence, least)
		}
		p.hear()
		p.connected = false
	}
	return trace
}

// isFirst says whether a Resync may be the first of a resource.
func (p *program) isFirst(reason error) bool {
	return errors.Is(reason, outlookstream.ErrStarted) || p.buffer > 0 && errors.Is(reason, outlookstream.ErrOverflow)
}

// mayEnd says whether a watch may end with err: a refusal that no retry mends.
func (p *program) mayEnd(err error) bool {
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
		return p.world.shared || p.refusals >= 2
	case 404:
		return failure.Op == "subscribe"
	}
	return false
}

// spaced expects that waits have grown. From the ninth on, each is a random part
// of a minute; the sum of ten is below a minute once in 10! times.
func (p *program) spaced(delay time.Duration) {
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

// closed expects that what the watch had is gone when the loop is.
func (p *program) closed() {
	if n := p.open.Load(); n > 0 && !p.world.shared {
		p.wrongf("the loop was left, and %d of its connections are open", n)
	}
}

// hear expects that silence was found out in time.
func (p *program) hear() {
	limit := 2*p.world.keepAlive + 5*time.Second + time.Second
	if silence := time.Since(p.heard); silence > limit {
		p.wrongf("the connection was silent for %v, and was not given up after %v", silence, limit)
	}
	p.heard = time.Now()
}

func (p *program) wrongf(format string, args ...any) {
	p.world.wrongf("program %d: "+format, append([]any{p.number}, args...)...)
}
