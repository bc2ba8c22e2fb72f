package reconnect

import (
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"unicode/utf8"
)

// A packer keeps the connections of one generation, by where they lead.
type packer struct {
	generation *generation

	mu     sync.Mutex
	hosts  map[route]*host
	closed bool
}

// A route is where a request goes.
type route struct {
	scheme, address string
	proxy           string // "": none
}

func newPacker(g *generation) *packer {
	p := &packer{generation: g, hosts: make(map[route]*host)}
	if proxy := g.transport.Proxy; proxy != nil {
		// NewClientConn would ask with a request of its own, without the port.
		g.transport.Proxy = func(r *http.Request) (*url.URL, error) {
			if plan, ok := r.Context().Value(planKey{}).(*plan); ok {
				return plan.proxy, nil
			}
			return proxy(r)
		}
	}
	return p
}

// A plan is how to dial, for those functions of the transport that get nothing
// but a context.
type plan struct {
	proxy   *url.URL
	tracked *trackedConn // set while dialling; nil: the transport's owner has dialled
}

type planKey struct{}

// host returns where r goes; nil: that is nothing that can be packed.
func (p *packer) host(r *http.Request) (*host, error) {
	if r.URL == nil || r.URL.Host == "" || r.URL.Scheme != "http" && r.URL.Scheme != "https" || !isASCII(r.URL.Host) {
		return nil, nil
	}
	port := r.URL.Port()
	switch {
	case port != "":
	case r.URL.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	to := route{scheme: r.URL.Scheme, address: net.JoinHostPort(r.URL.Hostname(), port)}
	var proxy *url.URL
	if p.generation.transport.Proxy != nil {
		var err error
		if proxy, err = p.generation.transport.Proxy(r); err != nil {
			return nil, err
		}
		if proxy != nil {
			to.proxy = proxy.String()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hosts[to]
	if h == nil {
		h = &host{generation: p.generation, route: to, proxy: proxy, conns: make(map[*packedConn]struct{}), dials: make(map[*dial]struct{}), closed: p.closed}
		p.hosts[to] = h
	}
	return h, nil
}

// isASCII: the Transport makes Punycode of other names.
func isASCII(host string) bool {
	for _, c := range []byte(host) {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// close returns the connections that are left; there will be no others.
func (p *packer) close() []*packedConn {
	p.mu.Lock()
	p.closed = true
	hosts := p.hosts
	p.hosts = make(map[route]*host)
	p.mu.Unlock()
	var left []*packedConn
	for _, h := range hosts {
		left = append(left, h.close()...)
	}
	return left
}

// leased is the RoundTripper of a lease.
type leased Lease

// maxTries bounds what a server can make of one request by saying that it has
// not looked at it.
const maxTries = 7

// RoundTrip implements http.RoundTripper. As a Transport does, it sends a
// request again that nobody has looked at. Each try is a GetConn for an
// httptrace; GotConn is not called.
func (l *leased) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	h, err := l.generation.packer.host(r)
	if err != nil {
		closeBody(r)
		return nil, err
	}
	if h == nil && l.generation.conversation != nil {
		closeBody(r)
		return nil, errNoConversation
	}
	if h == nil {
		return l.generation.transport.RoundTrip(r) // it knows what is wrong, or how to spell the name
	}
	again := r
	for try := 1; ; try++ {
		if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GetConn != nil {
			trace.GetConn(h.route.address)
		}
		c, err := h.get(ctx, (*Lease)(l))
		if err == errUnused && try < maxTries {
			continue
		}
		if err != nil {
			closeBody(again)
			return nil, err
		}
		resp, unread, err := c.roundTrip(again)
		if err == nil {
			resp.Request = r
			return resp, nil
		}
		if again = replay(r); try == maxTries || !unread || again == nil {
			return nil, err
		}
	}
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// replay returns r with its body from the start; nil: that cannot be had.
func replay(r *http.Request) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	if r.GetBody == nil {
		return nil
	}
	body, err := r.GetBody()
	if err != nil {
		return nil
	}
	again := *r
	again.Body = body
	return &again
}
