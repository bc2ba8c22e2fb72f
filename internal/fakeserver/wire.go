package fakeserver

import (
	"net/http"
	"time"
)

// sendPatience is how long a client may leave a stream unread once what the network holds for it is full. A stream whose client
// has vanished would otherwise keep the notification that it is writing, and with it the subscription, for ever.
const sendPatience = 2 * time.Minute

// wire writes a stream's body so that each piece leaves at once, or as a fault wants it.
type wire struct {
	w        http.ResponseWriter
	flusher  *http.ResponseController
	pending  []byte // goes out in front of the next piece
	written  int
	cutAt    int // abort after so many bytes; -1: never
	oneByOne bool
}

func newWire(w http.ResponseWriter) *wire {
	return &wire{w: w, flusher: http.NewResponseController(w), cutAt: -1}
}

// begin sends the headers.
func (o *wire) begin() error {
	o.w.Header().Set("Content-Type", jsonContent)
	o.w.WriteHeader(http.StatusOK)
	return o.flusher.Flush()
}

// write sends p, over HTTP/1.1 as one chunk.
func (o *wire) write(p []byte) error {
	p = append(o.pending, p...)
	o.pending = nil
	cut := o.cutAt >= 0 && o.written+len(p) >= o.cutAt
	if cut {
		p = p[:o.cutAt-o.written]
	}
	step := max(len(p), 1)
	if o.oneByOne {
		step = 1
	}
	timer := time.AfterFunc(sendPatience, func() { _ = o.flusher.SetWriteDeadline(longAgo) })
	defer timer.Stop()
	for len(p) > 0 {
		n := min(step, len(p))
		if _, err := o.w.Write(p[:n]); err != nil {
			return err
		}
		if err := o.flusher.Flush(); err != nil {
			return err
		}
		o.written += n
		p = p[n:]
	}
	if cut {
		return errAbort
	}
	return nil
}
