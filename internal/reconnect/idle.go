package reconnect

import (
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// An IdleReader watches over the reads of a connection whose peer has promised
// to send something at least every so often, and to come to an end of what it
// has begun: a peer that sends a byte now and then keeps a connection busy, and
// says nothing.
//
// The deadlines are armed only while a Read is waiting: a program that is slow
// to come back for the next byte must not look like a dead server.
// It is not safe for concurrent use.
type IdleReader struct {
	r       io.Reader
	silence time.Duration
	whole   time.Duration
	dead    func(overdue bool)

	timer   *time.Timer
	until   time.Time   // when what is awaited has to be whole; zero: the next Read says
	overdue atomic.Bool // what the timer, if it fires, has to say
}

var errOverdue = errors.New("reconnect: what is read does not come to an end")

// NewIdleReader returns a reader that calls dead, on a goroutine of its own or
// on that of Read, once or more, when one Read has waited for silence without a
// byte, or, with overdue, when what Begin began was not whole after that time.
// dead has to make the pending Read return, for example by cancelling the request.
func NewIdleReader(r io.Reader, silence, whole time.Duration, dead func(overdue bool)) *IdleReader {
	return &IdleReader{r: r, silence: silence, whole: whole, dead: dead}
}

// Begin says that something new is awaited. Its time runs from the next Read
// on, so that what is at hand already costs nothing.
func (r *IdleReader) Begin() { r.until = time.Time{} }

// Read implements io.Reader.
func (r *IdleReader) Read(p []byte) (int, error) {
	left := r.whole
	if now := time.Now(); r.until.IsZero() {
		r.until = now.Add(r.whole)
	} else {
		left = r.until.Sub(now)
	}
	if left <= 0 {
		// Where no Read ever waits, no timer gets its turn.
		r.dead(true)
		return 0, errOverdue
	}
	r.overdue.Store(left < r.silence)
	wait := min(r.silence, left)
	if r.timer == nil {
		r.timer = time.AfterFunc(wait, func() { r.dead(r.overdue.Load()) })
	} else {
		r.timer.Reset(wait)
	}
	defer r.timer.Stop()
	return r.r.Read(p)
}
