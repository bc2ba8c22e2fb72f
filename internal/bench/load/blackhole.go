package load

import (
	"net"
	"sync"
	"sync/atomic"
)

// holes is a listener whose connections can be turned into black holes: what
// is written vanishes, nothing comes any more, and nobody is told.
type holes struct {
	net.Listener
	mu   sync.Mutex
	open map[*hole]struct{}
}

func newHoles(l net.Listener) *holes { return &holes{Listener: l, open: make(map[*hole]struct{})} }

func (h *holes) Accept() (net.Conn, error) {
	c, err := h.Listener.Accept()
	if err != nil {
		return nil, err
	}
	one := &hole{Conn: c, of: h}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open[one] = struct{}{}
	return one, nil
}

// freeze turns all that are open now. It returns how many.
func (h *holes) freeze() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.open {
		c.frozen.Store(true)
	}
	return len(h.open)
}

type hole struct {
	net.Conn
	of     *holes
	frozen atomic.Bool
}

// Read goes on reading, so that the peer's bytes are acknowledged, and keeps
// them to itself.
func (c *hole) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.frozen.Load() {
			return n, err
		}
	}
}

func (c *hole) Write(p []byte) (int, error) {
	if c.frozen.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *hole) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
