package soak

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// A streamSeen is a stream that a program has open.
type streamSeen struct {
	number int       // how many had been opened with it
	ended  bool      // its last events may still be on their way
	heard  time.Time // when it last showed a sign of life
	maybe  time.Time // when it may have shown one that no trace tells, or nobody was listening
	id     string
}

// exchangeTrace is that of the journal.
func (j *journal) exchangeTrace() *ews.Trace {
	return &ews.Trace{
		Answered: func(x ews.TraceAnswered) {
			j.say(x)
			j.error(x.Err)
			if x.Err != nil {
				j.note(fmt.Sprintf("%s of %q: %v", x.Op, x.Mailbox, x.Err))
			}
		},
		Connected: func(x ews.TraceConnected) {
			j.say(x)
			j.note(fmt.Sprintf("connected, with %d subscriptions", len(x.Subscriptions)))
		},
		Live:      func(x ews.TraceLive) { j.say(x) },
		Heartbeat: func(x ews.TraceHeartbeat) { j.say(x) },
		Pulling:   func(x ews.TracePulling) { j.say(x); j.error(x.Err); j.note("pulling") },
		Disconnected: func(x ews.TraceDisconnected) {
			j.say(x)
			j.error(x.Err)
			j.note(fmt.Sprintf("disconnected after %d envelopes in %v: %v", x.Envelopes, x.Duration, x.Err))
		},
		Waiting: func(x ews.TraceWaiting) {
			j.say(x)
			j.error(x.Err)
			j.note(fmt.Sprintf("waiting for %v: %v", x.Delay, x.Err))
		},
	}
}

// trace takes note of streams and attempts. It is called on the goroutines of
// the groups.
func (p *exchangeProgram) trace() *ews.Trace {
	said := p.world.journal.exchangeTrace()
	trace := *said
	trace.Answered = func(x ews.TraceAnswered) {
		said.Answered(x)
		if x.Status == 401 {
			p.mu.Lock()
			p.refusals++
			p.refused[x.ClientRequestID] = true
			p.mu.Unlock()
		}
		p.noteUnheard(x.Err)
		// Each attempt ends with a request to listen or something that failed.
		if x.Op == "GetStreamingEvents" || x.Err != nil && x.Op != "Unsubscribe" {
			p.world.attempted(&p.attempts, 1+len(p.addresses()))
		}
	}
	trace.Connected = func(x ews.TraceConnected) {
		said.Connected(x)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.opened++
		st := &streamSeen{number: p.opened, heard: time.Now(), id: x.RequestID}
		for _, id := range x.Subscriptions {
			p.streams[id] = st
		}
	}
	trace.Live = func(x ews.TraceLive) { said.Live(x); p.hear(x.RequestID) }
	trace.Heartbeat = func(x ews.TraceHeartbeat) { said.Heartbeat(x); p.hear(x.RequestID) }
	trace.Pulling = func(x ews.TracePulling) {
		said.Pulling(x)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.pulled = true
	}
	trace.Disconnected = func(x ews.TraceDisconnected) {
		said.Disconnected(x)
		p.noteUnheard(x.Err)
		p.disconnected(x)
	}
	trace.Waiting = func(x ews.TraceWaiting) {
		said.Waiting(x)
		if failure, answered := errors.AsType[*ews.Error](x.Err); answered && x.Delay < failure.BackOff {
			p.wrongf("it waits for %v, and the service asked for %v", x.Delay, failure.BackOff)
		}
	}
	return &trace
}

// noteUnheard notes that something broke off: whatever the service was saying.
func (p *exchangeProgram) noteUnheard(err error) {
	if _, said := errors.AsType[*ews.Error](err); said || err == nil || err == io.EOF {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unheard = append(p.unheard, time.Now())
}

// disconnected expects that silence was found out in time, and nothing taken for it.
func (p *exchangeProgram) disconnected(x ews.TraceDisconnected) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ended *streamSeen
	for _, st := range p.streams {
		if st.id == x.RequestID {
			ended = st
		}
	}
	if ended == nil {
		return // who took its subscriptions over is told of, or has ended, too
	}
	if silence := time.Since(ended.heard); errors.Is(x.Err, outlookstream.ErrIdle) && silence < silentFor {
		p.wrongf("the connection was given up after %v, the contract has %v", silence, silentFor)
	}
	p.hearOn(ended)
	ended.ended = true
	if x.Err == io.EOF && x.Duration < p.world.source.(*exchange).connection && !p.world.endsEarly() {
		p.wrongf("an end after %v was taken for a clean one", x.Duration)
	}
}

// endsEarly says whether the service may close a stream before its time.
func (w *world) endsEarly() bool {
	return slices.ContainsFunc(w.steps, func(x step) bool {
		return slices.Contains([]string{"earlyEnd", "noFinalChunk", "inStreamError"}, x.fault.Do)
	})
}

// hear notes a sign of life of a stream.
func (p *exchangeProgram) hear(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, st := range p.streams {
		if st.id == id {
			p.hearOn(st)
		}
	}
}

// hearOn expects that silence was found out in time. p.mu is held.
func (p *exchangeProgram) hearOn(st *streamSeen) {
	const limit = silentFor + time.Second
	since := st.heard
	if st.maybe.After(since) {
		since = st.maybe
	}
	if silence := time.Since(since); silence > limit && p.buffer == 0 {
		p.wrongf("a connection was silent for %v, and was not given up after %v", silence, limit)
	}
	st.heard = time.Now()
}

// rested: while the loop's body runs nobody listens.
func (p *exchangeProgram) rested() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busyTill = time.Now()
	p.maybeHeard()
}

func (p *exchangeProgram) maybeHeard() {
	for _, st := range p.streams {
		st.maybe = time.Now()
	}
}

// note expects a Resync before all else that a stream brings of a mailbox.
func (p *exchangeProgram) note(event outlookstream.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if event.Kind == outlookstream.Resync {
		p.resynced[event.Resource] = p.opened
		p.maybeHeard() // it may be because of an envelope that no trace tells of
	}
	if p.buffer > 0 {
		return
	}
	// The watch needs a second to hear of a removal, and more while the body runs.
	since := p.removed[p.address(event)]
	if p.busyTill.After(since) {
		since = p.busyTill
	}
	if !p.wanted[p.address(event)] && time.Since(since) > 2*time.Second {
		p.wrongf("%v, which was removed from the Set %v ago", event, time.Since(since))
	}
	native, ok := event.Native.(*ews.Event)
	if !ok {
		return
	}
	st := p.streams[native.SubscriptionID]
	if st == nil {
		if !p.pulled {
			p.wrongf("%v came, and there was no stream of its subscription", event)
		}
		return
	}
	if !st.ended {
		p.hearOn(st)
	}
	if p.resynced[event.Resource] < st.number {
		p.wrongf("%v came over a new connection before a Resync", event)
	}
}
