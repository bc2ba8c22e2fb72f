package outlookstream_test

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// The fake service keeps to HTTP whatever its faults. What does not, is written
// by hand, over the network below: in memory, so that it works in virtual time.

// pipeRoom is how much one direction holds before its writer has to wait.
const pipeRoom = 64 << 10

// A pipeConn is one end of a connection.
type pipeConn struct{ in, out *pipe }

func newPipeConns() (client, server *pipeConn) {
	up, down := newPipe(), newPipe()
	return &pipeConn{in: down, out: up}, &pipeConn{in: up, out: down}
}

func (c *pipeConn) Read(p []byte) (int, error)        { return c.in.read(p) }
func (c *pipeConn) Write(p []byte) (int, error)       { return c.out.write(p) }
func (c *pipeConn) LocalAddr() net.Addr               { return pipeAddr{} }
func (c *pipeConn) RemoteAddr() net.Addr              { return pipeAddr{} }
func (c *pipeConn) SetReadDeadline(t time.Time) error { c.in.setDeadline(&c.in.reading, t); return nil }
func (c *pipeConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writing, t)
	return nil
}

func (c *pipeConn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// Close ends both directions; what was written can still be read.
func (c *pipeConn) Close() error {
	c.out.update(func(p *pipe) { p.ended = true })
	c.in.update(func(p *pipe) { p.left = true })
	return nil
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "tcp" }
func (pipeAddr) String() string  { return "192.0.2.1:443" }

// A pipe is one direction.
type pipe struct {
	mu               sync.Mutex
	changed          *sync.Cond
	held             []byte
	ended, left      bool      // the writer has closed; the reader has
	reading, writing time.Time // deadlines
}

func newPipe() *pipe {
	p := &pipe{}
	p.changed = sync.NewCond(&p.mu)
	return p
}

func (p *pipe) update(change func(*pipe)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
	p.changed.Broadcast()
}

func (p *pipe) setDeadline(which *time.Time, t time.Time) {
	p.update(func(*pipe) { *which = t })
	if !t.IsZero() {
		time.AfterFunc(time.Until(t), p.changed.Broadcast)
	}
}

func passed(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

func (p *pipe) read(into []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.left:
			return 0, net.ErrClosed
		case passed(p.reading):
			return 0, os.ErrDeadlineExceeded
		case len(p.held) > 0 || len(into) == 0:
			n := copy(into, p.held)
			p.held = append(p.held[:0], p.held[n:]...)
			p.changed.Broadcast()
			return n, nil
		case p.ended:
			return 0, io.EOF
		}
		p.changed.Wait()
	}
}

func (p *pipe) write(from []byte) (written int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.ended || p.left:
			return written, net.ErrClosed
		case passed(p.writing):
			return written, os.ErrDeadlineExceeded
		case written == len(from):
			return written, nil
		}
		if n := min(pipeRoom-len(p.held), len(from)-written); n > 0 {
			p.held = append(p.held, from[written:written+n]...)
			written += n
			p.changed.Broadcast()
			continue
		}
		p.changed.Wait()
	}
}

// A pipeListener is a network with one server on it, whatever it is called.
type pipeListener struct {
	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once

	mu    sync.Mutex
	dials []time.Time
}

func newPipeListener() *pipeListener {
	return &pipeListener{incoming: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	l.mu.Lock()
	l.dials = append(l.dials, time.Now())
	l.mu.Unlock()
	client, server := newPipeConns()
	select {
	case l.incoming <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// dialed says how many connections were made.
func (l *pipeListener) dialed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.dials)
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }
