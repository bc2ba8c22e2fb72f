package ews

import (
	"maps"
	"strings"
	"sync"
	"time"
)

// busy is until when the service has asked to be left alone, whatever the call
// was that it said so to. It is said of whom calls are charged to: of who is
// impersonated, or else of who asks.
type busy struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// note takes note that the service asked to wait.
func (b *busy) note(charged string, wait time.Duration) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.until, func(_ string, until time.Time) bool { return !until.After(now) })
	if b.until == nil {
		b.until = make(map[string]time.Time)
	}
	if until := now.Add(wait); until.After(b.until[charged]) {
		b.until[charged] = until
	}
}

// ends returns when calls may be made again; zero, or a time that is over: now.
func (b *busy) ends(charged string) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until[charged]
}

// isBusy reports whether calls for a mailbox would come too early.
func (c *Client) isBusy(address string) bool {
	return c.busy.ends(c.charged(address)).After(time.Now())
}

// charged says whom calls for a mailbox are charged to.
func (c *Client) charged(address string) string {
	if !c.opts.Impersonate {
		return ""
	}
	return strings.ToLower(address)
}
