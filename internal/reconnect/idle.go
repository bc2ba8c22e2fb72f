package reconnect

import (
	"io"
	"time"
)

// An IdleReader watches over the reads of a connection whose peer has promised
// to send something at least every so often.
//
// The deadline is armed only while a Read is waiting: a program that is slow
// to come back for the next byte must not look like a dead server.
// It is not safe for concurrent use.
type IdleReader struct {
	r     io.Reader
	limit time.Duration
	idle  func()
	timer *time.Timer
}

// NewIdleReader returns a reader that calls idle, on a goroutine of its own,
// when one Read has waited for limit without a byte. idle has to make the
// pending Read return, for example by cancelling the request.
func NewIdleReader(r io.Reader, limit time.Duration, idle func()) *IdleReader {
	return &IdleReader{r: r, limit: limit, idle: idle}
}

// Read implements io.Reader.
func (r *IdleReader) Read(p []byte) (int, error) {
	if r.timer == nil {
		r.timer = time.AfterFunc(r.limit, r.idle)
	} else {
		r.timer.Reset(r.limit)
	}
	defer r.timer.Stop()
	return r.r.Read(p)
}
