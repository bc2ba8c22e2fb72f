package ews

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/internal/service"
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
	var doubts []doubt
	for len(missing) > 0 && len(g.subscribed()) == 0 && len(doubts) < maxDoubts {
		first := missing[:1]
		missing = missing[1:]
		// Not one that was tried before, in vain: what is wrong with it must not be
		// in the way of the others.
		g.session = g.watch.client.sessionAt(g.url, first[0].Address)
		release := g.session.keep()
		defer release() // once the others have been made over the same connections
		switch err := g.subscribeSome(ctx, first); {
		case g.pulling.IsZero() && mayBeStreamless(err):
			doubts = append(doubts, doubt{first[0], err})
		case err != nil:
			return err
		}
		if len(g.subscribed()) == 0 {
			release()
		}
	}
	if err := g.settleDoubts(ctx, doubts); err != nil {
		return err
	}
	if len(missing) > 0 && len(g.subscribed()) == 0 {
		return errRegroup // those who were refused are out of the way now
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
		case !known && g.pulling.IsZero() && mayBeStreamless(r.err):
			failed = r.err // subscribeAll will see to it
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

// isMailboxes reports whether a failed subscription is a matter of one mailbox.
// What the service says, and what is not about who asks, is.
func (g *group) isMailboxes(err error) bool {
	failure, said := errors.AsType[*Error](err)
	return isUnspeakable(err) || said && !errors.Is(failure, outlookstream.ErrUnauthorized) && !isAffinityLost(err) && !errors.Is(err, ErrVersion) &&
		(failure.Code != "" || failure.Status < 300 || g.isBarred(failure))
}

// isBarred reports whether an error may say that one mailbox is closed to this
// service, as it can be in Exchange Online: a 403 to who acts as that mailbox. If
// all of the organization is, the others will be told the same.
func (g *group) isBarred(err error) bool {
	failure, said := errors.AsType[*Error](err)
	return said && failure.Status == http.StatusForbidden && g.watch.client.opts.Impersonate
}

// maxStrays is how often in a row a mailbox may fail to be routed to the server
// of its group, until it is taken for one that does not belong there.
const maxStrays = 2

// isElsewhere reports whether an error says that a mailbox is where the group's
// server does not reach, and nobody can be asked where. (Where it is on its way,
// the service says so for hours, and it may well come back.)
func (g *group) isElsewhere(err error) bool {
	failure, said := errors.AsType[*Error](err)
	return said && failure.Code == "ErrorProxyRequestNotAllowed" && !g.watch.client.opts.Discover && g.place.alone == ""
}

// refusedFor deals with a subscription that could not be made for one mailbox: it
// returns why the group cannot keep the mailbox; nil if it is to be tried again
// when it is due.
func (g *group) refusedFor(m *member, err error) *departure {
	failure, _ := errors.AsType[*Error](err)
	logger := g.watch.client.opts.Logger
	switch {
	case isAffinityLost(err), g.isElsewhere(err):
		// The service could not route the mailbox to the group's server, while it
		// does others. What says so (no GroupingInformation is known, or it has
		// changed) is not certain: a second time is.
		if m.strays++; m.strays >= maxStrays {
			logger.Warn("mailbox does not belong to its group", "mailbox", m.name(), "err", err)
			return &departure{stray: true}
		}
	case isMailboxFatal(err), g.isMailboxes(err) && classify(err) == reconnect.GiveUp:
		return &departure{err: err}
	case isMoved(err) && g.watch.client.opts.Discover:
		logger.Info("mailbox has moved", "mailbox", m.name(), "err", err)
		return &departure{}
	}
	if failure != nil && failure.BackOff > 0 {
		m.due = time.Now().Add(failure.BackOff) // as the service says: not earlier, nor later
	} else {
		m.due = time.Now().Add(m.policy.NextBackOff())
	}
	logger.Warn("not subscribed", "mailbox", m.name(), "again in", time.Until(m.due), "err", err)
	return nil
}

// nextDue returns when the next member may be tried that has no subscription;
// zero if there is none.
func (g *group) nextDue() (at time.Time) {
	for _, m := range g.members {
		if due := g.dueAt(m); m.subscription == nil && (at.IsZero() || due.Before(at)) {
			at = due
		}
	}
	return at
}

// dueAt returns when a member may be tried.
func (g *group) dueAt(m *member) time.Time {
	if busy := g.watch.client.busy.ends(g.watch.client.charged(m.Address)); busy.After(m.due) {
		return busy
	}
	return m.due
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
	defer g.session.keep()()
	next := make(chan *Subscription, len(subscriptions)) // nobody waits for a worker that does not return
	for _, s := range subscriptions {
		if !g.watch.client.busy.ends(g.watch.client.charged(s.Mailbox)).After(time.Now()) { // else it would be refused
			next <- s
		}
	}
	close(next)
	var workers sync.WaitGroup
	for range min(openers, len(subscriptions)) {
		workers.Go(func() {
			g.watch.guard(func() {
				for s := range next {
					if ctx.Err() == nil {
						_ = g.session.Unsubscribe(ctx, s) // one that is not ended expires
					}
				}
			})
		})
	}
	workers.Wait()
}
