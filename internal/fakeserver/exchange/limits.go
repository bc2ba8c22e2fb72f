package exchange

import "sync"

// Limits are how much there may be of what at once. In each, 0 means the default, and a negative number no limit.
type Limits struct {
	// Streams is how many GetStreamingEvents calls: of the account, or of each mailbox that it impersonates. Default 10,
	// as at Exchange Online and since 2016; Exchange 2013 has 3.
	Streams int `json:"streams,omitzero"`
	// Calls is how many other calls, counted in the same way. Default 27.
	Calls int `json:"calls,omitzero"`
	// Subscriptions is how many of a mailbox, of all programs together. Default 20.
	Subscriptions int `json:"subscriptions,omitzero"`
	// IDs is how many subscriptions one stream may have. Default 200.
	IDs int `json:"ids,omitzero"`
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Streams, 10}, {&l.Calls, 27}, {&l.Subscriptions, 20}, {&l.IDs, 200}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

// budgets counts what is going on.
type budgets struct {
	mu     sync.Mutex
	limits Limits
	open   map[budget]int
}

// budget is one of what a request is charged to.
type budget struct {
	of     string // see charged
	stream bool
}

func newBudgets(l Limits) *budgets {
	return &budgets{limits: l.withDefaults(), open: make(map[budget]int)}
}

// SetLimits changes the limits. What is there already stays, and counts.
func (s *Server) SetLimits(l Limits) {
	s.budgets.mu.Lock()
	defer s.budgets.mu.Unlock()
	s.budgets.limits = l.withDefaults()
}

func (b *budgets) now() Limits {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limits
}

func over(have, limit int) bool { return limit >= 0 && have >= limit }

func (b *budgets) enter(of budget) (leave func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := b.limits.Calls
	if of.stream {
		limit = b.limits.Streams
	}
	if over(b.open[of], limit) {
		return nil, false
	}
	b.open[of]++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.open[of]--; b.open[of] == 0 {
			delete(b.open, of)
		}
	}, true
}

// charged is whose budget the request uses: impersonation charges the mailbox's, not the account's.
func (c *call) charged() string {
	if c.impersonated != "" {
		return c.mailbox.address
	}
	return c.account.Name
}

// limit is about how many requests and streams there may be at once, and about throttling. What is counted is given
// back with onLeave.
func (c *call) limit() (*failure, bool) {
	if shape, backOff, ok := c.server.throttle.take(c.charged(), c.operation); ok {
		return busy(shape, backOff), false
	}
	leave, ok := c.server.budgets.enter(budget{c.charged(), c.operation == "GetStreamingEvents"})
	if !ok {
		return faulted(codeTooManyConnections), false
	}
	c.onLeave(leave)
	return nil, false
}

// limitSubscriptions is asked under the store's lock, before a subscription is made; have is how many the mailbox has already.
func (c *call) limitSubscriptions(have int) *failure {
	if over(have, c.server.budgets.now().Subscriptions) {
		return fail(codeTooManySubscriptions)
	}
	return nil
}

// limitStream is asked before a stream is opened with so many subscriptions. The documentation has the number, and not
// what happens beyond it: this is our choice.
func (c *call) limitStream(ids int) *failure {
	if limit := c.server.budgets.now().IDs; limit >= 0 && ids > limit {
		return faultf(codeInvalidRequest, "The request is invalid: a request may have %d subscriptions at most.", limit)
	}
	return nil
}
