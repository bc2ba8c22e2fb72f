package ews

import (
	"context"
	"sync"
	"time"
)

// unsubscribeAll gives back what the group has: each subscription counts
// against its mailbox's limit until it expires.
func (g *group) unsubscribeAll() { g.unsubscribe(g.subscribed()) }

// farewell is how long a watch takes to give its subscriptions back.
const farewell = 5 * time.Second

// unsubscribe ends subscriptions, as far as that can be done quickly.
func (g *group) unsubscribe(subscriptions []*Subscription) {
	if g.session == nil || len(subscriptions) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(g.watch.ctx), farewell)
	defer cancel()
	defer g.session.keep()()
	next := make(chan *Subscription, len(subscriptions)) // nobody waits for a worker that does not return
	for _, s := range subscriptions {
		next <- s
	}
	close(next)
	var workers sync.WaitGroup
	for range min(openers, len(subscriptions)) {
		workers.Go(func() {
			g.watch.guard(func() {
				for s := range next {
					if ctx.Err() == nil && !g.watch.client.isBusy(s.Mailbox) { // else it would be refused
						_ = g.session.Unsubscribe(ctx, s) // one that is not ended expires
					}
				}
			})
		})
	}
	workers.Wait()
}
