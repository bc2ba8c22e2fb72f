package fakeserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/httpauth"
)

// Endpoint is one listener of a Server. Its methods may be called from any goroutine.
type Endpoint struct {
	// URL is the endpoint's root, "https://host:port" or, for the default port, "https://host".
	URL string

	server   *Server
	id       *identity
	net      *faultListener
	http     *http.Server
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	otherURL string // the same server by another host name
	memory   bool
	live     *gate         // handlers, open until Close
	served   chan struct{} // closed when Serve has returned
	conns    *connCount

	mu         sync.Mutex
	transports []*http.Transport
}

// Listen serves over TLS on a loopback address such as "127.0.0.1:0", HTTP/1.1 and HTTP/2. Other addresses are
// refused: whoever reaches this server can do everything with it.
func (s *Server) Listen(addr string) (*Endpoint, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("fakeserver: listen on %q: %w", addr, err)
	}
	if !isLoopback(host) {
		return nil, fmt.Errorf("fakeserver: listen on %q: only loopback addresses are served (127.0.0.1, ::1, localhost)", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("fakeserver: listen: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fakeserver: listen on %q: %w", addr, err), l.Close())
	}
	other := "localhost"
	if host == other {
		other = "127.0.0.1"
	}
	e := &Endpoint{
		URL:      "https://" + net.JoinHostPort(host, port),
		otherURL: "https://" + net.JoinHostPort(other, port),
		dial:     (&net.Dialer{}).DialContext,
	}
	return s.serve(e, l)
}

// Host names that the in-memory network knows. The second leads to the same server, as the service, too, has two
// names; it is where redirections go by default.
const (
	memoryHost      = "outlook.fake.test"
	memoryOtherHost = "outlook365.fake.test"
)

// ListenMemory serves the same over an in-memory network of its own, TLS included, as https://outlook.fake.test. All
// its blocking is on channels, so that it works in a testing/synctest bubble; the Server must have been made in it.
func (s *Server) ListenMemory() (*Endpoint, error) {
	l := newMemListener()
	e := &Endpoint{
		URL:      "https://" + memoryHost,
		otherURL: "https://" + memoryOtherHost,
		dial:     l.dial,
		memory:   true,
	}
	return s.serve(e, l)
}

type endpointKey struct{}

type connKey struct{}

// endpointOf is nil for a request that came in through somebody else's http.Server.
func endpointOf(r *http.Request) *Endpoint {
	e, _ := r.Context().Value(endpointKey{}).(*Endpoint)
	return e
}

func (s *Server) serve(e *Endpoint, l net.Listener) (*Endpoint, error) {
	id, err := newIdentity()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fakeserver: listen: %w", err), l.Close())
	}
	e.server, e.id = s, id
	e.net = newFaultListener(l)
	e.live = newGate()
	e.served = make(chan struct{})
	e.conns = newConnCount()
	e.http = &http.Server{
		Handler: s,
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{id.server},
			NextProtos:   []string{"h2", "http/1.1"},
			MinVersion:   tls.VersionTLS12,
		},
		// No read or write timeout: a stream lasts for as long as its client asked.
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.opts.Logger.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.WithValue(context.Background(), endpointKey{}, e) },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return httpauth.ConnContext(context.WithValue(ctx, connKey{}, c), c)
		},
		ConnState: e.conns.state,
	}
	s.mu.Lock()
	s.endpoints[e] = struct{}{}
	s.mu.Unlock()
	go func() {
		defer close(e.served)
		err := e.http.Serve(tls.NewListener(e.net, e.http.TLSConfig))
		if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.opts.Logger.Error("serving stopped", "error", err)
		}
	}()
	select {
	case <-s.live.done:
		return nil, errors.Join(errors.New("fakeserver: listen: the server is closed"), e.Close())
	default:
		return e, nil
	}
}

// API is the base URL of the streaming API, URL + "/api/beta".
func (e *Endpoint) API() string { return e.URL + "/api/beta" }

// Authority is the base URL of sign-in, URL + "/common".
func (e *Endpoint) Authority() string { return e.URL + "/common" }

// CAPEM is the certificate, in PEM, of the authority that signed the endpoint's.
func (e *Endpoint) CAPEM() []byte { return bytes.Clone(e.id.caPEM) }

// TLSConfig is a client's configuration that trusts the endpoint, and nothing else. Each call returns a new one.
func (e *Endpoint) TLSConfig() *tls.Config {
	return &tls.Config{RootCAs: e.id.pool, MinVersion: tls.VersionTLS12}
}

// DialContext connects to the endpoint's network: loopback, or the one in memory. It fits http.Transport.
func (e *Endpoint) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return e.dial(ctx, network, addr)
}

// Client makes a client with a transport of its own that trusts the endpoint, asks for no compression, and speaks only
// "h1" or "h2"; other values panic. Close closes its idle connections.
func (e *Endpoint) Client(protocol string) *http.Client {
	protocols := new(http.Protocols)
	switch protocol {
	case "h1":
		protocols.SetHTTP1(true)
	case "h2":
		protocols.SetHTTP2(true)
	default:
		panic(fmt.Sprintf("fakeserver: Client(%q): the protocols are h1 and h2", protocol))
	}
	t := &http.Transport{
		DialContext:        e.dial,
		TLSClientConfig:    e.TLSConfig(),
		Protocols:          protocols,
		DisableCompression: true,
	}
	e.mu.Lock()
	e.transports = append(e.transports, t)
	e.mu.Unlock()
	return &http.Client{Transport: t}
}

// Freeze turns every connection that is open now into a black hole: bytes vanish both ways, and neither side
// learns of anything, not even of a close. New connections work.
func (e *Endpoint) Freeze() {
	for _, c := range e.net.open() {
		c.freeze()
	}
}

// Reset kills every connection that is open now, as with RST.
func (e *Endpoint) Reset() {
	for _, c := range e.net.open() {
		c.reset()
	}
}

// Conns is how many connections the server has open now, frozen ones included.
func (e *Endpoint) Conns() int { return len(e.net.open()) }

// Refuse makes new connections fail, or work again. On the in-memory network dialing fails; on loopback a connection is
// reset as soon as it is open.
func (e *Endpoint) Refuse(on bool) { e.net.refuse(on) }

// Close closes the listener and all its connections, and waits until nothing of them runs any more. It is idempotent.
func (e *Endpoint) Close() error {
	first := e.live.close()
	var err error
	if first {
		err = e.net.Close()
		e.net.closeConns()
		err = errors.Join(err, ignoreClosed(e.http.Close()))
	}
	<-e.served
	e.net.closeConns() // those accepted while the listener was being closed
	e.live.wait()
	e.conns.wait()
	e.mu.Lock()
	transports := e.transports
	e.transports = nil
	e.mu.Unlock()
	for _, t := range transports {
		t.CloseIdleConnections()
	}
	e.server.mu.Lock()
	delete(e.server.endpoints, e)
	e.server.mu.Unlock()
	return ignoreClosed(err)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
