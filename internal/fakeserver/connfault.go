package fakeserver

import (
	"errors"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// faultListener wraps what it accepts, so that it can be frozen and reset.
type faultListener struct {
	net.Listener

	mu      sync.Mutex
	refused bool
	conns   map[*faultConn]struct{} // not closed by the server
	held    []*faultConn            // closed by the server while frozen: the peer must not learn of it
}

func newFaultListener(l net.Listener) *faultListener {
	return &faultListener{Listener: l, conns: make(map[*faultConn]struct{})}
}

// Accept implements net.Listener.
func (l *faultListener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &faultConn{Conn: inner, listener: l, deadline: newDeadline(), closed: make(chan struct{}), frozen: make(chan struct{})}
		l.mu.Lock()
		refused := l.refused
		if !refused {
			l.conns[c] = struct{}{}
		}
		l.mu.Unlock()
		if !refused {
			return c, nil
		}
		c.reset()
	}
}

func (l *faultListener) refuse(on bool) {
	l.mu.Lock()
	l.refused = on
	l.mu.Unlock()
	if m, ok := l.Listener.(*memListener); ok {
		m.refuse(on)
	}
}

func (l *faultListener) open() []*faultConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.conns))
}

func (l *faultListener) gone(c *faultConn, held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	if held {
		l.held = append(l.held, c)
	}
}

// closeConns closes everything for good, frozen or not.
func (l *faultListener) closeConns() {
	for _, c := range l.open() {
		c.Close()
	}
	l.mu.Lock()
	held := l.held
	l.held = nil
	l.mu.Unlock()
	for _, c := range held {
		c.Conn.Close()
	}
}

// faultConn is the server's side of a connection.
type faultConn struct {
	net.Conn
	listener *faultListener
	deadline *deadline // the read deadline, for while it is frozen
	once     sync.Once
	closed   chan struct{}

	freezeOnce sync.Once
	frozen     chan struct{}
}

var longAgo = time.Unix(1, 0)

func (c *faultConn) isFrozen() bool {
	select {
	case <-c.frozen:
		return true
	default:
		return false
	}
}

func (c *faultConn) freeze() {
	c.freezeOnce.Do(func() {
		close(c.frozen)
		c.Conn.SetDeadline(longAgo) // wakes who is inside Read or Write now
	})
}

// reset kills the connection: what is under way is lost, and both sides get an error.
func (c *faultConn) reset() {
	switch inner := c.Conn.(type) {
	case *net.TCPConn:
		inner.SetLinger(0)
	case *memConn:
		inner.reset()
	}
	c.once.Do(func() { close(c.closed) })
	c.Conn.Close()
	c.listener.gone(c, false)
}

// Read implements net.Conn. On a frozen connection it blocks until the deadline or until this side closes it.
func (c *faultConn) Read(p []byte) (int, error) {
	if !c.isFrozen() {
		n, err := c.Conn.Read(p)
		if !c.isFrozen() {
			return n, err
		}
	}
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	case <-c.deadline.passed():
		return 0, os.ErrDeadlineExceeded
	}
}

// Write implements net.Conn. On a frozen connection everything is written into the void.
func (c *faultConn) Write(p []byte) (int, error) {
	if !c.isFrozen() {
		n, err := c.Conn.Write(p)
		if err == nil || !c.isFrozen() {
			return n, err
		}
	}
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
		return len(p), nil
	}
}

// Close implements net.Conn.
func (c *faultConn) Close() error {
	err := net.ErrClosed
	c.once.Do(func() {
		close(c.closed)
		frozen := c.isFrozen()
		err = nil
		if frozen {
			c.Conn.SetDeadline(longAgo) // wakes who went inside while it was being frozen
		} else {
			err = c.Conn.Close()
		}
		c.listener.gone(c, frozen)
	})
	return err
}

// SetDeadline implements net.Conn.
func (c *faultConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (c *faultConn) SetReadDeadline(t time.Time) error {
	c.deadline.set(t)
	if c.isFrozen() {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *faultConn) SetWriteDeadline(t time.Time) error {
	if c.isFrozen() {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}
