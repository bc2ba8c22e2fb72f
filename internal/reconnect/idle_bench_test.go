package reconnect

import (
	"fmt"
	"io"
	"testing"
	"time"
)

// BenchmarkIdle is what one Read costs that does not wait, with and without
// somebody who watches over it, alone and among others.
func BenchmarkIdle(b *testing.B) {
	for _, others := range []int{1, 5000} {
		run := func(way string, r io.Reader) {
			b.Run(fmt.Sprintf("%s/others=%d", way, others), func(b *testing.B) {
				b.ReportAllocs()
				p := make([]byte, 64)
				for b.Loop() {
					_, _ = r.Read(p)
				}
			})
		}
		run("none", endless{})

		w := NewWatchdog(time.Hour, 2*time.Hour)
		for range others {
			defer w.Watch(endless{}, func(bool) {}).Stop()
		}
		ours := w.Watch(endless{}, func(bool) {})
		defer ours.Stop()
		run("watchdog", ours)

		for range others {
			defer time.AfterFunc(time.Hour, func() {}).Stop()
		}
		timed := timedReader{endless{}, time.AfterFunc(time.Hour, func() {})}
		defer timed.timer.Stop()
		run("timer", timed)
	}
}

// A timedReader is the usual way: a timer for each reader, set anew by each Read.
type timedReader struct {
	r     io.Reader
	timer *time.Timer
}

func (r timedReader) Read(p []byte) (int, error) {
	r.timer.Reset(time.Hour)
	n, err := r.r.Read(p)
	r.timer.Stop()
	return n, err
}
