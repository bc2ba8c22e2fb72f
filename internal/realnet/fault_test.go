//go:build realnet && linux

package realnet

import (
	"cmp"
	"slices"
	"time"
)

// A fault is a row of the table, for each protocol.
type fault struct {
	name      string
	relay     bool     // TCP goes through a relay that can half-close
	proxy     string   // directives of nginx in front; "": none
	withhold  string   // what a proxy of ours holds back; "": none
	protocols []string // nil: all
	ntlm      bool     // of ews: connections are authenticated, not requests

	keepAlive time.Duration // 0: the default
	pace      time.Duration // between two changes; 0: half a second

	begin   func(*world)
	lasts   time.Duration
	end     func(*world)  // nil: what it has struck stays broken, and everything new works at once
	loudFor time.Duration // how long it takes until the client can see it
	silent  bool          // no bit tells the client
	reason  string        // of the Resync

	says   string // by heldBack: what the error has to say
	mayEnd int    // by livesOn and pulled: how many streams may have lived and ended

	// own, if set, stands in place of the ordinary course.
	own func(*fault, *world) row
}

const (
	// tolerance is for a busy machine.
	tolerance = time.Second
	// connecting is for TCP, TLS and a request on a busy machine.
	connecting = 2 * time.Second
	// dialing is how long the library's transport tries to connect, and as
	// long again it waits for TLS.
	dialing = 15 * time.Second
	// answering is how long the library waits for the header of an answer.
	answering = 30 * time.Second
)

func (f *fault) keepAliveOrDefault() time.Duration { return cmp.Or(f.keepAlive, defaultKeepAlive) }

// idleLimit is the contract: two keep-alives and five seconds.
func (f *fault) idleLimit() time.Duration { return 2*f.keepAliveOrDefault() + 5*time.Second }

// course is how a fault goes: it strikes a stream that is well, while changes
// are made; it passes; and in the end there is an account of every change.
func (f *fault) course(w *world) row {
	if f.own != nil {
		return f.own(f, w)
	}
	w.settle()
	stop := w.keepChanging(cmp.Or(f.pace, 500*time.Millisecond))
	w.lets(time.Second)
	struck := time.Now()
	f.begin(w)
	inForce := struck // a loud fault may be noticed before begin has returned
	if f.silent {
		inForce = time.Now()
	}
	back := inForce
	if f.end != nil {
		w.lets(f.lasts)
		f.end(w)
		back = time.Now()
	}
	lost := w.client.await(w.t, f.idleLimit()+patience, "the detection", func(r record) bool {
		return r.What == whatDisconnected && r.At.After(struck)
	})
	live := w.client.await(w.t, time.Minute+patience, "a new stream", func(r record) bool {
		return r.What == whatLive && r.At.After(lost.At)
	})
	w.lets(time.Second)
	stop()
	w.delivered()

	f.checkDetection(w, inForce, lost)
	if back.Before(lost.At) {
		back = lost.At
	}
	r := f.checkReturn(w, lost.At, back, live.At)
	r.detected, r.saw, r.verdict = lost.At.Sub(inForce), f.checkSaw(w, struck), w.account()
	return r
}

// settle waits until the stream is live and has brought something.
func (w *world) settle() {
	w.t.Helper()
	for _, resource := range w.watched() {
		w.client.await(w.t, patience, "the first Resync of "+resource, func(r record) bool {
			return r.What == whatEvent && r.Reason == "ErrStarted" && r.Resource == resource
		})
	}
	w.delivered()
	protocol := "HTTP/1.1"
	if isHTTP2(w.protocol) {
		protocol = "HTTP/2.0"
	}
	if r, _ := first(w.client.all(), whatConnected); r.Protocol != protocol {
		w.t.Errorf("the client speaks %q, want %q", r.Protocol, protocol)
	}
}

// checkDetection: a loud fault is noticed at once, a silent one within the
// contract, and for what it is.
func (f *fault) checkDetection(w *world, inForce time.Time, lost record) {
	w.t.Helper()
	after := lost.At.Sub(inForce)
	switch {
	case f.silent && after > f.idleLimit()+tolerance:
		w.t.Errorf("detected after %v, the contract says %v", after, f.idleLimit())
	case f.silent && !lost.Idle:
		w.t.Errorf("a silent connection ended with %q", lost.Err)
	case !f.silent && after > f.loudFor+tolerance:
		w.t.Errorf("detected after %v, though the client could see it at once", after)
	}
}

// checkReturn: the attempts are spaced as the contract says, and one of them
// succeeds as soon as one can. It returns the part of the row that is about it.
func (f *fault) checkReturn(w *world, lost, back, live time.Time) row {
	w.t.Helper()
	all := w.client.all()
	if early := back.Add(-tolerance); live.Before(early) && lost.Before(early) {
		w.t.Errorf("it called itself live %v before the path was back", back.Sub(live))
	}
	ceiling := 500 * time.Millisecond // of the wait, in force
	var last record
	var step time.Duration
	heard := false // of the loss
	failed := 0    // attempts that ended after the path was back
	for _, r := range all {
		if r.What != whatWaiting || r.Delay == 0 || r.At.After(live) { // none: a refused token, a forgotten subscription
			continue
		}
		if r.Delay > ceiling+time.Millisecond {
			w.t.Errorf("a wait of %v, where %v is the most", r.Delay, ceiling)
		}
		last, step = r, ceiling
		ceiling = min(2*ceiling, time.Minute)
		switch {
		case !heard && !r.At.Before(lost):
			heard = true
		case r.At.After(back):
			failed++
		}
	}
	attempt := last.At.Add(last.Delay) // when the one began that succeeded
	underWay := time.Duration(0)
	switch { // what was under way when the path came back
	case !attempt.Before(back) && failed == 0:
	case f.says != "":
		underWay = answering
	default:
		underWay = dialing
	}
	if failed > 1 || failed > 0 && !lost.Before(back) {
		w.t.Errorf("%d attempts failed though the path was back", failed)
	}
	if !attempt.Before(back) && live.Sub(attempt) > connecting {
		w.t.Errorf("an attempt took %v, and nothing was in the way", live.Sub(attempt))
	}
	if took := live.Sub(back); took > underWay+step+connecting {
		w.t.Errorf("live %v after the path was back; the back-off step was %v, and %v for what was under way", took, step, underWay)
	}
	return row{live: max(0, live.Sub(back)), step: step, underWay: underWay > 0}
}

// checkSaw: the caller was told, and of the right thing, whatever it watches.
func (f *fault) checkSaw(w *world, struck time.Time) []string {
	w.t.Helper()
	all := since(w.client.all(), struck)
	for _, resource := range w.watched() {
		if saw := reasonsOf(all, resource); !slices.Contains(saw, f.reason) {
			w.t.Errorf("the caller saw %q of %s, want %s", saw, resource, f.reason)
		}
	}
	return reasons(all)
}

// account judges, when all has come that will.
func (w *world) account() verdict {
	w.t.Helper()
	v := w.book.judge(w.client.all())
	if len(v.lost) > 0 {
		w.t.Errorf("LOST SILENTLY: %q", v.lost)
	}
	if len(v.invented) > 0 {
		w.t.Errorf("delivered, and never made: %q", v.invented)
	}
	if len(v.disordered) > 0 {
		w.t.Errorf("not in order: %q", v.disordered)
	}
	return v
}
