package exchange

import (
	"errors"
	"net/http"
	"slices"
	"time"
)

// settle is how long HTTP/2 gets to put on the wire what was written before a reset: it flushes behind the handler's back.
const settle = 10 * time.Millisecond

// listen serves GetStreamingEvents.
func (s *Server) listen(c *call) {
	var ids []string
	for _, n := range c.request.child(nsMessages, "SubscriptionIds").children {
		if id := n.value(); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if f := c.limitStream(len(ids)); f != nil {
		c.refuse(f)
		return
	}
	timeout := minutes(c.request.child(nsMessages, "ConnectionTimeout"))
	if limit := s.opts.MaxConnection; limit > 0 {
		timeout = min(timeout, limit)
	}
	l, bad := s.store.listen(c, ids)
	st := newStream(c, l, timeout)
	s.mu.Lock()
	s.streams[st] = struct{}{}
	s.mu.Unlock()
	err := st.run(bad)
	st.faults.GiveBack(st.out.cutAt >= 0 && st.out.written >= st.out.cutAt)
	s.store.leave(l)
	s.mu.Lock()
	delete(s.streams, st)
	s.mu.Unlock()
	switch {
	case errors.Is(err, errReset):
		if c.r.ProtoMajor == 2 {
			st.pause(settle)
		}
		s.host.Reset(c.r)
		panic(http.ErrAbortHandler)
	case !errors.Is(err, errEnded):
		panic(http.ErrAbortHandler)
	}
}

// listen gives subscriptions to a new listener, all or none of them. With one that is not here, or not the caller's, the
// others are left alone. Whoever has one of them loses it, and learns of it.
func (s *store) listen(c *call, ids []string) (*listener, *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &listener{wake: make(chan struct{}, 1)}
	var subs []*subscription
	var missing, foreign []string
	for _, id := range ids {
		sub, f := s.find(c, id)
		switch {
		case f == nil && sub.kind == streaming:
			subs = append(subs, sub)
		case f == nil || f.code == codeSubscriptionNotFound:
			missing = append(missing, id)
		default:
			foreign = append(foreign, id)
		}
	}
	if len(missing) > 0 {
		return l, fail(codeInvalidSubscription).of(missing...)
	}
	if len(foreign) > 0 {
		return l, fail(codeSubscriptionAccess).of(foreign...)
	}
	for _, sub := range subs {
		if old := sub.listener; old != nil {
			old.kicked = true
			old.poke()
		}
		sub.listener = l
	}
	l.subs = subs
	l.poke()
	return l, nil
}

// leave gives them back. From now on each has its time until it expires.
func (s *store) leave(l *listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range l.subs {
		if sub.listener == l {
			sub.listener = nil
			sub.expires = time.Now().Add(sub.timeout)
			s.expireAt(sub.expires)
		}
	}
	l.subs = nil
}

// delivery is what one envelope says.
type delivery struct {
	batches []batch
	failure *failure // in place of them
	last    bool     // the stream has no reason to go on
}

// batch is what one subscription has to tell.
type batch struct {
	id     string
	events []*event
}

// next takes what waits for a listener out of the queues; false if there is nothing. What is taken and cannot be written
// is lost, as nothing at the service could bring it back: our choice, and the harder one for a client.
func (s *store) next(l *listener) (delivery, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.kicked {
		var ids []string
		for _, sub := range l.subs {
			if sub.listener != l {
				ids = append(ids, sub.id)
			}
		}
		return delivery{failure: fail(codeNewStream).of(ids...), last: true}, true
	}
	if code, ids := l.troubled(); code != "" {
		return delivery{failure: fail(code).of(ids...), last: len(l.subs) == 0}, true
	}
	var d delivery
	for _, sub := range l.subs {
		n := 0
		for n < min(len(sub.queue), maxEvents) && sub.queue[n].kind != eventMissed && sub.queue[n].kind != eventGone {
			n++
		}
		if n == 0 {
			continue
		}
		d.batches = append(d.batches, batch{sub.id, sub.queue[:n:n]})
		if sub.queue = sub.queue[n:]; len(sub.queue) == 0 {
			sub.queue = nil
		}
	}
	return d, len(d.batches) > 0
}

// troubled takes what is wrong with subscriptions out of their queues, where it is its turn: one code, of all that have it.
func (l *listener) troubled() (code string, ids []string) {
	l.subs = slices.DeleteFunc(l.subs, func(sub *subscription) bool {
		if len(sub.queue) == 0 {
			return false
		}
		first := sub.queue[0]
		found := codeMissed
		switch {
		case first.kind == eventGone:
			found = first.code
		case first.kind != eventMissed:
			return false
		}
		if code != "" && found != code {
			return false
		}
		code, ids = found, append(ids, sub.id)
		sub.queue = sub.queue[1:]
		if first.kind == eventGone {
			sub.listener = nil
		}
		return first.kind == eventGone
	})
	return code, ids
}

// missed drops what waits in a listener's first subscription, and has it told so.
func (s *store) missed(l *listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(l.subs) > 0 {
		l.subs[0].queue = []*event{{kind: eventMissed, time: time.Now()}}
	}
}

// drop deletes a listener's first subscription.
func (s *store) drop(l *listener, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(l.subs) > 0 && !l.subs[0].gone {
		l.subs[0].queue = nil
		s.end(l.subs[0], code)
	}
}

// listed are the ids of a listener's subscriptions.
func (s *store) listed(l *listener) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, len(l.subs))
	for i, sub := range l.subs {
		ids[i] = sub.id
	}
	return ids
}
