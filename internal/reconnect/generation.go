package reconnect

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// A generation is the connections from the first lease to the last one.
type generation struct {
	client       *http.Client    // the Pool's
	transport    *http.Transport // nil: the client's own RoundTripper is used as it is
	packer       *packer         // nil: the transport keeps its connections itself
	conversation Conversation    // nil: a request is one request
	leases       int             // guarded by Pool.mu
	ctx          context.Context
	cancel       context.CancelFunc

	mu     sync.Mutex
	conns  map[*trackedConn]struct{}
	closed bool
}

// writeTimeout is how long a connection may refuse to take a byte. Who reads an
// HTTP/2 stream that is cancelled hears of it only when RST_STREAM has been
// written: on a connection that takes nothing, that would be never. (The Transport
// is told, too, as connections of a caller's DialTLSContext are not tracked.)
const writeTimeout = 10 * time.Second

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialer returns what t dials with.
func dialer(t *http.Transport) dialFunc {
	if t.DialContext != nil {
		return t.DialContext
	}
	//lint:ignore SA1019 a caller's transport may still have only this one
	if dial := t.Dial; dial != nil {
		return func(_ context.Context, network, address string) (net.Conn, error) {
			return dial(network, address)
		}
	}
	return (&net.Dialer{}).DialContext
}

// track makes dial keep book of the connections it opens. What dials in the
// background, for a request that has long found another connection, ends with
// the generation.
func (g *generation) track(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(g.ctx, cancel)()
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		tracked := &trackedConn{Conn: conn, generation: g}
		if !g.add(tracked) {
			return nil, errors.Join(net.ErrClosed, conn.Close())
		}
		if plan, ok := ctx.Value(planKey{}).(*plan); ok {
			plan.tracked = tracked
		}
		return tracked, nil
	}
}

func (g *generation) add(c *trackedConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.conns[c] = struct{}{}
	return true
}

func (g *generation) remove(c *trackedConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
}

// close ends every connection: the idle ones in good order, then the others,
// which nobody uses any more (a cancelled HTTP/2 stream may leave its
// connection busy for a moment, and a dead one never becomes idle).
func (g *generation) close() {
	var packed []*packedConn
	if g.packer != nil {
		packed = g.packer.close()
	}
	for _, c := range packed {
		if c.cc.InFlight() == 0 {
			_ = c.cc.Close()
		}
	}
	if g.transport != nil {
		g.transport.CloseIdleConnections()
	} else {
		g.client.CloseIdleConnections()
	}
	g.cancel()
	g.mu.Lock()
	g.closed = true
	left := g.conns
	g.conns = nil
	g.mu.Unlock()
	for c := range left {
		_ = c.Conn.Close()
	}
	for _, c := range packed {
		_ = c.cc.Close() // what was not tracked
	}
}
