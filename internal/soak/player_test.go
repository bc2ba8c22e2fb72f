package soak

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A player is a program, as its user would write it, whatever it watches: it
// notes what it is told, and starts the watch again a while after it has ended
// with an error.
type player struct {
	script  script
	world   *world
	number  int
	busy    atomic.Int64 // how long its next event keeps it
	leaving atomic.Bool  // at its next event
	ended   chan struct{}

	// Only the program's goroutine writes it; it is read when the world is at rest.
	seen []seen
}

// A script is what differs from one source to the other. Its methods are called
// on the program's goroutine.
type script interface {
	events(ctx context.Context) outlookstream.Events
	// begin and left are before and after each loop.
	begin()
	left()
	// note looks at an event that has come.
	note(event outlookstream.Event)
	// first says whether an event may be the first of a resource.
	first(event outlookstream.Event) bool
	// enough says whether an event makes the program leave its loop.
	enough(event outlookstream.Event) bool
	// rested is called when the loop's body has taken time.
	rested()
	// mayEnd says whether a watch may end with err.
	mayEnd(err error) bool
	paced() pace
}

// A pace is how a program takes its events.
type pace struct {
	buffer  int           // Buffer(n), if not 0
	listing time.Duration // what a Resync costs the loop
}

func (p pace) String() string {
	return fmt.Sprintf("Buffer(%d), listing takes %v", p.buffer, p.listing)
}

func (p pace) paced() pace { return p }

// seen is one thing that the program was told.
type seen struct {
	outlookstream.Event
	at        time.Time
	ledgerSeq int64 // how far the ledger was
}

const pauseOfSupervisor = 30 * time.Second

func (p *player) core() *player { return p }

func (p *player) run(ctx context.Context) {
	p.ended = make(chan struct{})
	go func() {
		defer close(p.ended)
		for ctx.Err() == nil {
			p.watch(ctx)
		}
	}()
}

// watch is one loop over a watch.
func (p *player) watch(ctx context.Context) {
	defer p.script.left()
	p.script.begin()
	var last error
	started := map[string]bool{}
	for event, err := range p.script.events(ctx) {
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
		p.seen = append(p.seen, seen{event, time.Now(), p.world.server.LedgerSeq()})
		p.world.journal.event(p.number, event)
		p.script.note(event)
		if !started[event.Resource] && !p.script.first(event) {
			p.wrongf("the first that a watch says of %s is %v (%v)", event.Resource, event, event.Reason)
		}
		started[event.Resource] = true
		p.spend(ctx, event)
		if p.leaving.Swap(false) || p.script.enough(event) {
			p.world.journal.note(fmt.Sprintf("program %d leaves", p.number))
			if event.Kind == outlookstream.Ended {
				pause(ctx, pauseOfSupervisor)
			}
			return
		}
	}
	switch {
	case last == nil:
		p.wrongf("the watch ended without an error")
	case ctx.Err() != nil && !errors.Is(last, errOver) && !p.script.mayEnd(last):
		p.wrongf("ctx ended because %v, the watch with %v", context.Cause(ctx), last)
	case ctx.Err() == nil:
		p.world.journal.error(last)
		p.world.journal.note(fmt.Sprintf("program %d was told: %v", p.number, last))
		p.world.told.Add(1)
		if !p.script.mayEnd(last) {
			p.wrongf("the watch gave up, which it need not: %v", last)
		}
		pause(ctx, pauseOfSupervisor)
	}
}

// spend is the loop's body.
func (p *player) spend(ctx context.Context, event outlookstream.Event) {
	if d := p.script.paced().listing; event.Kind == outlookstream.Resync && d > 0 && !p.world.healed.Load() {
		pause(ctx, d)
		p.script.rested()
	}
	if d := time.Duration(p.busy.Swap(0)); d > 0 {
		pause(ctx, d)
		p.script.rested() // nobody was listening
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (p *player) wrongf(format string, args ...any) {
	p.world.wrongf("program %d: "+format, append([]any{p.number}, args...)...)
}
