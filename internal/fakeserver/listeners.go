package fakeserver

import (
	"net/http"
	"slices"
	"time"
)

// listen gives subscriptions of a user to a new listener, all or none of them. loseQueued is for what was queued while
// nobody listened.
//
// What happens to a second call with the same id is not known of the service. Our choice is that the newest call
// takes the subscription over; the older one ends cleanly when it has none left.
func (s *store) listen(user string, ids []string, loseQueued bool, mayRead func(itemKind) bool) (*listener, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	for _, id := range ids {
		if sub, ok := s.subs[id]; !ok || sub.user != user {
			return nil, noSubscription()
		}
	}
	for _, id := range ids {
		if !mayRead(s.subs[id].target.kind) {
			return nil, failf(http.StatusForbidden, codeAccessDenied, accessDenied)
		}
	}
	l := &listener{wake: make(chan struct{}, 1), subs: make(map[string]*subscription)}
	for _, id := range ids {
		sub := s.subs[id]
		if old := sub.listener; old != nil && old != l {
			delete(old.subs, id)
			if len(old.subs) == 0 {
				old.over = true
				old.poke()
			}
		}
		if loseQueued && sub.listener == nil {
			sub.queue = nil
		}
		sub.listener = l
		l.subs[id] = sub
	}
	l.poke()
	return l, nil
}

// leave gives them back. From now on each has its half hour.
func (s *store) leave(l *listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range l.subs {
		if sub.listener == l {
			sub.listener = nil
			sub.expires = time.Now().Add(unheard)
			s.expireAt(sub.expires)
		}
	}
	clear(l.subs)
}

// next takes the oldest notification that waits for a listener, who has to say delivered or putBack of it. over says
// that there is none and the stream is to end. What an older listener is still writing is waited for, as it may come back.
func (s *store) next(l *listener) (n *notification, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range l.subs {
		if len(sub.queue) == 0 || sub.flying > 0 && sub.flier != l {
			continue
		}
		if n == nil || sub.queue[0].order < n.order {
			n = sub.queue[0]
		}
	}
	if n == nil {
		return nil, l.over
	}
	n.sub.queue = n.sub.queue[1:]
	n.sub.flying++
	n.sub.flier = l
	if n.kind == changeRemoved {
		delete(l.subs, n.sub.id)
		n.sub.listener = nil
	}
	return n, false
}

// putBack returns notifications that could not be written to the front of their queues, so that the next listener
// gets them. Whether the service replays is not known; see also the fault loseBetween.
func (s *store) putBack(notes []*notification) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range slices.Backward(notes) {
		n.sub.failed = true
		if !n.sub.gone {
			n.sub.queue = slices.Insert(n.sub.queue, 0, n)
		}
		n.sub.landed()
	}
}

// stamp is what a notification says of its subscription when it is written: the expiry, which moves on only if the
// notification before was delivered, and the number.
func (s *store) stamp(n *notification, skip bool) (expires time.Time, sequence int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if skip {
		n.sub.skipped++
	}
	if !n.sub.failed {
		n.sub.told = time.Now().Add(unheard)
	}
	return n.sub.told, n.sequence + n.sub.skipped
}

// delivered notes that a notification was written.
func (s *store) delivered(n *notification) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n.sub.failed = false
	n.sub.landed()
}

// ExpireSubscriptions ends subscriptions now, as if nobody had listened to them for half an hour; no ids means all. It
// returns how many there were, those of Exchange Web Services included. A stream that has one of them ends cleanly: our
// choice, as it could not happen.
func (s *Server) ExpireSubscriptions(ids ...string) int {
	return s.store.expire(ids) + s.exchange.ExpireSubscriptions(ids...)
}

func (s *store) expire(ids []string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	expired := 0
	for id, sub := range s.subs {
		if len(ids) > 0 && !slices.Contains(ids, id) {
			continue
		}
		expired++
		s.remove(sub)
		sub.queue = nil
		if l := sub.listener; l != nil {
			sub.listener = nil
			delete(l.subs, id)
			l.over = true
			l.poke()
		}
	}
	return expired
}

// Subscriptions returns those that are alive, in order of creation.
func (s *Server) Subscriptions() []Subscription { return s.store.subscriptions() }

func (s *store) subscriptions() []Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	all := make([]Subscription, 0, len(s.subs))
	for _, sub := range s.sorted() {
		expires := sub.expires
		if sub.listener != nil {
			expires = time.Now().Add(unheard)
		}
		all = append(all, Subscription{
			ID: sub.id, User: sub.user, Mailbox: sub.target.owner, Resource: sub.resource, ChangeType: sub.changes.echo,
			Created: sub.created, Expires: expires, Listening: sub.listener != nil, Queued: len(sub.queue),
			Sequence: sub.sequence + sub.skipped,
		})
	}
	return all
}
