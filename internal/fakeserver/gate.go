package fakeserver

import "sync"

// gate counts what is inside and lets nothing more in once it is closed. It is built on channels, because
// testing/synctest does not take waiting for a mutex for being blocked.
type gate struct {
	done chan struct{} // closed by close

	mu     sync.Mutex
	closed bool
	inside int
	empty  chan struct{} // closed when closed and nothing is inside
}

func newGate() *gate {
	return &gate{done: make(chan struct{}), empty: make(chan struct{})}
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.closed && g.inside == 0 {
		close(g.empty)
	}
}

// close reports whether this call was the one that closed the gate.
func (g *gate) close() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.closed = true
	close(g.done)
	if g.inside == 0 {
		close(g.empty)
	}
	return true
}

// wait returns when the gate is closed and everything that was inside has left.
func (g *gate) wait() { <-g.empty }
