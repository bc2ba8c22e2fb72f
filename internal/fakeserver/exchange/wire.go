package exchange

import (
	"net/http"
	"time"
)

// sendPatience is how long a client may leave a stream unread once what the network holds for it is full.
const sendPatience = 2 * time.Minute

var longAgo = time.Unix(1, 0)

// wire writes a stream's body so that each piece leaves at once, or as a fault wants it.
type wire struct {
	w       http.ResponseWriter
	flusher *http.ResponseController
	written int
	cutAt   int // abort after so many bytes; -1: never
	step    int // bytes in a piece; 0: all of them
}

func newWire(w http.ResponseWriter) *wire {
	return &wire{w: w, flusher: http.NewResponseController(w), cutAt: -1}
}

// begin sends the headers. Nothing compresses a stream: .NET asks for gzip and does not take it here.
func (o *wire) begin() error {
	h := o.w.Header()
	h.Set("Content-Type", xmlContent)
	h.Set("Cache-Control", "private")
	h.Set("X-NoBuffering", "1")
	o.w.WriteHeader(http.StatusOK)
	return o.flusher.Flush()
}

// write sends p, over HTTP/1.1 as one chunk.
func (o *wire) write(p []byte) error {
	cut := o.cutAt >= 0 && o.written+len(p) >= o.cutAt
	if cut {
		p = p[:o.cutAt-o.written]
	}
	timer := time.AfterFunc(sendPatience, func() { _ = o.flusher.SetWriteDeadline(longAgo) })
	defer timer.Stop()
	for len(p) > 0 {
		n := len(p)
		if o.step > 0 {
			n = min(n, o.step)
		}
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
