package reconnect

import (
	"context"
	"errors"
	"net/http"
)

// A dial is a connection that is being made.
type dial struct {
	place     int // the last in the line when it began
	cancel    context.CancelFunc
	plan      plan
	abandoned bool
}

// dialMore begins as many dials as those in the line need. A connection that
// has not proved how much it takes counts as one that is being dialled.
func (h *host) dialMore() {
	if len(h.line) == 0 || h.closed {
		return
	}
	wanted := 1
	if h.room > 0 {
		wanted = (len(h.line) + h.room - 1) / h.room
	}
	coming := len(h.dials)
	for _, c := range h.many {
		if !c.proven && c.taken && c.cc.Err() == nil {
			coming++
		}
	}
	for ; coming < wanted; coming++ {
		// The dial keeps the values of the first one's context, and not its end.
		ctx, cancel := context.WithCancel(context.WithoutCancel(h.line[0].ctx))
		d := &dial{place: h.joined, cancel: cancel, plan: plan{proxy: h.proxy}}
		h.dials[d] = struct{}{}
		go h.dial(context.WithValue(ctx, planKey{}, &d.plan), d) // ends with the generation at the latest
	}
}

func (h *host) dial(ctx context.Context, d *dial) {
	defer d.cancel()
	defer context.AfterFunc(h.generation.ctx, d.cancel)()
	cc, err := h.generation.transport.NewClientConn(ctx, h.route.scheme, h.route.address)
	if err != nil {
		h.failed(d, err)
	} else if c := newPackedConn(h, cc, d); h.made(d, c) {
		cc.SetStateHook(func(*http.ClientConn) { h.changed(c) })
	} else {
		c.close()
	}
	h.serve()
}

// failed tells those who would have gone out on the connection.
func (h *host) failed(d *dial, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.dials, d)
	if !d.abandoned {
		h.turnAway(d.place, err)
	}
}

// turnAway tells those who would have gone out on a connection that was dialled
// when the line was no longer than to place. h.mu is held.
func (h *host) turnAway(place int, err error) {
	n := len(h.line)
	if h.room > 0 {
		n = min(n, h.room)
	}
	for n > 0 && h.line[0].place <= place {
		h.line[0].err = err
		close(h.line[0].done)
		h.line = h.line[1:]
		n--
	}
}

// errUnused is why there is no connection: the one that was dialled was closed
// before a request went out on it.
var errUnused = errors.New("the server closed a connection before there was a request on it")

// unused takes note that c is closed. If it has never had a request, those it was
// dialled for have had a try: a server that closes what it accepts would else be
// dialled again and again, without a pause. h.mu is held.
func (h *host) unused(c *packedConn) {
	if !c.used {
		c.used = true // it counts once
		h.turnAway(c.place, errUnused)
	}
}

// made reports whether c is wanted.
func (h *host) made(d *dial, c *packedConn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.dials, d)
	if h.closed || d.abandoned {
		return false
	}
	h.conns[c] = struct{}{}
	if c.many {
		h.many = append(h.many, c)
	} else {
		h.room = 1
		h.setIdle(c)
	}
	return true
}

// endDials ends those that began when the line was no longer than to place.
func (h *host) endDials(place int) {
	for d := range h.dials {
		if d.place <= place {
			d.abandoned = true
			d.cancel()
			delete(h.dials, d)
		}
	}
}

func (h *host) abandonDials(place int) {
	h.mu.Lock()
	h.endDials(place)
	h.mu.Unlock()
	h.serve() // others still wait
}
