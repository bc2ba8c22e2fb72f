package reconnect

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// echo returns a server over both protocols that answers with the address of
// its client.
func echo(t *testing.T) *httptest.Server {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.RemoteAddr)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// remote makes a request and returns the address it came from.
func remote(t *testing.T, lease *Lease, url string) string {
	t.Helper()
	resp, err := lease.Client().Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestPoolSharesConnectionsAndLeavesAbandonedOnes(t *testing.T) {
	s := echo(t)
	p := NewPool(s.Client())
	first, second := p.Acquire(), p.Acquire()
	defer first.Release()
	defer second.Release()
	a := remote(t, first, s.URL)
	if b := remote(t, second, s.URL); b != a {
		t.Errorf("two leases at a time use %s and %s, want one connection", a, b)
	}
	first.Abandon()
	third := p.Acquire()
	defer third.Release()
	c := remote(t, third, s.URL)
	if c == a {
		t.Error("a request made after Abandon uses the abandoned connection")
	}
	second.Abandon() // once more changes nothing
	fourth := p.Acquire()
	defer fourth.Release()
	if d := remote(t, fourth, s.URL); d != c {
		t.Error("abandoning an old connection cost the new one")
	}
}

func TestPoolClosesEverythingWithTheLastLease(t *testing.T) {
	s := echo(t)
	closed := make(chan struct{}, 1)
	client := s.Client()
	transport := client.Transport.(*http.Transport)
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &watchedConn{Conn: conn, closed: closed}, err
	}
	p := NewPool(client)
	lease := p.Acquire()
	remote(t, lease, s.URL)
	lease.Release()
	lease.Release() // idempotent
	<-closed
}

type watchedConn struct {
	net.Conn
	closed chan struct{}
}

func (c *watchedConn) Close() error {
	select {
	case c.closed <- struct{}{}:
	default:
	}
	return c.Conn.Close()
}

func TestPoolEndsADialThatOutlivesItsGeneration(t *testing.T) {
	dialling, ended := make(chan struct{}), make(chan error, 1)
	p := NewPool(&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			close(dialling)
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		},
	}})
	lease := p.Acquire()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := lease.Client().Do(req)
		failed <- err
	}()
	<-dialling
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("Do: %v", err)
	}
	lease.Release()
	if err := <-ended; err == nil {
		t.Error("the dial went on")
	}
}

func TestPoolClosesAConnectionThatCameTooLate(t *testing.T) {
	near, far := net.Pipe()
	g := NewPool(&http.Client{Transport: &http.Transport{}}).newGeneration()
	dial := g.track(func(context.Context, string, string) (net.Conn, error) {
		g.close()
		return near, nil
	})
	if _, err := dial(t.Context(), "tcp", "127.0.0.1:1"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("dial: %v", err)
	}
	if _, err := far.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection is open: %v", err)
	}
}

func TestPoolKeepsACallersDialer(t *testing.T) {
	mine := errors.New("mine")
	for name, transport := range map[string]*http.Transport{
		"DialContext": {DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, mine }},
		"Dial":        {Dial: func(string, string) (net.Conn, error) { return nil, mine }},
	} {
		lease := NewPool(&http.Client{Transport: transport}).Acquire()
		if _, err := lease.Client().Get("http://127.0.0.1/"); !errors.Is(err, mine) {
			t.Errorf("%s: %v", name, err)
		}
		lease.Release()
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestPoolUsesAnotherRoundTripperAsItIs(t *testing.T) {
	mine := errors.New("mine")
	lease := NewPool(&http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, mine })}).Acquire()
	defer lease.Release()
	if _, err := lease.Client().Get("http://127.0.0.1/"); !errors.Is(err, mine) {
		t.Errorf("Get: %v", err)
	}
}
