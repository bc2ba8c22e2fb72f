package reconnect

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// A host is the connections to one server, and who waits for one.
//
// Nothing of an http.ClientConn that may call its state hook is called with mu
// held, since the hook takes it.
type host struct {
	generation *generation
	route      route
	proxy      *url.URL

	mu      sync.Mutex
	closed  bool
	conns   map[*packedConn]struct{}
	many    []*packedConn // those of conns that take many requests at a time, and more than they have
	idle    []*packedConn // those of conns that take one, and have none
	dials   map[*dial]struct{}
	room    int // how many requests a connection takes, as far as is known; 0: not yet
	line    []*waiter
	joined  int           // how many have joined the line ever
	serving bool          // somebody serves the line
	again   bool          // and has to look again
	round   int           // of serving
	stale   []*packedConn // to be closed
}

// A waiter is a request that needs a connection. done is closed when it has
// got one, or an error.
type waiter struct {
	ctx   context.Context
	lease *Lease
	place int
	done  chan struct{}
	conn  *packedConn
	err   error
}

// get returns a connection with a slot reserved.
func (h *host) get(ctx context.Context, l *Lease) (*packedConn, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	w := &waiter{ctx: ctx, lease: l, done: make(chan struct{})}
	h.join(w)
	h.serve()
	select {
	case <-w.done:
		return w.conn, w.err
	case <-ctx.Done():
		h.leave(w)
		return nil, context.Cause(ctx)
	}
}

func (h *host) join(w *waiter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.joined++
	w.place = h.joined
	w.lease.went(trail{host: h, place: w.place})
	if h.closed {
		w.err = net.ErrClosed
		close(w.done)
		return
	}
	h.line = append(h.line, w)
}

// leave takes out one who waits no longer. What it has got meanwhile goes to
// others, and what nobody waits for any more is not dialled to its end.
func (h *host) leave(w *waiter) {
	h.mu.Lock()
	if i := slices.Index(h.line, w); i >= 0 {
		h.line = slices.Delete(h.line, i, i+1)
	}
	if len(h.line) == 0 {
		h.endDials(h.joined)
	}
	c := w.conn
	h.mu.Unlock()
	if c != nil {
		c.cc.Release()
		c.ended()
		h.serve()
	}
}

// abandon takes c out of use; it is closed when its last request has ended.
func (h *host) abandon(c *packedConn) {
	h.mu.Lock()
	c.abandoned = true
	h.withdraw(c)
	over := c.active == 0
	h.mu.Unlock()
	if over {
		c.close()
	}
	h.serve()
}

// withdraw makes sure that c gets no other request.
func (h *host) withdraw(c *packedConn) {
	if i := slices.Index(h.many, c); i >= 0 {
		h.many = slices.Delete(h.many, i, i+1)
	}
	if i := slices.Index(h.idle, c); i >= 0 {
		h.idle = slices.Delete(h.idle, i, i+1)
	}
	c.isIdle = false
}

// serve gives connections to those who wait, as long as there is room, and has
// as many dialled as the others need. One goroutine at a time does that, for all.
func (h *host) serve() {
	for _, c := range h.serveLine() {
		c.close()
	}
}

// serveLine returns those that turned out to be of no use.
func (h *host) serveLine() (stale []*packedConn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.serving {
		h.again = true
		return nil
	}
	h.serving = true
	for h.again = true; h.again; {
		h.again = false
		h.round++
		for len(h.line) > 0 {
			c := h.pick()
			if c == nil {
				break
			}
			h.reserve(c)
		}
	}
	h.serving = false
	h.dialMore()
	stale, h.stale = h.stale, nil
	return stale
}

// pick returns the connection that the next request is to try. The fullest one
// is used, so that others may drain.
func (h *host) pick() *packedConn {
	for len(h.idle) > 0 {
		last := len(h.idle) - 1
		c := h.idle[last]
		h.idle = h.idle[:last]
		c.isIdle = false
		if c.cc.Err() == nil && !h.tooOld(c) {
			return c
		}
		delete(h.conns, c)
		h.stale = append(h.stale, c)
		if c.cc.Err() != nil {
			h.unused(c)
		}
	}
	var best *packedConn
	most := -1
	for _, c := range h.many {
		if c.cc.Err() != nil {
			h.unused(c) // its hook takes it out
		}
		if c.refused == h.round || !c.proven && c.taken || c.cc.Err() != nil || c.cc.Available() == 0 {
			continue
		}
		if n := c.cc.InFlight(); n > most {
			best, most = c, n
		}
	}
	return best
}

// tooOld: what has long been idle may have been cut unnoticed.
func (h *host) tooOld(c *packedConn) bool {
	limit := h.generation.transport.IdleConnTimeout
	return limit > 0 && time.Since(c.idleSince) > limit
}

// reserve tries to give a slot on c to the first in the line.
func (h *host) reserve(c *packedConn) {
	h.mu.Unlock()
	err := c.cc.Reserve()
	h.mu.Lock()
	if err != nil {
		c.refused = h.round
		return
	}
	if len(h.line) == 0 || c.abandoned || h.closed {
		h.mu.Unlock()
		c.cc.Release() // the hook finds a place for it
		h.mu.Lock()
		c.refused = h.round
		return
	}
	w := h.line[0]
	h.line = h.line[1:]
	w.conn = c
	c.active++
	c.taken, c.used = true, true
	w.lease.went(trail{host: h, place: w.place, conn: c})
	close(w.done)
}

func (h *host) setIdle(c *packedConn) {
	c.isIdle, c.idleSince = true, time.Now()
	h.idle = append(h.idle, c)
}

// changed is the state hook: a request has ended, there is more room, or the
// connection is closed.
func (h *host) changed(c *packedConn) {
	h.mu.Lock()
	var surplus *packedConn
	switch {
	case c.cc.Err() != nil:
		delete(h.conns, c)
		h.withdraw(c)
		h.unused(c)
	case h.closed, c.abandoned:
	case c.many:
		if !c.proven && c.room() != c.assumed {
			c.prove()
		}
	case !c.isIdle && !c.held && c.cc.Available() > 0:
		h.setIdle(c)
		if len(h.line) == 0 && len(h.idle) > h.maxIdle() {
			surplus = h.idle[0]
			delete(h.conns, surplus)
			h.withdraw(surplus)
		}
	}
	waiting := len(h.line) > 0
	h.mu.Unlock()
	if surplus != nil {
		surplus.close()
	}
	if waiting {
		h.serve()
	}
}

func (h *host) maxIdle() int {
	if n := h.generation.transport.MaxIdleConnsPerHost; n != 0 {
		return max(0, n)
	}
	return http.DefaultMaxIdleConnsPerHost
}

// close ends the line and returns the connections that are left.
func (h *host) close() []*packedConn {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, w := range h.line {
		w.err = net.ErrClosed
		close(w.done)
	}
	h.line = nil
	h.endDials(h.joined)
	left := make([]*packedConn, 0, len(h.conns))
	for c := range h.conns {
		left = append(left, c)
	}
	return left
}
