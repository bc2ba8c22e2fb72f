package ews

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/service"
)

// openers is how many subscriptions of a group are made at a time. An account
// may make 27 calls at once, for all its programs and groups.
const openers = 4

// subscribeAll makes the subscriptions that are missing and may be tried. The
// first goes alone: its answer says which server the others are to go to. An
// error concerns the group; what concerns one mailbox is dealt with here.
func (g *group) subscribeAll(ctx context.Context) error {
	missing := g.missing()
	if len(missing) == 0 {
		return nil
	}
	for len(missing) > 0 && len(g.subscribed()) == 0 {
		first := missing[:1]
		missing = missing[1:]
		// Not one that was tried before, in vain: what is wrong with it must not be
		// in the way of the others.
		g.session = g.watch.client.sessionAt(g.url, first[0].Address)
		release := g.session.keep()
		defer release() // once the others have been made over the same connections
		if err := g.subscribeSome(ctx, first); err != nil {
			return err
		}
		if len(g.subscribed()) == 0 {
			release()
		}
	}
	if len(missing) > 0 && g.session != nil {
		defer g.session.keep()()
		if err := g.subscribeSome(ctx, missing); err != nil {
			return err
		}
	}
	g.anchorAgain()
	return nil
}

// missing returns the members that need a subscription and may have one now.
func (g *group) missing() (due []*member) {
	now := time.Now()
	for _, m := range g.sorted() {
		if m.subscription == nil && !g.dueAt(m).After(now) {
			due = append(due, m)
		}
	}
	return due
}

// subscribeSome makes subscriptions for members, a few at a time.
func (g *group) subscribeSome(ctx context.Context, members []*member) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type result struct {
		subscription *Subscription
		err          error
	}
	results := make([]result, len(members))
	known := len(g.subscribed()) > 0 // the server that the group goes to
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(openers, len(members)) {
		workers.Go(func() {
			g.watch.guard(func() {
				for i := range next {
					r := &results[i]
					r.err = errFallen // unless it returns
					r.subscription, r.err = g.subscribeOne(ctx, members[i].Mailbox)
					if r.err != nil && !g.isMailboxes(r.err) && !(isAffinityLost(r.err) && known) {
						cancel(r.err) // the others would fail, too
					}
				}
			})
		})
	}
	started := 0
	for started < len(members) && ctx.Err() == nil {
		select {
		case next <- started:
			started++
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()

	var failed error
	for i, m := range members[:started] {
		r := results[i]
		switch {
		case r.err == nil:
			g.subscribedTo(m, r.subscription)
		case isAffinityLost(r.err) && known, g.isMailboxes(r.err):
			g.accepted()
			if d := g.refusedFor(m, r.err); d != nil {
				if err := g.depart(m, d); err != nil {
					return err
				}
			}
		default:
			if failed == nil || errors.Is(failed, context.Canceled) {
				failed = r.err
			}
		}
	}
	if failed != nil {
		return service.Because(ctx, failed)
	}
	return nil
}

// subscribedTo takes note of a subscription that was made.
func (g *group) subscribedTo(m *member, s *Subscription) {
	m.subscription, m.since, m.strays, m.due = s, time.Now(), 0, time.Time{}
	g.accepted()
	g.watch.client.opts.Logger.Info("subscribed", "mailbox", m.name(), "server", s.BEServer)
}

// subscribeOne makes the kind of subscription that the group needs.
func (g *group) subscribeOne(ctx context.Context, m Mailbox) (*Subscription, error) {
	if g.pulling.IsZero() {
		return g.session.Subscribe(ctx, m)
	}
	return g.session.SubscribePull(ctx, m, &PullOptions{Timeout: pullTimeout})
}
