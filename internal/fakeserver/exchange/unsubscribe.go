package exchange

// unsubscribe serves Unsubscribe. Documentation has it for pull subscriptions only; that it works for streaming ones is
// what every client counts on.
func (s *Server) unsubscribe(c *call) {
	f := s.store.unsubscribe(c, c.request.child(nsMessages, "SubscriptionId").value())
	if f != nil {
		c.refuse(f)
		return
	}
	c.respond(c.operation, message{})
}

func (s *store) unsubscribe(c *call, id string) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, f := s.find(c, id)
	switch {
	case f != nil:
		return f
	case sub.kind == push:
		return fail(codeInvalidPullSubscription)
	}
	sub.queue = nil
	s.end(sub, codeSubscriptionUnsub)
	return nil
}

// find is what every operation does with a subscription's id first: is it here, and is it the caller's. The lock is held.
func (s *store) find(c *call, id string) (*subscription, *failure) {
	s.sweep()
	sub, ok := s.subs[id]
	switch {
	case !ok || sub.backEnd != c.backEnd:
		return nil, fail(codeSubscriptionNotFound)
	case sub.owner != c.account.Name:
		return nil, fail(codeSubscriptionAccess)
	}
	return sub, nil
}
