package httpauth

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// conn is what a connection has achieved. It lives as long as the connection does.
type conn struct {
	mu    sync.Mutex
	shook *handshake // begun, and not yet finished
	who   Identity
	known bool
}

type connKey struct{}

// ConnContext is an http.Server.ConnContext, or a part of one. Without it there is no NTLM.
func ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, new(conn))
}

func connOf(r *http.Request) *conn {
	c, _ := r.Context().Value(connKey{}).(*conn)
	return c
}

func (c *conn) authenticated() (Identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.who, c.known
}

// begin starts a handshake over, whoever the connection belonged to before.
func (c *conn) begin(h *handshake) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shook, c.who, c.known = h, Identity{}, false
}

// take ends the handshake: a challenge is good for one answer.
func (c *conn) take() *handshake {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.shook
	c.shook = nil
	return h
}

func (c *conn) finish(who Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.who, c.known = who, true
}
