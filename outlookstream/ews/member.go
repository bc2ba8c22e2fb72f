package ews

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
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
		if g.session == nil {
			g.session = g.watch.client.sessionAt(g.url, first[0].Address)
		}
		if err := g.subscribeSome(ctx, first); err != nil {
			return err
		}
	}
	return g.subscribeSome(ctx, missing)
}

// missing returns the members that need a subscription and may have one now.
func (g *group) missing() (due []*member) {
	now := time.Now()
	for _, m := range g.sorted() {
		if m.subscription == nil && !m.due.After(now) {
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
			for i := range next {
				r := &results[i]
				r.subscription, r.err = g.subscribeOne(ctx, members[i].Mailbox)
				if r.err != nil && !isMailboxes(r.err) && !(isAffinityLost(r.err) && known) {
					cancel(r.err) // the others would fail, too
				}
			}
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
			m.subscription, m.strays = r.subscription, 0
			m.due = time.Time{}
			m.policy.Reset()
			g.loop.Accepted()
			g.watch.client.opts.Logger.Info("subscribed", "mailbox", m.name(), "server", r.subscription.BEServer)
		case isAffinityLost(r.err) && known:
			g.loop.Accepted()
			if err := g.stray(m, r.err); err != nil {
				return err
			}
		case !isMailboxes(r.err):
			if failed == nil || errors.Is(failed, context.Canceled) {
				failed = r.err
			}
		default:
			g.loop.Accepted()
			if err := g.refusedFor(m, r.err); err != nil {
				return err
			}
		}
	}
	if failed != nil {
		return because(ctx, failed)
	}
	return nil
}

// subscribeOne makes the kind of subscription that the group needs.
func (g *group) subscribeOne(ctx context.Context, m Mailbox) (*Subscription, error) {
	if g.pulling.IsZero() {
		return g.session.Subscribe(ctx, m)
	}
	return g.session.SubscribePull(ctx, m, &PullOptions{Timeout: pullTimeout})
}

// isMailboxes reports whether a failed subscription is a matter of one mailbox.
// What the service says, and what is not about who asks, is.
func isMailboxes(err error) bool {
	failure, said := errors.AsType[*Error](err)
	return said && !errors.Is(failure, outlookstream.ErrUnauthorized) && !isAffinityLost(err) && !errors.Is(err, ErrVersion) &&
		!(failure.Code == "" && failure.Status >= 300)
}

// maxStrays is how often in a row a mailbox may fail to be routed to the server
// of its group, until it is taken for one that does not belong there.
const maxStrays = 2

// stray deals with a mailbox that the service could not route to the group's
// server, while it does others. What says so (no GroupingInformation is known,
// or it has changed) is not certain: a second time is.
func (g *group) stray(m *member, err error) error {
	if m.strays++; m.strays < maxStrays {
		m.due = time.Now().Add(m.policy.NextBackOff())
		return nil
	}
	g.watch.client.opts.Logger.Warn("mailbox does not belong to its group", "mailbox", m.name(), "err", err)
	return g.depart(m, &departure{mailbox: m.Mailbox, from: g, stray: true})
}

// refusedFor deals with a subscription that could not be made for one mailbox.
func (g *group) refusedFor(m *member, err error) error {
	failure, _ := errors.AsType[*Error](err)
	switch {
	case isMailboxFatal(err):
		return g.depart(m, &departure{mailbox: m.Mailbox, from: g, err: err})
	case isMoved(err):
		g.watch.client.opts.Logger.Info("mailbox has moved", "mailbox", m.name(), "err", err)
		return g.depart(m, &departure{mailbox: m.Mailbox, from: g})
	case failure.BackOff > 0:
		m.due = time.Now().Add(failure.BackOff) // as the service says: not earlier, nor later
	default:
		m.due = time.Now().Add(m.policy.NextBackOff())
	}
	g.watch.client.opts.Logger.Warn("not subscribed", "mailbox", m.name(), "again in", time.Until(m.due), "err", err)
	return nil
}

// nextDue returns when the next member may be tried that has no subscription;
// zero if there is none.
func (g *group) nextDue() (at time.Time) {
	for _, m := range g.members {
		if m.subscription == nil && (at.IsZero() || m.due.Before(at)) {
			at = m.due
		}
	}
	return at
}

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
	next := make(chan *Subscription)
	var workers sync.WaitGroup
	for range min(openers, len(subscriptions)) {
		workers.Go(func() {
			for s := range next {
				if ctx.Err() == nil {
					_ = g.session.Unsubscribe(ctx, s) // one that is not ended expires
				}
			}
		})
	}
	for _, s := range subscriptions {
		next <- s
	}
	close(next)
	workers.Wait()
}
