package exchange

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// store holds the mailboxes, and the subscriptions with what is queued in them. One lock guards it all, as one change
// touches all of it; nothing is written to a client under that lock.
type store struct {
	opts  Options
	known map[string]Mailbox // by address in lower case; never changed

	mu        sync.Mutex
	mailboxes map[string]*mailbox // those that were asked for, by address in lower case
	folders   map[string]*folder  // by id, of all mailboxes
	subs      map[string]*subscription
	made      int // subscriptions made

	nextSweep time.Time // nothing expires before; zero: nothing does
}

func newStore(o Options) *store {
	s := &store{
		opts:      o,
		known:     make(map[string]Mailbox, len(o.Mailboxes)),
		mailboxes: make(map[string]*mailbox),
		folders:   make(map[string]*folder),
		subs:      make(map[string]*subscription),
	}
	for _, m := range o.Mailboxes {
		s.known[strings.ToLower(m.Address)] = m
	}
	return s
}

// mailbox finds one by its address.
func (s *store) mailbox(address string) (*mailbox, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.locked(address)
}

// locked is mailbox for who has the lock.
func (s *store) locked(address string) (*mailbox, bool) {
	key := strings.ToLower(address)
	if m, ok := s.mailboxes[key]; ok {
		return m, true
	}
	known, ok := s.known[key]
	if !ok {
		return nil, false
	}
	m := newMailbox(known)
	s.mailboxes[key] = m
	for _, f := range m.folders {
		s.folders[f.id] = f
	}
	return m, true
}

// publish puts events in a mailbox's log and in the queues of the subscriptions that want them. Those of one call come
// in one piece.
func (s *store) publish(m *mailbox, events []*event) {
	now := time.Now()
	for _, e := range events {
		m.seq++
		e.seq, e.time = m.seq, now
		m.log = append(m.log, e)
	}
	m.trim(now, s.opts.MaxLog)
	for _, sub := range slices.Clone(m.subs) { // a full queue may take one out
		if sub.kind != streaming {
			if sub.poke != nil {
				sub.poke()
			}
			continue
		}
		for _, e := range events {
			if sub.wants(e) && !sub.gone {
				s.enqueue(sub, e)
			}
		}
	}
}

// enqueue gives a streaming subscription an event. One that has no room for it is told so at the end of its queue, once.
func (s *store) enqueue(sub *subscription, e *event) {
	if len(sub.queue) >= s.opts.MaxQueue && e.kind != eventGone {
		if s.opts.DropOverflowing {
			sub.queue = nil
			s.end(sub, codeInvalidSubscription)
			return
		}
		e = &event{kind: eventMissed, time: e.time}
	}
	if n := len(sub.queue); e.kind == eventMissed && n > 0 && sub.queue[n-1].kind == eventMissed {
		return // once says it
	}
	sub.queue = append(sub.queue, e)
	if sub.listener != nil {
		sub.listener.poke()
	}
}

// end takes a subscription out of the world with the error that its listener is told, once it has what is queued. An
// empty code tells nothing.
func (s *store) end(sub *subscription, code string) {
	if code != "" && sub.listener != nil {
		s.enqueue(sub, &event{kind: eventGone, code: code, time: time.Now()})
	}
	sub.gone = true
	delete(s.subs, sub.id)
	sub.mailbox.subs = slices.DeleteFunc(sub.mailbox.subs, func(x *subscription) bool { return x == sub })
	if sub.poke != nil {
		sub.poke()
	}
}

// sweep forgets what has expired. It is called by everything and looks at every subscription, so it first asks whether
// there can be any.
func (s *store) sweep() {
	now := time.Now()
	if s.nextSweep.IsZero() || now.Before(s.nextSweep) {
		return
	}
	s.nextSweep = time.Time{}
	for _, sub := range s.subs {
		switch {
		case sub.expired(now):
			s.end(sub, "")
		case sub.listener == nil && sub.kind != push:
			s.expireAt(sub.expires)
		}
	}
}

// expireAt notes that a subscription that nobody uses is to expire then.
func (s *store) expireAt(t time.Time) {
	if s.nextSweep.IsZero() || t.Before(s.nextSweep) {
		s.nextSweep = t
	}
}
