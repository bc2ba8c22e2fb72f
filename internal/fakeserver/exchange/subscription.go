package exchange

import (
	"cmp"
	"slices"
	"time"
)

// subscriptionKind is how a subscription's events are fetched.
type subscriptionKind int

const (
	streaming subscriptionKind = iota
	pull
	push
)

func (k subscriptionKind) String() string { return [...]string{"streaming", "pull", "push"}[k] }

// subscription is guarded by its store, but for what never changes: id, number, kind, owner, mailbox, backEnd, folders,
// types, created, timeout and push.
type subscription struct {
	id      string
	number  int // in order of creation
	kind    subscriptionKind
	owner   string // name of the account that made it
	mailbox *mailbox
	backEnd string
	folders map[*folder]bool // nil: all
	types   map[string]bool
	created time.Time
	timeout time.Duration // how long it lives unused
	push    *pushTarget   // of a push subscription

	expires  time.Time // looked at only while nobody listens
	start    uint64    // where pull and push begin
	queue    []*event  // of a streaming one
	listener *listener // nil: nobody listens
	gone     bool      // expired, ended or removed: what is still queued for its listener is the last of it
	poke     func()    // told, under the lock, of events and of the end; may be nil
}

// pushTarget is what a push subscription adds.
type pushTarget struct {
	url        string
	callerData string
	frequency  time.Duration // StatusFrequency
}

func (s *subscription) expired(now time.Time) bool {
	return s.listener == nil && s.kind != push && !now.Before(s.expires)
}

// wants says whether an event is for it. What is moved is told on both sides.
func (s *subscription) wants(e *event) bool {
	if !s.types[e.kind] {
		return false
	}
	if s.folders == nil {
		return e.scope != namedOnly
	}
	return e.scope != allOnly && (s.folders[e.folder] || s.folders[e.parent] || s.folders[e.oldParent])
}

// listener is a GetStreamingEvents call as the store sees it. It is guarded by the store, except for wake.
type listener struct {
	wake   chan struct{} // has room for one
	subs   []*subscription
	kicked bool // another call has them now
}

func (l *listener) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Subscription is what the server knows of a subscription.
type Subscription struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`    // streaming, pull, push
	Owner     string    `json:"owner"`   // name of the account that made it
	Mailbox   string    `json:"mailbox"` // whose events it has
	BackEnd   string    `json:"backEnd"`
	Folders   []string  `json:"folders"` // distinguished names, or ids; empty: all
	Events    []string  `json:"events"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires"`   // while somebody listens it moves on
	Listening bool      `json:"listening"` // a GetStreamingEvents call has it
	Queued    int       `json:"queued"`    // events not yet sent
}

// Subscriptions returns those that are alive, in order of creation.
func (s *Server) Subscriptions() []Subscription {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.sweep()
	all := make([]*subscription, 0, len(s.store.subs))
	for _, sub := range s.store.subs {
		all = append(all, sub)
	}
	slices.SortFunc(all, func(a, b *subscription) int { return cmp.Compare(a.number, b.number) })
	list := make([]Subscription, 0, len(all))
	for _, sub := range all {
		list = append(list, sub.describe())
	}
	return list
}

func (s *subscription) describe() Subscription {
	d := Subscription{
		ID: s.id, Kind: s.kind.String(), Owner: s.owner, Mailbox: s.mailbox.address, BackEnd: s.backEnd, Folders: []string{},
		Created: s.created, Expires: s.expires, Listening: s.listener != nil, Queued: len(s.queue),
	}
	if d.Listening {
		d.Expires = time.Now().Add(s.timeout)
	}
	for f := range s.folders {
		d.Folders = append(d.Folders, cmp.Or(f.distinguished, f.id))
	}
	slices.Sort(d.Folders)
	for _, name := range eventTypeNames {
		if s.types[name] {
			d.Events = append(d.Events, name)
		}
	}
	return d
}

// ExpireSubscriptions ends subscriptions now, as if nobody had used them for long enough; no ids means all. It returns
// how many there were. A stream that has one of them is told ErrorInvalidSubscription: our choice, as it could not happen.
func (s *Server) ExpireSubscriptions(ids ...string) int {
	return s.store.endAll(codeInvalidSubscription, func(sub *subscription) bool {
		return len(ids) == 0 || slices.Contains(ids, sub.id)
	})
}

// endAll ends those that are meant, without what is queued in them.
func (s *store) endAll(code string, meant func(*subscription) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	ended := 0
	for _, sub := range s.subs {
		if meant(sub) {
			ended++
			sub.queue = nil
			s.end(sub, code)
		}
	}
	return ended
}
