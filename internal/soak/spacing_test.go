package soak

import (
	"errors"
	"fmt"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// mostAnHour bounds the attempts of one program in any hour. A service that
// wants as many as possible is good for a minute, which starts the back-off over,
// refuses the token, forgets the subscriptions, and then fails six times (0.25 s,
// 0.5 s ... 8 s on average): 9 attempts in 76 s are 430 an hour. A loop without
// back-off makes thousands.
const mostAnHour = 450

// spacing counts attempts as they are made, so that a tight loop ends a run.
type spacing struct{ attempts []time.Time } // of the last hour

// add notes an attempt and returns how many there were in the last hour.
func (s *spacing) add() int {
	now := time.Now()
	s.attempts = append(s.attempts, now)
	for now.Sub(s.attempts[0]) > time.Hour {
		s.attempts = s.attempts[1:]
	}
	return len(s.attempts)
}

func (j *journal) trace() *outlookstream.Trace {
	return &outlookstream.Trace{
		Answered:  func(x outlookstream.TraceAnswered) { j.say(x); j.error(x.Err) },
		Connected: func(x outlookstream.TraceConnected) { j.say(x); j.note("connected") },
		Live:      func(x outlookstream.TraceLive) { j.say(x) },
		Ignored:   func(x outlookstream.TraceIgnored) { j.say(x) },
		Disconnected: func(x outlookstream.TraceDisconnected) {
			j.say(x)
			j.error(x.Err)
			j.note(fmt.Sprintf("disconnected after %d elements in %v: %v", x.Elements, x.Duration, x.Err))
		},
		Waiting: func(x outlookstream.TraceWaiting) {
			j.say(x)
			j.error(x.Err)
			j.note(fmt.Sprintf("waiting for %v: %v", x.Delay, x.Err))
		},
	}
}

// trace is that of the journal, and counts.
func (s *rest) trace(w *world) *outlookstream.Trace {
	trace := w.journal.trace()
	log := trace.Answered
	trace.Answered = func(x outlookstream.TraceAnswered) {
		log(x)
		// Each attempt ends with a request to listen or a failed one to subscribe.
		if x.Op == "listen" || x.Err != nil {
			w.attempted(&s.spacing, len(s.programs))
		}
	}
	waiting := trace.Waiting
	trace.Waiting = func(x outlookstream.TraceWaiting) {
		waiting(x)
		if failure, said := errors.AsType[*outlookstream.Error](x.Err); said && x.Delay < failure.RetryAfter {
			w.wrongf("it waits for %v, and the service asked for %v", x.Delay, failure.RetryAfter)
		}
	}
	return trace
}

// attempted notes an attempt of somebody who may make those of so many.
func (w *world) attempted(s *spacing, many int) {
	w.mu.Lock()
	each := s.add() / many
	w.result.attempts++
	w.result.most = max(w.result.most, each)
	w.mu.Unlock()
	if each == mostAnHour+1 {
		w.wrongf("more than %d attempts in an hour for each program", mostAnHour)
	}
}
