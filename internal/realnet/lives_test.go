//go:build realnet && linux

package realnet

import (
	"cmp"
	"fmt"
	"time"
)

// livesOn is the course of what a stream ought to survive as it is.
func (f *fault) livesOn(w *world) row {
	w.settle()
	stop := w.keepChanging(cmp.Or(f.pace, 500*time.Millisecond))
	struck := time.Now()
	if f.begin != nil {
		f.begin(w)
	}
	w.lets(f.lasts)
	if f.end != nil {
		f.end(w)
	}
	stop()
	w.delivered()
	after := since(w.client.all(), struck)
	ends := 0
	for _, r := range after {
		if r.What == whatDisconnected {
			ends++
			w.t.Logf("the stream ended: %s", r.Err)
		}
	}
	if ends > f.mayEnd {
		w.t.Errorf("the stream ended %d times", ends)
	}
	note := "the stream lived on | – | –"
	if ends > 0 {
		note = fmt.Sprintf("the stream ended %d × | – | –", ends)
	}
	return row{note: note, saw: reasons(after), verdict: w.account()}
}
