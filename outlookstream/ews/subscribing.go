package ews

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/service"
)

// openers is how many subscriptions of a group are made at a time. An account
// may make 27 calls at once, for all its programs and groups.
const openers = 4

// subscribeAll makes the subscriptions that are missing and may be tried. The
// first goes alone: its answer says which server the others are to go to. An
// error concerns the group; what concerns one mailbox is dealt with here. Where
// others are to be listened to, some are left to be subscribed to beside that.
func (g *group) subscribeAll(ctx context.Context) error {
	missing := g.missing()
	if len(g.subscribed()) > 0 && g.pulling.IsZero() {
		missing = slices.DeleteFunc(missing, func(m *member) bool { return m.beside })
	}
	if len(missing) == 0 {
		return nil
	}
	var doubts []doubt
	for len(missing) > 0 && len(g.subscribed()) == 0 && len(doubts) < maxDoubts {
		first := missing[:1]
		missing = missing[1:]
		if g.dueAt(first[0]).After(time.Now()) { // by now: the service has asked all to wait
			continue
		}
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

// missing returns the members that need a subscription and may have one now, those
// first that have not kept the others waiting.
func (g *group) missing() (due []*member) {
	now := time.Now()
	for _, m := range g.sorted() {
		if m.subscription == nil && !g.dueAt(m).After(now) {
			due = append(due, m)
		}
	}
	slices.SortStableFunc(due, func(a, b *member) int { return cmp.Compare(a.lost, b.lost) })
	return due
}

// subscribeSome makes subscriptions for members.
func (g *group) subscribeSome(ctx context.Context, members []*member) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	known := len(g.subscribed()) > 0 // the server that the group goes to
	concernsOne := func(err error) bool { return g.isMailboxes(err) || isAffinityLost(err) && known }
	all := g.subscribeEach(ctx, members, func(err error) {
		if !concernsOne(err) {
			cancel(err) // the others would fail, too
		}
	})
	for _, a := range all { // before anything else: what is not known of is not given back
		if a.err == nil {
			g.subscribedTo(a.member, a.subscription)
		}
	}
	var failed error
	for _, a := range all {
		if a.lost {
			a.answerLost()
		}
		switch {
		case a.err == nil, a.err == errNotAsked:
		case !known && g.pulling.IsZero() && mayBeStreamless(a.err):
			failed = a.err // subscribeAll will see to it
		case concernsOne(a.err):
			g.accepted()
			if d := g.refusedFor(a.member, a.err); d != nil {
				if err := g.depart(a.member, d); err != nil {
					return err
				}
			}
		default:
			a.beside = a.beside || !isAnswer(a.err)
			if failed == nil || errors.Is(failed, context.Canceled) {
				failed = a.err
			}
		}
	}
	if failed != nil {
		return service.Because(ctx, failed)
	}
	return nil
}

// An asked is what became of a member's subscription.
type asked struct {
	*member
	subscription *Subscription
	err          error
	lost         bool // with err: it may be there, and only its answer got lost
}

// errNotAsked says that a member was not to be tried any more.
var errNotAsked = errors.New("the mailbox was not asked for")

// subscribeEach tries members, a few at a time, for as long as ctx lasts and the
// service does not ask to be left alone. failed hears of each error when it comes,
// on any goroutine.
func (g *group) subscribeEach(ctx context.Context, members []*member, failed func(error)) []asked {
	all := make([]asked, len(members))
	next := make(chan *asked, len(members)) // nobody waits for a worker that does not return
	for i, m := range members {
		all[i] = asked{member: m, err: errNotAsked}
		next <- &all[i]
	}
	close(next)
	var workers sync.WaitGroup
	for range min(openers, len(members)) {
		workers.Go(func() {
			g.watch.guard(func() {
				for a := range next {
					if ctx.Err() != nil || g.dueAt(a.member).After(time.Now()) {
						continue
					}
					a.err = errFallen // unless it returns
					g.ask(ctx, a)
					if a.err != nil {
						failed(a.err)
					}
				}
			})
		})
	}
	workers.Wait()
	return all
}

// subscribedTo takes note of a subscription that was made.
func (g *group) subscribedTo(m *member, s *Subscription) {
	m.subscription, m.since, m.strays, m.lost, m.beside, m.due = s, time.Now(), 0, 0, false, time.Time{}
	g.accepted()
	g.watch.client.opts.Logger.Info("subscribed", "mailbox", m.name(), "server", s.BEServer)
}

// ask makes the kind of subscription that the group needs.
func (g *group) ask(ctx context.Context, a *asked) {
	call := await(ctx)
	defer call.end()
	if g.pulling.IsZero() {
		a.subscription, a.err = g.session.Subscribe(call.ctx, a.Mailbox)
	} else {
		a.subscription, a.err = g.session.SubscribePull(call.ctx, a.Mailbox, &PullOptions{Timeout: pullTimeout})
	}
	a.lost = a.err != nil && call.sent.Load() && !isAnswer(a.err)
}
