package fakeserver

import "sync"

// throttle counts the requests of one application and mailbox that are being served. An open GetNotifications call
// counts, also after its client has gone, until the server notices. As there is one application only, the mailbox is the key.
type throttle struct {
	limit int // negative: none

	mu    sync.Mutex
	count map[string]int
}

func newThrottle(limit int) *throttle {
	return &throttle{limit: limit, count: make(map[string]int)}
}

func (t *throttle) enter(mailbox string) (leave func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limit >= 0 && t.count[mailbox] >= t.limit {
		return nil, false
	}
	t.count[mailbox]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.count[mailbox]--; t.count[mailbox] == 0 {
			delete(t.count, mailbox)
		}
	}, true
}
