package reconnect

import (
	"net"
	"sync/atomic"
	"time"
)

// A trackedConn takes itself out of its generation's book when it is closed,
// and does not wait for ever to be written to, whatever writes: TLS answers its
// peer's news of keys while it reads, and closing waits for that. A peer that
// sends and never reads would hold the reader, and who wants to end it.
type trackedConn struct {
	net.Conn
	generation *generation
	limited    atomic.Bool  // whoever uses the connection has set a deadline
	written    atomic.Int64 // bytes
}

func (c *trackedConn) Write(p []byte) (int, error) {
	if !c.limited.Load() {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(writeTimeout)) // a connection without deadlines is written to as ever
	}
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

func (c *trackedConn) SetWriteDeadline(t time.Time) error {
	c.limited.Store(!t.IsZero())
	return c.Conn.SetWriteDeadline(t)
}

func (c *trackedConn) SetDeadline(t time.Time) error {
	c.limited.Store(!t.IsZero())
	return c.Conn.SetDeadline(t)
}

func (c *trackedConn) Close() error {
	c.generation.remove(c)
	return c.Conn.Close()
}
