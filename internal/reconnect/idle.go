package reconnect

import (
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// An IdleReader is one connection that a [Watchdog] watches over.
//
// Its deadlines run only while a Read is waiting: a program that is slow to
// come back for the next byte must not look like a dead server. Read and Begin
// are for one goroutine; Stop is for any.
type IdleReader struct {
	r    io.Reader
	w    *Watchdog
	dead func(overdue bool)

	waits atomic.Int64 // since when a Read waits; 0: none does
	until atomic.Int64 // when what is awaited has to be whole; 0: the next Read says

	look  time.Duration // when it can be due; guarded by Watchdog.mu
	index int           // in Watchdog.readers; guarded by Watchdog.mu; -1: not in it
}

var errOverdue = errors.New("reconnect: what is read does not come to an end")

// Watch returns a reader that calls dead, on a goroutine of the Watchdog or on
// that of Read, once or more, when a Read has waited for too long, or, with
// overdue, when what Begin began was not whole in time. dead has to make the
// pending Read return, for example by cancelling the request, and to do so at
// once: others wait for their turn. The reader has to be stopped.
func (w *Watchdog) Watch(r io.Reader, dead func(overdue bool)) *IdleReader {
	reader := &IdleReader{r: r, w: w, dead: dead}
	w.add(reader)
	return reader
}

// Stop ends the watching. Calls after the first do nothing.
func (r *IdleReader) Stop() { r.w.remove(r) }

// Begin says that something new is awaited. Its time runs from the next Read
// on, so that what is at hand already costs nothing.
func (r *IdleReader) Begin() { r.until.Store(0) }

// Read implements io.Reader.
func (r *IdleReader) Read(p []byte) (int, error) {
	now := int64(r.w.now())
	if until := r.until.Load(); until == 0 {
		r.until.Store(now + int64(r.w.whole))
	} else if until <= now {
		// Where no Read ever waits, the timer finds nobody waiting.
		r.dead(true)
		return 0, errOverdue
	}
	r.waits.Store(now)
	n, err := r.r.Read(p)
	r.waits.Store(0)
	return n, err
}

// deadline returns when the Read that is waiting is too late, or, if none is,
// before when none can be.
func (r *IdleReader) deadline(now time.Duration) (at time.Duration, overdue, waiting bool) {
	since := time.Duration(r.waits.Load())
	until := time.Duration(r.until.Load()) // afterwards: that of this Read, or of a later one
	if since != 0 {
		at = since + r.w.silence
		if until != 0 && until < at {
			return until, true, true
		}
		return at, false, true
	}
	at = now + min(r.w.silence, r.w.whole)
	if until > now {
		at = min(at, until)
	}
	return at, false, false
}
