//go:build realnet && linux

package realnet

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// A server is the service's process, seen from the test.
type server struct {
	*process
	ready chan struct{}

	mu      sync.Mutex
	last    int
	pending map[int]func(reply)
}

func startServer(t *testing.T, n network, config serverConfig) *server {
	t.Helper()
	s := &server{ready: make(chan struct{}), pending: make(map[int]func(reply))}
	s.process = spawn(t, n.server, "server", config, s.heard)
	select {
	case <-s.ready:
	case <-s.done:
		t.Fatalf("the server ended: %s", s.stderr)
	case <-time.After(patience):
		t.Fatal("the server does not come up")
	}
	return s
}

func (s *server) heard(r reply) {
	if r.Number == 0 {
		close(s.ready)
		return
	}
	s.mu.Lock()
	then := s.pending[r.Number]
	delete(s.pending, r.Number)
	s.mu.Unlock()
	then(r)
}

// order says what to do, and does not wait: the server may be frozen, or dead.
// then is called with the reply, if there ever is one.
func (s *server) order(o order, then func(reply)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	o.Number = s.last
	s.pending[o.Number] = then
	line, err := json.Marshal(o)
	if err != nil {
		panic(err) // it has nothing but strings in it
	}
	_, _ = s.in.Write(append(line, '\n')) // a dead server gives no reply
}

// ask waits for the reply.
func (s *server) ask(o order) (reply, error) {
	answer := make(chan reply, 1)
	s.order(o, func(r reply) { answer <- r })
	select {
	case r := <-answer:
		if r.Err != "" {
			return r, errors.New(r.Err)
		}
		return r, nil
	case <-s.done:
		return reply{}, fmt.Errorf("the server has ended: %s", s.stderr)
	case <-time.After(patience):
		return reply{}, fmt.Errorf("the server does not reply to %q", o.Do)
	}
}
