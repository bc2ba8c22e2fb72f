package ews

import (
	"context"
	"slices"

	"github.com/calwatch/calwatch/internal/reconnect"
)

// Who belongs to a group. The watch leaves word of who comes and who goes; the
// group's goroutine follows it when it gets to it.

// hasRoom reports whether another mailbox may be added.
func (g *group) hasRoom() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.over && g.size < groupSize
}

// add leaves word of a mailbox that comes, and of why it is to be read then.
func (g *group) add(m *membership, owed error) {
	b := g.watch.client.opts.Backoff
	g.mu.Lock()
	defer g.mu.Unlock()
	g.coming = append(g.coming, &member{Mailbox: m.mailbox, membership: m, owed: owed, policy: reconnect.NewPolicy(b.Initial, b.Max)})
	g.size++
	if g.late != nil {
		g.late.wake()
	} else {
		g.interrupt()
	}
}

// hasNewcomers reports whether somebody has come. From now on, who comes
// interrupts.
func (g *group) hasNewcomers() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.late = nil
	return len(g.coming) > 0
}

// remove leaves word of a mailbox that goes.
func (g *group) remove(m *membership) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.coming = slices.DeleteFunc(g.coming, func(other *member) bool { return other.membership == m })
	g.leaving = append(g.leaving, m)
	g.interrupt()
}

// isOver reports whether the group takes no mailbox any more, and listens no more.
func (g *group) isOver() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.over
}

// interrupt ends the attempt that is going on. g.mu is held.
func (g *group) interrupt() {
	if g.cancel != nil {
		g.cancel(errRegroup)
	}
}

// begin starts the group's goroutine, unless it runs.
func (g *group) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.begun {
		return
	}
	g.begun = true
	g.watch.spawn(g.run)
}

// change does what word was left of, and reports whether anybody is left. From
// now on, cancel is how to interrupt.
func (g *group) change(cancel context.CancelCauseFunc) bool {
	g.mu.Lock()
	coming, leaving := g.coming, g.leaving
	g.coming, g.leaving = nil, nil
	g.cancel = cancel
	g.mu.Unlock()

	g.leave(leaving)
	for _, m := range coming {
		g.members[m.key()] = m
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	g.size = len(g.members) + len(g.coming)
	g.over = g.size == 0
	return !g.over
}

// leave lets members go, and their subscriptions with them.
func (g *group) leave(leaving []*membership) {
	var subscriptions []*Subscription
	for _, s := range leaving {
		m := g.members[s.mailbox.key()]
		if m == nil || m.membership != s {
			continue // it has gone already
		}
		delete(g.members, m.key())
		if m.subscription != nil {
			subscriptions = append(subscriptions, m.subscription)
		}
	}
	g.unsubscribe(subscriptions)
	g.anchorAgain()
}
