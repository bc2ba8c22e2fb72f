package reconnect

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// A packedConn is one connection of a host.
type packedConn struct {
	host    *host
	cc      *http.ClientConn
	tracked *trackedConn // nil: dialled by the transport's owner
	many    bool         // it takes more than one request at a time: HTTP/2
	place   int          // of its dial
	assumed int          // how many it was taken to take, before the server had said so
	known   bool         // what the last Conversation returned; of whoever has the slot

	// Guarded by host.mu.
	active    int  // requests and answers that have not ended
	taken     bool // by a request, some time
	used      bool // it has had one, or counts as if
	proven    bool // how many it takes is what the server has said
	abandoned bool
	isIdle    bool // in host.idle
	held      bool // by a Conversation
	idleSince time.Time
	refused   int         // the last round in which it would not be reserved
	patience  *time.Timer // nil: no request is out to prove it
}

func newPackedConn(h *host, cc *http.ClientConn, d *dial) *packedConn {
	c := &packedConn{host: h, cc: cc, tracked: d.plan.tracked, place: d.place, assumed: cc.Available()}
	c.many = c.assumed > 1
	return c
}

// patience is for a server that takes its time for its first answer. What it
// has to say about itself it says when the connection begins.
const patience = 3 * time.Second

// room is how many requests c takes, as far as it knows. The two halves of it
// are two looks, between which a request may come or go.
func (c *packedConn) room() int {
	for {
		free, taken := c.cc.Available(), c.cc.InFlight()
		if c.cc.Available() == free && c.cc.InFlight() == taken {
			return free + taken
		}
	}
}

// roundTrip makes a request for which a slot is reserved. unread: nobody has
// looked at it.
func (c *packedConn) roundTrip(r *http.Request) (resp *http.Response, unread bool, err error) {
	c.begin()
	written := c.written()
	resp, err = c.send(r)
	// The first frame of a server says how many requests it takes. Now it has come.
	c.answered()
	if err != nil {
		unread = isUnread(err) || !c.many && c.tracked != nil && written > 0 && c.written() == written
		c.ended()
		return nil, unread, err
	}
	if resp.Body == nil || resp.Body == http.NoBody {
		c.ended()
	} else {
		resp.Body = &packedBody{ReadCloser: resp.Body, conn: c}
	}
	return resp, false, nil
}

// written is how many bytes have been; 0 if that is not known.
func (c *packedConn) written() int64 {
	if c.tracked == nil {
		return 0
	}
	return c.tracked.written.Load()
}

// begin gives a server that does not answer a while until more requests go out.
func (c *packedConn) begin() {
	if !c.many {
		return
	}
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	if !c.proven && c.patience == nil {
		c.patience = time.AfterFunc(patience, c.answered)
	}
}

func (c *packedConn) answered() {
	if !c.many {
		return
	}
	c.host.mu.Lock()
	news := !c.proven
	if news {
		c.prove()
	}
	c.host.mu.Unlock()
	if news {
		c.host.serve()
	}
}

// prove notes that the server has said how much it takes. host.mu is held.
func (c *packedConn) prove() {
	if c.patience != nil {
		c.patience.Stop()
		c.patience = nil
	}
	c.proven = true
	// One that takes nothing more may be one that its server is about to close.
	if c.cc.Available() > 0 {
		c.host.room = c.room()
	}
}

// ended is called when a request and its answer have ended.
func (c *packedConn) ended() {
	c.host.mu.Lock()
	c.active--
	if c.active == 0 && !c.proven {
		c.taken = false // by one who left before the request went out
	}
	over := c.abandoned && c.active == 0
	c.host.mu.Unlock()
	if over {
		c.close()
	}
}

// close closes a connection that nobody uses any more. It may be dead: nothing
// is said to the peer, which may not listen.
func (c *packedConn) close() {
	c.host.mu.Lock()
	delete(c.host.conns, c)
	if c.patience != nil {
		c.patience.Stop()
	}
	c.host.mu.Unlock()
	if c.tracked != nil {
		_ = c.tracked.Close()
	}
	_ = c.cc.Close()
}

// A packedBody tells its connection when it is closed.
type packedBody struct {
	io.ReadCloser
	conn *packedConn
	once sync.Once
}

func (b *packedBody) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.conn.ended)
	return err
}

// isUnread reports whether a server says that it has not looked at a request,
// or the connection was gone before it was sent. The errors have no names; the
// tests tell if their texts change.
func isUnread(err error) bool {
	const protocolError, refusedStream = 1, 7
	if refusal, ok := errors.AsType[streamError](err); ok {
		return refusal.Code == refusedStream || refusal.Code == protocolError && refusal.Cause != nil && refusal.Cause.Error() == "received from peer"
	}
	switch err.Error() {
	case "http2: client conn not usable", "http2: Transport received Server's graceful shutdown GOAWAY":
		return true
	default:
		return false
	}
}

// A streamError is what net/http makes of its own for whoever asks for a type
// with these fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return "a stream was reset" }
