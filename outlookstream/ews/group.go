package ews

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
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
	warned  bool      // in the log, that it stays away
	pulling time.Time // until when the group asks instead of listening; zero: it listens
	dumb    int       // how many streams in a row have brought nothing

	mu      sync.Mutex
	begun   bool
	over    bool // it takes no mailbox any more
	size    int  // with what is to come
	coming  []Mailbox
	leaving []string                // keys
	cancel  context.CancelCauseFunc // ends the attempt that is going on; nil: none is
}

// A member is a mailbox of a group.
type member struct {
	Mailbox
	subscription *Subscription // nil: to be made
	owed         error         // Reason of the Resync due before any other event; nil if none
	due          time.Time     // when a subscription may be tried; zero: now
	policy       *reconnect.Policy
	strays       int // how often in a row the service could not route it to the group's server
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

// hasRoom reports whether another mailbox may be added.
func (g *group) hasRoom() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.over && g.size < groupSize
}

// add leaves word of a mailbox that comes.
func (g *group) add(m Mailbox) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.coming = append(g.coming, m)
	g.size++
	g.interrupt()
}

// remove leaves word of a mailbox that goes.
func (g *group) remove(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.coming = slices.DeleteFunc(g.coming, func(m Mailbox) bool { return m.key() == key })
	g.leaving = append(g.leaving, key)
	g.interrupt()
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
	g.watch.running.Go(g.run)
}

func (g *group) run() {
	err := g.loop.Run(g.watch.ctx)
	g.unsubscribeAll()
	if errors.Is(err, errNobody) {
		err = nil
	}
	_ = g.watch.tell(news{ended: g, err: err})
}

// Attempt is one connection: from whatever must be done to get it to its end.
func (g *group) Attempt() (goodFor time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(g.watch.ctx)
	defer cancel(nil)
	if !g.change(cancel) {
		return 0, reconnect.Permanent(errNobody)
	}
	goodFor, err = g.connectAndDeliver(ctx, cancel)
	if g.watch.ctx.Err() == nil && context.Cause(ctx) == errRegroup {
		err = errRegroup
	}
	return goodFor, err
}

// change does what word was left of, and reports whether anybody is left. From
// now on, cancel is how to interrupt.
func (g *group) change(cancel context.CancelCauseFunc) bool {
	g.mu.Lock()
	coming, leaving := g.coming, g.leaving
	g.coming, g.leaving = nil, nil
	g.cancel = cancel
	g.mu.Unlock()

	for _, key := range leaving {
		if m := g.members[key]; m != nil {
			g.leave(m)
		}
	}
	b := g.watch.client.opts.Backoff
	for _, mailbox := range coming {
		g.members[mailbox.key()] = &member{Mailbox: mailbox, owed: outlookstream.ErrStarted, policy: reconnect.NewPolicy(b.Initial, b.Max)}
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	g.size = len(g.members) + len(g.coming)
	g.over = g.size == 0
	return !g.over
}

// leave lets a member go, and its subscription with it.
func (g *group) leave(m *member) {
	delete(g.members, m.key())
	if m.subscription != nil {
		g.unsubscribe([]*Subscription{m.subscription})
	}
	g.reanchor(m)
}

// reanchor has another mailbox stand for the group when the one that did has
// gone. The subscriptions stay: where they are is in the session's cookies.
func (g *group) reanchor(gone *member) {
	if g.session == nil || !strings.EqualFold(g.session.anchor, gone.Address) {
		return
	}
	for _, m := range g.sorted() {
		if m.subscription != nil {
			g.session = g.session.anchoredAt(m.Address)
			return
		}
	}
	g.session = nil
}

// anchorFailed is called when no stream can be opened as the mailbox that stands
// for the group.
func (g *group) anchorFailed(err error) error {
	for _, m := range g.sorted() {
		if strings.EqualFold(g.session.anchor, m.Address) {
			if err := g.depart(m, &departure{mailbox: m.Mailbox, from: g, err: err}); err != nil {
				return err
			}
			return errRegroup
		}
	}
	g.moveOn()
	return err
}

// depart lets a member go that the group cannot keep.
func (g *group) depart(m *member, d *departure) error {
	delete(g.members, m.key())
	g.reanchor(m)
	return g.watch.tell(news{gone: d})
}

// moveOn leaves the server behind that had the group's subscriptions.
func (g *group) moveOn() {
	if g.session != nil {
		g.session = nil
		g.forgetAll(outlookstream.ErrResubscribed)
	}
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
	if failure, said := errors.AsType[*Error](err); said {
		verdict.Answered, verdict.RetryAfter, verdict.Challenge = true, failure.BackOff, failure.challenge != ""
	}
	return verdict
}

// Lost makes a Resync due: what happens between two connections may be missed.
// Of what is asked for from a watermark on, nothing is.
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
	failure, said := errors.AsType[*Error](err)
	named := false
	if said {
		for _, m := range g.members {
			if m.subscription != nil && slices.Contains(failure.Subscriptions, m.subscription.ID) {
				m.forget(outlookstream.ErrResubscribed)
				named = true
			}
		}
	}
	if !named {
		g.forgetAll(outlookstream.ErrResubscribed)
	}
}

func (g *group) forgetAll(reason error) {
	for _, m := range g.members {
		m.forget(reason)
	}
}

// forget drops a subscription. What it had collected is gone with it.
func (m *member) forget(reason error) {
	m.subscription = nil
	if !errors.Is(m.owed, outlookstream.ErrStarted) {
		m.owed = reason
	}
}
