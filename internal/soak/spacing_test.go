package soak

import (
	"errors"
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
type spacing struct{ attempts []time.Time } // of the last hour; guarded by world.mu

// trace is that of the journal, and counts.
func (w *world) trace() *outlookstream.Trace {
	trace := w.journal.trace()
	log := trace.Answered
	trace.Answered = func(x outlookstream.TraceAnswered) {
		log(x)
		// Each attempt ends with a request to listen or a failed one to subscribe.
		if x.Op == "listen" || x.Err != nil {
			w.attempted()
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

func (w *world) attempted() {
	w.mu.Lock()
	now := time.Now()
	w.attempts = append(w.attempts, now)
	for now.Sub(w.attempts[0]) > time.Hour {
		w.attempts = w.attempts[1:]
	}
	each := len(w.attempts) / len(w.schedule.programs)
	w.result.attempts++
	w.result.most = max(w.result.most, each)
	w.mu.Unlock()
	if each == mostAnHour+1 {
		w.wrongf("more than %d attempts in an hour for each program", mostAnHour)
	}
}
