package reconnect

import (
	"container/heap"
	"sync"
	"time"
)

// A Watchdog watches over the reads of many connections whose peers have
// promised to send something at least every so often, and to come to an end of
// what they have begun: a peer that sends a byte now and then keeps a
// connection busy, and says nothing.
//
// It has one timer for all of its readers, and none while there is no reader.
// A Read only notes when it began to wait and that it has ended. When the
// timer fires, those readers are looked at that could be due by now, and each
// is put off to the first moment at which it can be due next. So nobody is
// found late, and a Read takes no lock and touches no timer.
//
// A Watchdog is safe for concurrent use.
type Watchdog struct {
	silence time.Duration
	whole   time.Duration
	base    time.Time // the readers' times are distances from it

	mu      sync.Mutex
	timer   *time.Timer // nil: no readers
	readers lookOuts
}

// NewWatchdog returns a Watchdog whose readers are dead when one Read has
// waited for silence without a byte, or when what is awaited was not whole
// after that time.
func NewWatchdog(silence, whole time.Duration) *Watchdog {
	// A nanosecond back, so that no moment is the zero that means none.
	return &Watchdog{silence: silence, whole: whole, base: time.Now().Add(-1)}
}

// now is cheaper than time.Now: it reads one clock and not two.
func (w *Watchdog) now() time.Duration { return time.Since(w.base) }

func (w *Watchdog) add(r *IdleReader) {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	r.look = now + min(w.silence, w.whole)
	heap.Push(&w.readers, r)
	if r.index == 0 {
		w.wind(now)
	}
}

func (w *Watchdog) remove(r *IdleReader) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.index < 0 {
		return
	}
	heap.Remove(&w.readers, r.index)
	if len(w.readers) == 0 {
		w.wind(0) // else the timer may fire for nothing, once
	}
}

// wind sets the timer to the next reader worth looking at.
func (w *Watchdog) wind(now time.Duration) {
	switch {
	case len(w.readers) == 0:
		w.readers = nil
		if w.timer != nil {
			w.timer.Stop()
			w.timer = nil
		}
	case w.timer == nil:
		w.timer = time.AfterFunc(w.readers[0].look-now, w.look)
	default:
		w.timer.Reset(w.readers[0].look - now)
	}
}

// look is what the timer calls.
func (w *Watchdog) look() {
	for _, dead := range w.due() {
		dead.reader.dead(dead.overdue)
	}
}

type death struct {
	reader  *IdleReader
	overdue bool
}

// due takes out the readers that are dead.
func (w *Watchdog) due() (dead []death) {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.readers) > 0 && w.readers[0].look <= now {
		r := w.readers[0]
		deadline, overdue, waiting := r.deadline(now)
		if waiting && deadline <= now {
			heap.Pop(&w.readers)
			dead = append(dead, death{r, overdue})
			continue
		}
		r.look = deadline
		heap.Fix(&w.readers, 0)
	}
	w.wind(now)
	return dead
}

// lookOuts is a heap of readers, the next one to look at first.
type lookOuts []*IdleReader

func (l lookOuts) Len() int           { return len(l) }
func (l lookOuts) Less(i, j int) bool { return l[i].look < l[j].look }

func (l lookOuts) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].index, l[j].index = i, j
}

func (l *lookOuts) Push(x any) {
	r := x.(*IdleReader)
	r.index = len(*l)
	*l = append(*l, r)
}

func (l *lookOuts) Pop() any {
	last := len(*l) - 1
	r := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	r.index = -1
	return r
}
