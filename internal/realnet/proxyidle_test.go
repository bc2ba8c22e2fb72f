//go:build realnet && linux

package realnet

import (
	"fmt"
	"slices"
	"time"
)

const cutsIdle = "proxy_buffering off; proxy_read_timeout 10s;"

var proxyIdleFaults = []fault{
	{
		name:  "nginx cuts what is idle for 10 s, keep-alive 20 s, for 60 s",
		proxy: cutsIdle, keepAlive: 20 * time.Second, lasts: 60 * time.Second,
		own: (*fault).cutAgainAndAgain,
	},
	{
		name:  "the same proxy, keep-alive 5 s",
		proxy: cutsIdle, pace: 15 * time.Second, lasts: 40 * time.Second,
		own: (*fault).livesOn,
	},
}

// cutAgainAndAgain is the course of streams that never last: changes are made
// just after each cut, when nobody listens.
func (f *fault) cutAgainAndAgain(w *world) row {
	w.settle()
	begin := time.Now()
	cuts := 0
	for from := begin; time.Since(begin) < f.lasts; cuts++ {
		cut := w.client.await(w.t, patience, "a cut", func(r record) bool { return r.What == whatDisconnected && r.At.After(from) })
		w.change()
		if cut.Idle {
			w.t.Errorf("the cut was noticed late, as silence, though it was there to be seen")
		}
		live := w.client.await(w.t, patience, "a new stream", func(r record) bool { return r.What == whatLive && r.At.After(cut.At) })
		from = live.At
	}
	w.delivered()
	saw := since(w.client.all(), begin)
	connected, resyncs := 0, 0
	for _, r := range saw {
		switch {
		case r.What == whatConnected:
			connected++
		case r.What == whatEvent && r.Reason == "ErrReconnected":
			resyncs++
		}
	}
	if connected != cuts || resyncs != cuts*len(w.watched()) {
		w.t.Errorf("%d cuts, %d connections, %d times Resync(ErrReconnected)", cuts, connected, resyncs)
	}
	f.checkSpacing(w)
	all := reasons(saw)
	slices.Sort(all) // the ErrSequence of a number that was lost comes or comes not
	return row{note: fmt.Sprintf("%d cuts, each at once | spaced by the back-off | – ", cuts), saw: all, verdict: w.account()}
}

// checkSpacing: no wait is longer than its ceiling, and an attempt comes after
// each wait, never before its end.
func (f *fault) checkSpacing(w *world) {
	w.t.Helper()
	ceiling := 500 * time.Millisecond
	var earliest time.Time
	for _, r := range w.client.all() {
		switch {
		case r.What == whatAnswered && r.At.Add(-r.Took).Before(earliest.Add(-time.Millisecond)):
			w.t.Errorf("an attempt %v before its time", earliest.Sub(r.At.Add(-r.Took)))
		case r.What == whatWaiting && r.Delay > 0:
			if r.Delay > ceiling+time.Millisecond {
				w.t.Errorf("a wait of %v, where %v is the most", r.Delay, ceiling)
			}
			earliest, ceiling = r.At.Add(r.Delay), min(2*ceiling, time.Minute)
		}
	}
}
