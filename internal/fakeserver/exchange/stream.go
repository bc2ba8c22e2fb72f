package exchange

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// How a stream ends, other than by a write that failed.
var (
	errEnded = errors.New("the response ends")       // the handler returns, so that HTTP ends it properly
	errAbort = errors.New("the response is aborted") // HTTP/1.1: no last chunk; HTTP/2: RST_STREAM
	errReset = errors.New("the connection is reset")
)

// stream is one GetStreamingEvents call. Its own goroutine, the handler's, does everything.
//
// It notices that its client has gone only by a write that fails, as the service does, and not by the request's context.
type stream struct {
	c        *call
	server   *Server
	listener *listener
	faults   StreamFaults
	out      *wire
	form     form
	nextBeat time.Time
	end      time.Time
	held     [][]byte      // envelopes that go out together with the next
	cut      chan struct{} // closed when the back-end is killed
	cutOnce  sync.Once
}

func newStream(c *call, l *listener, timeout time.Duration) *stream {
	now := time.Now()
	return &stream{
		c: c, server: c.server, listener: l,
		faults:   c.server.host.StreamFaults(c.about()),
		out:      newWire(c.w),
		cut:      make(chan struct{}),
		nextBeat: now.Add(c.server.opts.Heartbeat),
		end:      now.Add(timeout),
	}
}

// run writes the envelopes. bad is what is wrong with the request, and then all that is written. It returns why the
// stream ended.
func (st *stream) run(bad *failure) error {
	st.faults.Claim(true)
	st.readForm()
	if f, ok := st.faults.Shape(doCutAtByte); ok {
		st.out.cutAt = f.Bytes
	}
	st.c.noteStatus(http.StatusOK)
	if err := st.out.begin(); err != nil {
		return err
	}
	if bad != nil {
		// The answer to a request with bad ids is in the form of a stream; nothing is told of the good ones.
		return st.finish(st.form.failed(bad, statusClosed))
	}
	if err := st.send(st.form.status(statusOK)); err != nil {
		return err
	}
	timer := time.NewTimer(st.server.opts.Heartbeat)
	defer timer.Stop()
	for {
		st.strikeOnce()
		if err := st.drain(); err != nil {
			return err
		}
		now := time.Now()
		if !now.Before(st.end) {
			return st.finish(st.form.status(statusClosed))
		}
		if !now.Before(st.nextBeat) {
			if err := st.send(st.heartbeat()); err != nil {
				return err
			}
			continue
		}
		next := st.nextBeat
		if st.end.Before(next) {
			next = st.end
		}
		timer.Reset(time.Until(next))
		select {
		case <-timer.C:
		case <-st.listener.wake:
		case <-st.cut:
			return errAbort
		case <-st.server.done:
			return errAbort
		case <-st.server.host.Closing(st.c.r):
			return errAbort
		}
	}
}

// drain writes everything that waits.
func (st *stream) drain() error {
	for {
		if err := st.strike(); err != nil {
			return err
		}
		d, ok := st.server.store.next(st.listener)
		if !ok {
			return nil
		}
		if err := st.deliver(d); err != nil {
			return err
		}
	}
}

func (st *stream) deliver(d delivery) error {
	if d.failure != nil {
		if d.last {
			return st.finish(st.form.failed(d.failure, statusClosed))
		}
		return st.send(st.form.failed(d.failure, statusOK))
	}
	st.faults.Claim(false) // what was armed before the change is for it
	pad := 0
	if f, ok := st.faults.Strike(doHuge); ok {
		if pad = f.Bytes; pad == 0 {
			pad = 2 << 20
		}
	}
	st.readForm()
	envelope := st.form.notifications(d.batches, pad)
	_, twice := st.faults.Strike(doDuplicate)
	if err := st.send(envelope); err != nil || !twice {
		return err
	}
	return st.send(envelope)
}

// heartbeat has two shapes, and clients have to take both.
func (st *stream) heartbeat() []byte {
	st.readForm()
	bare := st.server.opts.BareHeartbeats
	if _, ok := st.faults.Shape(DoOtherHeartbeat); ok {
		bare = !bare
	}
	if bare {
		return st.form.status(statusOK)
	}
	var batches []batch
	for _, id := range st.server.store.listed(st.listener) {
		batches = append(batches, batch{id: id})
	}
	return st.form.notifications(batches, 0)
}

// finish writes the last envelope.
func (st *stream) finish(envelope []byte) error {
	st.held = append(st.held, envelope)
	if err := st.release(); err != nil {
		return err
	}
	return errEnded
}

// send writes an envelope, or holds it back.
func (st *stream) send(envelope []byte) error {
	if f, ok := st.faults.Shape(doSlow); ok && !st.pause(f.Delay) {
		return errAbort
	}
	if _, ok := st.faults.Strike(doCutMid); ok {
		if err := st.release(); err != nil {
			return err
		}
		if err := st.out.write(envelope[:1+len(envelope)/2]); err != nil {
			return err
		}
		return errAbort
	}
	st.held = append(st.held, envelope)
	if len(st.held) >= st.together() {
		if err := st.release(); err != nil {
			return err
		}
	}
	st.nextBeat = time.Now().Add(st.server.opts.Heartbeat)
	st.faults.Count()
	return nil
}

// together is how many envelopes are written at a time.
func (st *stream) together() int {
	f, ok := st.faults.Shape(doCoalesce)
	switch {
	case !ok:
		return 1
	case f.After == 0:
		return 2
	}
	return f.After
}

// release writes what is held, in one piece.
func (st *stream) release() error {
	var all []byte
	for _, envelope := range st.held {
		all = append(all, envelope...)
	}
	st.held = nil
	st.out.step = 0
	if f, ok := st.faults.Shape(doByteByByte); ok {
		st.out.step = max(f.Bytes, 1)
	}
	return st.out.write(all)
}

// pause reports whether the time passed; otherwise the server closes.
func (st *stream) pause(d time.Duration) bool {
	if d == 0 {
		d = time.Second
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-st.server.done:
	case <-st.server.host.Closing(st.c.r):
	}
	return false
}
