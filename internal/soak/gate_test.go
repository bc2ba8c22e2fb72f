package soak

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// A gate is the computer of the programs. While it is shut - the computer
// sleeps - nothing gets in or out; the network and the service go on, and bytes
// under way are kept. Its timers strike at their time, which is what a program
// sees that wakes up with all of them due.
type gate struct {
	mu     sync.Mutex
	passed chan struct{} // closed while open
	conns  map[*gatedConn]struct{}

	breaking, at int // so many of the next connections break at their at-th read or write
}

func newGate() *gate {
	g := &gate{passed: make(chan struct{}), conns: map[*gatedConn]struct{}{}}
	close(g.passed)
	return g
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passed = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isOpen() {
		return
	}
	close(g.passed)
	for c := range g.conns {
		go c.flush()
	}
}

// count is how many connections the programs have.
func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// breakNext has the next n connections break while they are young: each at its
// at-th read or write, which may be in the middle of a handshake.
func (g *gate) breakNext(n, at int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.breaking, g.at = n, at
}

// isOpen needs the lock.
func (g *gate) isOpen() bool {
	select {
	case <-g.passed:
		return true
	default:
		return false
	}
}

func (g *gate) pass() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.passed
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

func (g *gate) dialer(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		select {
		case <-g.pass():
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := &gatedConn{Conn: conn, gate: g, closed: make(chan struct{})}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.conns[c] = struct{}{}
		if g.breaking > 0 {
			g.breaking--
			c.left = g.at
		}
		return c, nil
	}
}

type gatedConn struct {
	net.Conn
	gate    *gate
	once    sync.Once
	closed  chan struct{}
	pending []byte // written while the gate was shut; guarded by gate.mu
	left    int    // reads and writes until it breaks; 0: it does not. Guarded by gate.mu
}

// breaks says whether the connection breaks with this read or write.
func (c *gatedConn) breaks() bool {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	if c.left == 0 {
		return false
	}
	if c.left > 1 {
		c.left--
		return false
	}
	_ = c.Conn.Close() // left stays: nothing gets through any more
	return true
}

func (c *gatedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	select {
	case <-c.gate.pass():
		if c.breaks() {
			return 0, syscall.ECONNRESET
		}
		return n, err
	case <-c.closed:
		return 0, net.ErrClosed // what had come before is not read any more
	}
}

// Write does not wait for the gate, as net/http holds a lock meanwhile, for
// which testing/synctest does not let time pass.
func (c *gatedConn) Write(p []byte) (int, error) {
	if c.breaks() {
		return 0, syscall.ECONNRESET
	}
	c.gate.mu.Lock()
	if !c.gate.isOpen() || len(c.pending) > 0 {
		defer c.gate.mu.Unlock()
		c.pending = append(c.pending, p...)
		return len(p), nil
	}
	c.gate.mu.Unlock()
	return c.Conn.Write(p)
}

// flush sends what was written meanwhile.
func (c *gatedConn) flush() {
	for {
		c.gate.mu.Lock()
		pending := c.pending
		c.gate.mu.Unlock()
		if len(pending) == 0 {
			return
		}
		if _, err := c.Conn.Write(pending); err != nil {
			return
		}
		c.gate.mu.Lock()
		c.pending = c.pending[len(pending):]
		c.gate.mu.Unlock()
	}
}

func (c *gatedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}
