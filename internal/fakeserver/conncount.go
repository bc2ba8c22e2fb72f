package fakeserver

import (
	"net"
	"net/http"
	"sync"
)

// connCount knows which connections an http.Server still has a goroutine for, which http.Server.Close does not wait for.
type connCount struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	none  chan struct{} // closed by the last connection to go, if somebody waits
}

func newConnCount() *connCount {
	return &connCount{conns: make(map[net.Conn]struct{})}
}

// state is an http.Server.ConnState hook. HTTP/2 may report a close twice.
func (c *connCount) state(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.conns[conn] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(c.conns, conn)
		if len(c.conns) == 0 && c.none != nil {
			close(c.none)
			c.none = nil
		}
	}
}

// wait returns when there are no connections. New ones must not be accepted any more.
func (c *connCount) wait() {
	c.mu.Lock()
	if len(c.conns) == 0 {
		c.mu.Unlock()
		return
	}
	if c.none == nil {
		c.none = make(chan struct{})
	}
	none := c.none
	c.mu.Unlock()
	<-none
}
