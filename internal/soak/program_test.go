package soak

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A program watches, as its user would write it: it notes what it is told, and
// starts the watch again a while after it has ended with an error.
type program struct {
	programSpec
	world   *world
	number  int
	client  *outlookstream.Client
	busy    atomic.Int64 // how long its next event keeps it
	leaving atomic.Bool  // at its next event
	ended   chan struct{}

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
	var last error
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
	case ctx.Err() != nil && !errors.Is(last, context.Canceled):
		p.world.journal.error(last) // it may have been ending already
	case ctx.Err() == nil:
		p.world.journal.error(last)
		p.world.journal.note(fmt.Sprintf("program %d was told: %v", p.number, last))
		p.world.told.Add(1)
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
		p.hear()
		p.connected = false
	}
	return trace
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
