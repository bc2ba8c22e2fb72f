//go:build realnet && linux

package realnet

import (
	"fmt"
	"syscall"
	"time"
)

var suspendedFaults = []fault{
	{
		name:  "client process stopped (SIGSTOP) for 40 s, as in a laptop that sleeps",
		lasts: 40 * time.Second,
		own:   (*fault).asleep,
	},
	{
		name:  "client process stopped (SIGSTOP) for 40 s, and its network with it",
		lasts: 40 * time.Second,
		begin: dropAll, end: passAll,
		own: (*fault).asleep,
	},
}

// asleep is the course of a client that is stopped, and finds the world
// changed.
func (f *fault) asleep(w *world) row {
	w.settle()
	stop := w.keepChanging(500 * time.Millisecond)
	w.lets(time.Second)
	w.client.signal(syscall.SIGSTOP)
	if f.begin != nil {
		f.begin(w)
	}
	w.lets(f.lasts)
	if f.end != nil {
		f.end(w)
	}
	back := time.Now()
	w.client.signal(syscall.SIGCONT)
	w.lets(time.Second)
	stop()
	w.delivered()

	after := since(w.client.all(), back)
	lost, ended := first(after, whatDisconnected)
	r := row{note: "the stream lived on | – | –", saw: reasons(after), verdict: w.account()}
	if !ended {
		return r
	}
	live, _ := first(since(after, lost.At), whatLive)
	again := f.checkReturn(w, lost.At, lost.At, live.At)
	r.note = fmt.Sprintf("%s after waking | %s | %s", seconds(lost.At.Sub(back)), seconds(again.live), seconds(again.step))
	if took := lost.At.Sub(back); took > f.idleLimit()+tolerance {
		w.t.Errorf("detected %v after waking", took)
	}
	w.t.Logf("after waking: %s", lost.Err)
	return r
}
