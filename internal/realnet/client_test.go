//go:build realnet && linux

package realnet

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait for something that is expected to happen soon.
const patience = 45 * time.Second

// A client is the process that watches, seen from the test.
type client struct {
	*process

	mu      sync.Mutex
	records []record
	more    chan struct{} // closed at the next record
}

func startClient(t *testing.T, n network, config clientConfig, token func() (string, error)) *client {
	t.Helper()
	c := &client{more: make(chan struct{})}
	ready := make(chan struct{})
	c.process = spawn(t, n.client, "client", config, func(r record) {
		if r.What == whatWantsToken {
			go func() { // the client goes on telling meanwhile
				<-ready
				if value, err := token(); err != nil {
					t.Errorf("a token for the client: %v", err)
				} else {
					_, _ = c.in.Write([]byte(value + "\n"))
				}
			}()
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.records = append(c.records, r)
		close(c.more)
		c.more = make(chan struct{})
	})
	close(ready)
	return c
}

// all returns what it has told.
func (c *client) all() []record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.records)
}

// since returns the records of what happened after a time.
func since(all []record, when time.Time) []record {
	return slices.DeleteFunc(slices.Clone(all), func(r record) bool { return r.At.Before(when) })
}

// first returns the first record about something, if there is one.
func first(all []record, what string) (record, bool) {
	i := slices.IndexFunc(all, func(r record) bool { return r.What == what })
	if i < 0 {
		return record{}, false
	}
	return all[i], true
}

// await waits for a record that has to come.
func (c *client) await(t *testing.T, atMost time.Duration, description string, is func(record) bool) record {
	t.Helper()
	r, ok := c.seen(atMost, is)
	if !ok {
		t.Fatalf("not within %v: %s; the client's stderr: %s", atMost, description, c.stderr)
	}
	return r
}

// seen waits for a record that may come.
func (c *client) seen(atMost time.Duration, is func(record) bool) (r record, ok bool) {
	expired := time.After(atMost)
	for {
		c.mu.Lock()
		i, more := slices.IndexFunc(c.records, is), c.more
		if i >= 0 {
			r = c.records[i]
		}
		c.mu.Unlock()
		if i >= 0 {
			return r, true
		}
		select {
		case <-more:
		case <-expired:
			return record{}, false
		case <-c.done:
			return record{}, false
		}
	}
}
