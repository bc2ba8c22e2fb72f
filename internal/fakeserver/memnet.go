package fakeserver

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// memListener is an in-memory network with one server on it.
type memListener struct {
	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once

	mu      sync.Mutex
	refused bool
	dialed  int
}

func newMemListener() *memListener {
	return &memListener{incoming: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *memListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *memListener) Addr() net.Addr { return memAddr(memoryHost + ":443") }

func (l *memListener) refuse(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = on
}

// dial connects to the server by either of its names. There is nothing else on this network.
func (l *memListener) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	failed := func(err error) error {
		return &net.OpError{Op: "dial", Net: network, Addr: memAddr(addr), Err: err}
	}
	if addr != memoryHost+":443" && addr != memoryOtherHost+":443" {
		return nil, failed(&net.DNSError{Err: "no such host", Name: addr, IsNotFound: true})
	}
	l.mu.Lock()
	l.dialed++
	number, refused := l.dialed, l.refused
	l.mu.Unlock()
	if refused {
		return nil, failed(syscall.ECONNREFUSED)
	}
	// Addresses of a documentation network, one for each connection.
	local := memAddr(fmt.Sprintf("192.0.2.%d:%d", 1+number/16384%254, 49152+number%16384))
	client, server := newMemPair(local, memAddr(addr))
	select {
	case l.incoming <- server:
		return client, nil
	case <-l.closed:
		return nil, failed(syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, failed(context.Cause(ctx))
	}
}

type memAddr string

// Network implements net.Addr.
func (memAddr) Network() string { return "tcp" }

// String implements net.Addr.
func (a memAddr) String() string { return string(a) }
