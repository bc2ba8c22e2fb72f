package ews

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream"
)

// A group is the mailboxes that share one stream, and the way to their server.
// Its goroutine is that of its loop; others only leave word of what is to
// change.
type group struct {
	watch *watch
	place place
	url   *url.URL
	loop  *reconnect.Loop

	session *Session // nil: to be made, with the first of the members as its anchor
	members map[string]*member
	silent  time.Time // since when the server has not answered; zero: its last word was an answer
	warned  bool      // in the log, that it stays away
	dumb    int       // how many streams in a row have brought nothing
	brief   int       // how many in a row have brought something, and no heartbeat
	briefly time.Time // when the first of those was opened
	unnamed int       // how many in a row have ended with the end for one that was not named
	adrift  int       // how often in a row the group has lost its server
	pulling time.Time // until when the group asks instead of listening; zero: it listens

	// unproven is why it asks, until that has been seen to work; nil: it has.
	unproven error

	told bool // what was owed before the stream that is open

	mu      sync.Mutex
	begun   bool
	over    bool // it takes no mailbox any more
	size    int  // with what is to come
	coming  []*member
	leaving []*membership
	cancel  context.CancelCauseFunc // ends the attempt that is going on; nil: none is
	late    *late                   // sees to those who come; nil: they have to interrupt
}

// errRegroup ends an attempt because the group is to change.
var errRegroup = errors.New("the group is to change")

// errNobody ends a group that has no mailbox any more.
var errNobody = errors.New("the group has no mailbox any more")

func newGroup(w *watch, at place, u *url.URL) *group {
	g := &group{watch: w, place: at, url: u, members: make(map[string]*member)}
	b := w.client.opts.Backoff
	g.loop = reconnect.NewLoop(g, reconnect.NewPolicy(b.Initial, b.Max), b.ResetAfter)
	return g
}

func (g *group) run() {
	err := g.live()
	n := news{ended: g, err: err}
	switch {
	case errors.Is(err, errNobody):
		n.err = nil
	case errors.Is(err, errAway):
		n.err, n.owed = nil, g.owing()
	}
	_ = g.watch.tell(n)
}

func (g *group) live() error {
	defer g.unsubscribeAll() // also if a Trace function panics
	return g.loop.Run(g.watch.ctx)
}

// Attempt is one connection: from whatever must be done to get it to its end.
func (g *group) Attempt() (goodFor time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(g.watch.ctx)
	defer cancel(nil)
	if !g.change(cancel) {
		return 0, reconnect.Permanent(errNobody)
	}
	if g.isAway() {
		return 0, reconnect.Permanent(errAway)
	}
	goodFor, err = g.connectAndDeliver(ctx, cancel)
	if g.watch.ctx.Err() == nil && context.Cause(ctx) == errRegroup {
		err = errRegroup
	}
	return goodFor, err
}

// depart lets a member go that the group cannot keep.
func (g *group) depart(m *member, d *departure) error {
	delete(g.members, m.key())
	g.anchorAgain()
	m.forget(outlookstream.ErrResubscribed)
	d.membership, d.owed = m.membership, m.owed
	return g.watch.tell(news{gone: d})
}

// sorted returns the members by address. The first is the anchor of a new
// session.
func (g *group) sorted() []*member {
	return slices.SortedFunc(maps.Values(g.members), func(a, b *member) int { return byAddress(a.Mailbox, b.Mailbox) })
}

// subscribed returns the subscriptions there are.
func (g *group) subscribed() (subscriptions []*Subscription) {
	for _, m := range g.sorted() {
		if m.subscription != nil {
			subscriptions = append(subscriptions, m.subscription)
		}
	}
	return subscriptions
}

// Classify says what to do about the end of an attempt.
func (g *group) Classify(err error) reconnect.Verdict {
	if err == errRegroup {
		return reconnect.Verdict{Action: reconnect.Renew}
	}
	verdict := reconnect.Verdict{Action: classify(err)}
	if isUnnamed(err) {
		verdict.Action = reconnect.Resubscribe
	}
	g.noteEnd(err)
	if failure, said := errors.AsType[*Error](err); said {
		verdict.Answered, verdict.RetryAfter, verdict.Challenge = true, failure.BackOff, failure.challenge != ""
	}
	return verdict
}

// Lost makes a Resync due: what happens between two connections may be missed.
// Who asks with a watermark misses nothing.
func (g *group) Lost() {
	if !g.pulling.IsZero() {
		return
	}
	for _, m := range g.members {
		if m.owed == nil {
			m.owed = outlookstream.ErrReconnected
		}
	}
}

// Forget drops the subscriptions that err says are gone; all, where it does not
// tell which.
func (g *group) Forget(err error) {
	if isAffinityLost(err) {
		g.moveOn()
		return
	}
	named := false
	if failure, said := errors.AsType[*Error](err); said {
		members := g.bySubscription()
		for _, id := range failure.Subscriptions {
			if m := members[id]; m != nil {
				m.forget(outlookstream.ErrResubscribed)
				named = true
			}
		}
	}
	if !named {
		g.unsubscribeAll() // they may live on, and count
		g.forgetAll(outlookstream.ErrResubscribed)
	}
}
