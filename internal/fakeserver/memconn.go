package fakeserver

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// memBuffer is how much one direction of a connection holds: enough that small writes do not wait for the reader, as
// with TCP, and little enough that a reader who has stopped is felt.
const memBuffer = 64 << 10

// memConn is one end of an in-memory connection that behaves like TCP: buffered, with back-pressure, deadlines, a
// clean end and a reset.
type memConn struct {
	in, out       *memPipe
	local, remote net.Addr
	reading       *deadline
	writing       *deadline
	once          sync.Once
	closed        chan struct{}
}

func newMemPair(client, server net.Addr) (*memConn, *memConn) {
	up, down := newMemPipe(), newMemPipe()
	return newMemConn(down, up, client, server), newMemConn(up, down, server, client)
}

func newMemConn(in, out *memPipe, local, remote net.Addr) *memConn {
	return &memConn{
		in: in, out: out, local: local, remote: remote,
		reading: newDeadline(), writing: newDeadline(), closed: make(chan struct{}),
	}
}

// Read implements net.Conn.
func (c *memConn) Read(p []byte) (int, error) {
	return c.transfer("read", c.reading, func() (int, <-chan struct{}, error) { return c.in.read(p) })
}

// Write implements net.Conn.
func (c *memConn) Write(p []byte) (int, error) {
	written := 0
	for {
		n, err := c.transfer("write", c.writing, func() (int, <-chan struct{}, error) { return c.out.write(p[written:]) })
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// transfer tries until something could be done, a deadline passes, or this end is closed.
func (c *memConn) transfer(op string, until *deadline, try func() (int, <-chan struct{}, error)) (int, error) {
	for {
		select {
		case <-c.closed:
			return 0, c.opError(op, net.ErrClosed)
		case <-until.passed():
			return 0, c.opError(op, os.ErrDeadlineExceeded)
		default:
		}
		n, changed, err := try()
		if err != nil && !errors.Is(err, io.EOF) {
			err = c.opError(op, err)
		}
		if changed == nil {
			return n, err
		}
		select {
		case <-changed:
		case <-c.closed:
		case <-until.passed():
		}
	}
}

func (c *memConn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// Close implements net.Conn. What was written can still be read by the other end.
func (c *memConn) Close() error {
	err := c.opError("close", net.ErrClosed)
	c.once.Do(func() {
		err = nil
		close(c.closed)
		c.out.finish()
		c.in.abandon()
	})
	return err
}

// reset breaks both directions for both ends.
func (c *memConn) reset() {
	c.in.kill()
	c.out.kill()
}

// LocalAddr implements net.Conn.
func (c *memConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *memConn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *memConn) SetDeadline(t time.Time) error {
	c.reading.set(t)
	c.writing.set(t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *memConn) SetReadDeadline(t time.Time) error {
	c.reading.set(t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *memConn) SetWriteDeadline(t time.Time) error {
	c.writing.set(t)
	return nil
}

// memPipe is one direction.
type memPipe struct {
	mu       sync.Mutex
	buf      []byte
	finished bool // the writer has closed
	left     bool // the reader has closed
	killed   bool
	changed  chan struct{} // closed and replaced whenever any of this changes
}

func newMemPipe() *memPipe { return &memPipe{changed: make(chan struct{})} }

// read takes what there is. A channel instead of a result is what to wait for.
func (p *memPipe) read(into []byte) (int, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(into) == 0:
		return 0, nil, nil
	case len(p.buf) > 0: // also after a reset: what has arrived has arrived
		n := copy(into, p.buf)
		p.buf = append(p.buf[:0], p.buf[n:]...)
		p.notify()
		return n, nil, nil
	case p.killed:
		return 0, nil, syscall.ECONNRESET
	case p.finished:
		return 0, nil, io.EOF
	}
	return 0, p.changed, nil
}

// write puts in as much as there is room for.
func (p *memPipe) write(from []byte) (int, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	room := memBuffer - len(p.buf)
	switch {
	case p.killed:
		return 0, nil, syscall.ECONNRESET
	case p.left:
		return 0, nil, syscall.EPIPE
	case len(from) == 0:
		return 0, nil, nil
	case room == 0:
		return 0, p.changed, nil
	}
	n := min(room, len(from))
	p.buf = append(p.buf, from[:n]...)
	p.notify()
	return n, nil, nil
}

func (p *memPipe) finish()  { p.update(func() { p.finished = true }) }
func (p *memPipe) abandon() { p.update(func() { p.left, p.buf = true, nil }) }
func (p *memPipe) kill()    { p.update(func() { p.killed = true }) }

func (p *memPipe) update(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.notify()
}

func (p *memPipe) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}
