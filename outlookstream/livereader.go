package outlookstream

import (
	"io"
	"time"
)

// A liveReader calls live once, when the first byte has come, and tells when
// the last one came: to the first who asks after it has.
type liveReader struct {
	r     io.Reader
	live  func()
	fresh bool // something has come since at
	at    time.Time
}

func (r *liveReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if n > 0 {
		r.fresh = true
		if r.live != nil {
			r.live()
			r.live = nil
		}
	}
	return n, err
}

// received returns the time of the last Read. (Elements that came with one
// Read have one time, however long the caller took over the first of them.)
func (r *liveReader) received() time.Time {
	if r.fresh {
		r.fresh, r.at = false, time.Now()
	}
	return r.at
}
