package load

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A stamp is the time at which an element was written, inside of it: the item's
// Subject is made with none, and gets it on its way out. Both processes have
// the same clock.
const stampDigits = 19

var (
	stampMark  = []byte("stamp:")
	emptyStamp = fmt.Sprintf("%s%0*d", stampMark, stampDigits, 0)
)

// stampAt is where the digits in p begin; -1 if they are not all there.
func stampAt(p []byte) int {
	at := bytes.Index(p, stampMark)
	if at < 0 || len(p) < at+len(stampMark)+stampDigits {
		return -1
	}
	return at + len(stampMark)
}

// age is how long ago the stamp in p was made.
func age(p []byte) (time.Duration, bool) {
	at := stampAt(p)
	if at < 0 {
		return 0, false
	}
	nanos, err := strconv.ParseInt(string(p[at:at+stampDigits]), 10, 64)
	if err != nil || nanos == 0 {
		return 0, false
	}
	return time.Since(time.Unix(0, nanos)), true
}

// An outlet is a response that stamps what is written, and can be stalled.
type outlet struct {
	http.ResponseWriter
	mu      sync.Mutex
	stalled chan struct{} // not nil: writing waits for it to be closed
}

// Unwrap lets http.ResponseController reach the connection.
func (o *outlet) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func (o *outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	stalled := o.stalled
	o.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
	if at := stampAt(p); at >= 0 {
		p = bytes.Clone(p) // it is the writer's own
		copy(p[at:], fmt.Sprintf("%0*d", stampDigits, time.Now().UnixNano()))
	}
	return o.ResponseWriter.Write(p)
}

// stall makes writing wait until end is closed.
func (o *outlet) stall(end chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stalled = end
}
