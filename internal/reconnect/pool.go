package reconnect

import (
	"context"
	"net/http"
	"sync"
)

// A Pool hands out HTTP clients over connections that can be left behind, and
// packs streams that do not end onto few of them.
//
// An http.Transport keeps using an HTTP/2 connection as long as nobody has
// told it that the connection is dead: cancelling one stream does not, and a
// new request goes out over the same dead connection. And while streams are
// opened, it dials many more connections than they need. So the Pool keeps the
// connections itself (http.ClientConn): a request goes out on the fullest one
// that has room, and waits for the one that is being dialled if none has. When
// one has died, its user abandons it: nothing new goes out on it, streams that
// are well stay on it, and it is closed with the last of them. When the last
// lease is released, all connections are closed: an idle Pool holds neither
// connections nor goroutines, other than those of a dialer that does not heed
// its context.
//
// A Pool is safe for concurrent use.
type Pool struct {
	client       *http.Client
	transport    *http.Transport // template; nil: client.Transport is something else and used as it is
	conversation Conversation    // nil: a request is one request
	idle         int             // see KeepIdle; 0: the transport's own default

	mu      sync.Mutex
	current *generation // nil: none in use
}

// NewPool returns a Pool whose clients behave like client. Its Transport must
// not be nil. If it is an *http.Transport, that is the template for how the
// Pool connects (its connections are not used).
//
// A template with an HTTP/2 of its own (TLSNextProto), with MaxConnsPerHost or
// with DisableKeepAlives means what only an http.Transport can do. It is then
// left to copies of it: Abandon leaves the whole copy with all its connections
// behind, and nothing is packed. Any other RoundTripper is used as it is: its
// connections can then be closed when idle, but not left behind.
func NewPool(client *http.Client) *Pool {
	transport, _ := client.Transport.(*http.Transport)
	return &Pool{client: client, transport: transport}
}

// KeepIdle has n connections to each host kept while they are idle and leased,
// where the template does not say how many (net/http's default is 2): as many as
// make requests at once, or some are dialled anew again and again. It must be
// called before the first Acquire.
func (p *Pool) KeepIdle(n int) { p.idle = n }

// Acquire leases the connections. The lease must be released.
func (p *Pool) Acquire() *Lease {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil {
		p.current = p.newGeneration()
	}
	p.current.leases++
	l := &Lease{pool: p, generation: p.current, client: *p.client}
	switch {
	case p.current.packer != nil:
		l.client.Transport = (*leased)(l)
	case p.current.transport != nil:
		l.client.Transport = p.current.transport
	}
	return l
}

// A Lease is the right to use the connections of a Pool.
type Lease struct {
	pool       *Pool
	generation *generation
	client     http.Client
	release    sync.Once

	mu   sync.Mutex
	last trail // of the last request
}

// A trail is where a request went: to a host, whose line it joined at a place,
// and, in the end, out on a connection.
type trail struct {
	host  *host // nil: no request was made
	place int
	conn  *packedConn // nil: it got none
}

// Client returns the HTTP client to use while the lease is held.
func (l *Lease) Client() *http.Client { return &l.client }

// Abandon makes sure that no later request uses the connection that the last
// request of this lease went out on, or, if it got none, those that were being
// dialled all the time while it waited. Others who use the connection already
// are not disturbed.
func (l *Lease) Abandon() {
	if l.generation.packer == nil {
		l.pool.leaveBehind(l.generation)
		return
	}
	l.mu.Lock()
	last := l.last
	l.mu.Unlock()
	switch {
	case last.conn != nil:
		last.host.abandon(last.conn)
	case last.host != nil:
		last.host.abandonDials(last.place)
	}
}

func (l *Lease) went(last trail) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = last
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

func (p *Pool) leaveBehind(g *generation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == g {
		p.current = nil
	}
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

func (p *Pool) newGeneration() *generation {
	g := &generation{client: p.client, conversation: p.conversation, conns: make(map[*trackedConn]struct{})}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	if p.transport == nil {
		return g
	}
	g.transport = p.transport.Clone()
	// The copy is not to lose HTTP/2 because it has got a dialer.
	if ownHTTP2 := g.transport.TLSNextProto != nil; !ownHTTP2 && p.transport.TLSNextProto["h2"] != nil {
		g.transport.ForceAttemptHTTP2 = true
	}
	g.transport.DialContext = g.track(dialer(p.transport))
	if g.transport.MaxIdleConnsPerHost == 0 {
		g.transport.MaxIdleConnsPerHost = p.idle
	}
	if g.transport.HTTP2 == nil {
		g.transport.HTTP2 = new(http.HTTP2Config)
	}
	if g.transport.HTTP2.WriteByteTimeout == 0 {
		g.transport.HTTP2.WriteByteTimeout = writeTimeout
	}
	if packable(g.transport) {
		g.packer = newPacker(g)
	}
	return g
}
