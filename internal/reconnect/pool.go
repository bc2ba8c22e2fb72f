package reconnect

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// A Pool hands out HTTP clients over connections that can be left behind.
//
// An http.Transport keeps using an HTTP/2 connection as long as nobody has
// told it that the connection is dead: cancelling one stream does not, and a
// new request goes out over the same dead connection. So connections live in
// generations. Everybody shares the current one; when a connection has died,
// its user abandons the generation and the next lease starts a new one, while
// streams that are well stay where they are. When the last lease of a
// generation is released, all its connections are closed: an idle Pool holds
// neither connections nor goroutines.
//
// A Pool is safe for concurrent use.
type Pool struct {
	client    *http.Client
	transport *http.Transport // template; nil: client.Transport is something else and used as it is

	mu      sync.Mutex
	current *generation // nil: none in use
}

// NewPool returns a Pool whose clients behave like client. If its Transport,
// which must not be nil, is an *http.Transport, that is the template for the generations' own (its
// connections are not used). Any other RoundTripper is used as it is: its
// connections can then be closed when idle, but not left behind.
func NewPool(client *http.Client) *Pool {
	transport, _ := client.Transport.(*http.Transport)
	return &Pool{client: client, transport: transport}
}

// Acquire leases the current generation. The lease must be released.
func (p *Pool) Acquire() *Lease {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil {
		p.current = p.newGeneration()
	}
	p.current.leases++
	return &Lease{pool: p, generation: p.current}
}

// A Lease is the right to use the connections of one generation.
type Lease struct {
	pool       *Pool
	generation *generation
	release    sync.Once
}

// Client returns the HTTP client to use while the lease is held.
func (l *Lease) Client() *http.Client { return l.generation.client }

// Abandon makes sure that no later lease uses these connections. Those who
// hold a lease already are not disturbed.
func (l *Lease) Abandon() {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	if l.pool.current == l.generation {
		l.pool.current = nil
	}
}

// Release gives the lease back; the last one closes the connections. Calls
// after the first do nothing.
func (l *Lease) Release() {
	l.release.Do(func() {
		if l.pool.leave(l.generation) {
			l.generation.close()
		}
	})
}

// leave reports whether g has no user left.
func (p *Pool) leave(g *generation) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	g.leases--
	if g.leases > 0 {
		return false
	}
	if p.current == g {
		p.current = nil
	}
	return true
}

// A generation is one set of connections.
type generation struct {
	client *http.Client
	leases int // guarded by Pool.mu
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	conns  map[*trackedConn]struct{}
	closed bool
}

// writeTimeout is how long a connection may refuse to take a byte. Who reads an
// HTTP/2 stream that is cancelled hears of it only when RST_STREAM has been
// written: on a connection that takes nothing, that would be never. (The Transport
// is told, too, as connections of a caller's DialTLSContext are not tracked.)
const writeTimeout = 10 * time.Second

func (p *Pool) newGeneration() *generation {
	g := &generation{conns: make(map[*trackedConn]struct{})}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	client := *p.client
	if p.transport != nil {
		transport := p.transport.Clone()
		transport.DialContext = g.track(dialer(p.transport))
		if transport.HTTP2 == nil {
			transport.HTTP2 = new(http.HTTP2Config)
		}
		if transport.HTTP2.WriteByteTimeout == 0 {
			transport.HTTP2.WriteByteTimeout = writeTimeout
		}
		client.Transport = transport
	}
	g.client = &client
	return g
}

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

// track makes dial keep book of the connections it opens. The Transport may
// dial in the background, for a request that has long found another
// connection: such a dial ends with the generation.
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
	g.client.CloseIdleConnections()
	g.cancel()
	g.mu.Lock()
	g.closed = true
	left := g.conns
	g.conns = nil
	g.mu.Unlock()
	for c := range left {
		_ = c.Conn.Close()
	}
}
