package ews

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A memoryNet is a network in memory with one server on it.
type memoryNet struct {
	incoming chan net.Conn
	closed   chan struct{}

	mu    sync.Mutex
	conns []*memoryConn
}

// A memoryConn is the server's end of a connection.
type memoryConn struct {
	net.Conn
	over chan struct{}
	once sync.Once
}

func (c *memoryConn) Close() error {
	c.once.Do(func() { close(c.over) })
	return c.Conn.Close()
}

func (l *memoryNet) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	conn := &memoryConn{Conn: far, over: make(chan struct{})}
	l.mu.Lock()
	l.conns = append(l.conns, conn)
	l.mu.Unlock()
	select {
	case l.incoming <- conn:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *memoryNet) dialed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// left is how many connections the server has.
func (l *memoryNet) left() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		select {
		case <-c.over:
		default:
			n++
		}
	}
	return n
}

func (l *memoryNet) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryNet) Close() error   { close(l.closed); return nil }
func (l *memoryNet) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// overConnections runs test over HTTP/1.1 and HTTP/2, each in virtual time, with
// a service that handler is. Streams are answered with anOK, and stay open.
func overConnections(t *testing.T, handler func(w http.ResponseWriter, r *http.Request, op string), test func(t *testing.T, s *Session, l *memoryNet)) {
	t.Helper()
	for _, name := range []string{"h1", "h2"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				protocols := new(http.Protocols)
				protocols.SetHTTP1(name == "h1")
				protocols.SetUnencryptedHTTP2(name == "h2")
				l := &memoryNet{incoming: make(chan net.Conn), closed: make(chan struct{})}
				server := &http.Server{Protocols: protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					op := "Subscribe"
					if strings.Contains(string(body), opListen) {
						op = opListen
					}
					w.Header().Set("Content-Type", "text/xml; charset=utf-8")
					handler(w, r, op)
				})}
				var serving sync.WaitGroup
				serving.Go(func() { _ = server.Serve(l) })
				defer serving.Wait()
				defer server.Close()
				transport := outlookstream.NewTransport()
				transport.Proxy, transport.DialContext, transport.Protocols, transport.ForceAttemptHTTP2 = nil, l.dial, protocols, false
				c, err := New(Bearer(auth.Static(wireToken)), &Options{URL: "http://localhost/EWS/Exchange.asmx", HTTPClient: &http.Client{Transport: transport}})
				if err != nil {
					t.Fatal(err)
				}
				test(t, c.Session(""), l)
			})
		})
	}
}

// stay writes, and keeps the answer open until the client leaves.
func stay(w http.ResponseWriter, r *http.Request, text string) {
	_, _ = io.WriteString(w, text)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestAConnectionThatStallsIsNotUsedAgain(t *testing.T) {
	calls := 0
	for name, stall := range map[string]func(http.ResponseWriter, *http.Request){
		"before the answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"within the answer": func(w http.ResponseWriter, r *http.Request) { stay(w, r, aSubscription[:100]) },
	} {
		calls = 0
		overConnections(t, func(w http.ResponseWriter, r *http.Request, op string) {
			if op == opListen {
				stay(w, r, anOK)
				return
			}
			if calls++; calls%2 == 1 {
				stall(w, r)
				return
			}
			_, _ = io.WriteString(w, aSubscription)
		}, func(t *testing.T, s *Session, l *memoryNet) {
			held, err := s.Open(t.Context(), twoSubscriptions()...) // so that the connection is not closed with its last user
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			nextIs(t, held)
			if _, err := s.Subscribe(t.Context(), Mailbox{}); !errors.Is(err, errNoAnswer) {
				t.Errorf("%s: %v", name, err)
			}
			before := l.dialed()
			if _, err := s.Subscribe(t.Context(), Mailbox{}); err != nil {
				t.Errorf("%s: then %v", name, err)
			}
			if n := l.dialed() - before; n != 1 {
				t.Errorf("%s: %d new connections, want one", name, n)
			}
			if held.ctx.Err() != nil {
				t.Errorf("%s: a stream that was well has ended: %v", name, context.Cause(held.ctx))
			}
		})
	}
}

func TestAConnectionWhoseStreamFellSilentIsNotUsedAgain(t *testing.T) {
	overConnections(t, func(w http.ResponseWriter, r *http.Request, op string) {
		if op == opListen {
			stay(w, r, anOK)
			return
		}
		_, _ = io.WriteString(w, aSubscription)
	}, func(t *testing.T, s *Session, l *memoryNet) {
		held, err := s.Open(t.Context(), twoSubscriptions()...)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close() // nobody waits for what it brings: it is not silent
		nextIs(t, held)
		st, err := s.Open(t.Context(), twoSubscriptions()...)
		if err != nil {
			t.Fatal(err)
		}
		nextIs(t, st)
		if _, err := st.Next(); !errors.Is(err, outlookstream.ErrIdle) {
			t.Errorf("%v", err)
		}
		_ = st.Close()
		before := l.dialed()
		if _, err := s.Subscribe(t.Context(), Mailbox{}); err != nil {
			t.Error(err)
		}
		if n := l.dialed() - before; n != 1 {
			t.Errorf("%d new connections, want one", n)
		}
	})
}

func TestNothingIsLeftOfAStreamThatWasClosed(t *testing.T) {
	overConnections(t, func(w http.ResponseWriter, r *http.Request, _ string) { stay(w, r, anOK) }, func(t *testing.T, s *Session, l *memoryNet) {
		st, err := s.Open(t.Context(), twoSubscriptions()...)
		if err != nil {
			t.Fatal(err)
		}
		nextIs(t, st)
		waits := make(chan error)
		go func() {
			_, err := st.Next()
			waits <- err
		}()
		synctest.Wait()
		start := time.Now()
		_ = st.Close()
		if err := <-waits; !errors.Is(err, net.ErrClosed) || time.Since(start) != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		synctest.Wait()
		if n := l.left(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestNothingIsLeftOfAStreamThatWasRefused(t *testing.T) {
	for _, status := range []int{200, 500} { // 200: with a page
		overConnections(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>")
		}, func(t *testing.T, s *Session, l *memoryNet) {
			if _, err := s.Open(t.Context(), twoSubscriptions()...); err == nil {
				t.Error("no error")
			}
			synctest.Wait()
			if n := l.left(); n != 0 {
				t.Errorf("%d: %d connections are left", status, n)
			}
		})
	}
}

func TestAStreamThatIsCutOffOnTheWayIsNoCleanEnd(t *testing.T) {
	overConnections(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		_, _ = io.WriteString(w, anOK+aCreation[:100])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, func(t *testing.T, s *Session, _ *memoryNet) {
		st, err := s.Open(t.Context(), twoSubscriptions()...)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		nextIs(t, st)
		_, err = st.Next()
		if failure, ok := errors.AsType[*outlookstream.ConnectionError](err); !ok || errors.Is(err, io.EOF) || !strings.Contains(failure.Error(), "the connection broke") {
			t.Errorf("%v", err)
		}
	})
}

func TestAServerThatClosesEveryConnectionUnreadIsNotAskedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			dials++
			near, far := net.Pipe()
			_ = far.Close()
			return near, nil
		}}
		c, err := New(Bearer(auth.Static(wireToken)), &Options{URL: "http://localhost/EWS/Exchange.asmx", HTTPClient: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Session("").Subscribe(t.Context(), Mailbox{}); err == nil || dials > reconnect.MaxTries {
			t.Errorf("%v after %d connections", err, dials)
		}
	})
}
