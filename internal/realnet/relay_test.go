//go:build realnet && linux

package realnet

import (
	"errors"
	"io"
	"net"
	"sync"
)

// A relay passes TCP connections on to a listener of its own, as a load
// balancer does, until it is told to half-close them.
type relay struct {
	behind net.Listener

	mu    sync.Mutex
	front []*net.TCPConn
}

func newRelay(front *peers) (*relay, error) {
	behind, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{behind: behind}
	go r.accept(front)
	return r, nil
}

func (r *relay) accept(front *peers) {
	for {
		c, err := front.Accept()
		if err != nil {
			return
		}
		go r.pass(c.(*peer).Conn.(*net.TCPConn))
	}
}

// pass copies both ways. A direction that fails is left alone, as the other
// one is to stay open.
func (r *relay) pass(front *net.TCPConn) {
	back, err := net.Dial("tcp", r.behind.Addr().String())
	if err != nil {
		_ = front.Close() // the client sees it
		return
	}
	r.mu.Lock()
	r.front = append(r.front, front)
	r.mu.Unlock()
	go func() {
		_, _ = io.Copy(back, front) // the client's end is the server's end
		_ = back.Close()
		_ = front.Close()
	}()
	_, _ = io.Copy(front, back) // fails once it is half-closed: what comes then is dropped
	_, _ = io.Copy(io.Discard, back)
}

// halfClose says to every client that nothing more will come, and goes on
// reading what they say.
func (r *relay) halfClose() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []error
	for _, c := range r.front {
		if err := c.CloseWrite(); !errors.Is(err, net.ErrClosed) { // its client has ended it long ago
			all = append(all, err)
		}
	}
	r.front = nil
	return errors.Join(all...)
}
