package ews

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream"
)

// Where a proxy holds back what has no end, or a server has no streams, a group
// asks again and again instead.

// ErrPulling is the Reason of a [outlookstream.Resync] of mailboxes that are
// asked about from now on, since streams bring nothing or do not last, or the
// server has none: what happens is told later, but told.
var ErrPulling = errors.New("streaming does not work here: asking again and again instead")

const (
	// maxPulls is how often in a row a mailbox is asked about that has more events,
	// until it is the turn of the others.
	maxPulls = 100
	// streamAgain is how long a group asks until it tries a stream again.
	streamAgain = 6 * time.Hour
	// pullTimeout is how long a subscription lives that nobody asks about.
	pullTimeout = 30 * time.Minute
)

// pull makes the group ask instead of listen. Whether that is any better shows
// when it is done: where nothing is answered at all, the server is to blame, and
// not streaming.
func (g *group) pull(why error) {
	g.pulling, g.unproven = time.Now().Add(streamAgain), why
	g.dumb, g.brief, g.briefly = 0, 0, time.Time{}
	g.unsubscribeAll()
	for _, m := range g.members {
		reason := m.owed
		if reason == nil {
			reason = outlookstream.ErrReconnected
		}
		m.subscription, m.owed = nil, fmt.Errorf("%w (%w)", ErrPulling, reason)
	}
}

// pullingFailed is called when no subscription could be made.
func (g *group) pullingFailed() {
	if g.unproven == nil {
		return
	}
	g.unsubscribeAll()
	g.pulling, g.unproven = time.Time{}, nil
	for _, m := range g.members {
		m.subscription = nil
		if errors.Is(m.owed, outlookstream.ErrStarted) {
			m.owed = outlookstream.ErrStarted
		} else {
			m.owed = outlookstream.ErrResubscribed
		}
	}
}

// pullingWorks is called when subscriptions were made.
func (g *group) pullingWorks() {
	if g.unproven == nil {
		return
	}
	g.watch.client.opts.Logger.Warn("streaming does not work here: asking again and again instead", "every", g.watch.client.opts.PullInterval, "mailboxes", len(g.members), "err", g.unproven)
	call(g.watch.client.opts.Trace.Pulling, TracePulling{Err: g.unproven, Until: g.pulling})
	g.unproven = nil
}

// pullNoLonger makes the group listen again, when it has asked for long enough,
// unless the server still says that there is nothing to listen to.
func (g *group) pullNoLonger() error {
	if g.pulling.IsZero() || !time.Now().After(g.pulling) {
		return nil
	}
	may, err := g.mayStream(g.watch.ctx)
	switch {
	case err != nil:
		return err
	case !may:
		g.pulling = time.Now().Add(streamAgain)
		return nil
	}
	g.unsubscribeAll()
	g.pulling, g.unproven = time.Time{}, nil
	g.forgetAll(outlookstream.ErrReconnected)
	return nil
}

// pullAndDeliver asks about every mailbox again and again.
func (g *group) pullAndDeliver(ctx context.Context) (goodFor time.Duration, err error) {
	g.pullingWorks()
	defer g.session.keep()()
	begun := time.Now()
	if err := g.announceOwed(isOwed); err != nil {
		return 0, err
	}
	ticker := time.NewTicker(g.watch.client.opts.PullInterval)
	defer ticker.Stop()
	for {
		for _, m := range g.sorted() {
			if m.subscription == nil || g.dueAt(m).After(time.Now()) {
				continue
			}
			if err := g.pullOne(ctx, m); err != nil {
				return goodFor, err
			}
			goodFor = time.Since(begun)
		}
		g.logReturn()
		if len(g.missing()) > 0 || time.Now().After(g.pulling) {
			return goodFor, errRegroup
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return goodFor, context.Cause(ctx)
		}
	}
}

// pullOne asks about one mailbox until there is nothing more, or it is the turn of
// the others. An error concerns the group.
func (g *group) pullOne(ctx context.Context, m *member) error {
	for range maxPulls {
		result, err := g.session.GetEvents(ctx, m.subscription, m.subscription.Watermark)
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			if !g.isMailboxes(err) {
				return err
			}
			return g.notPulled(m, err)
		}
		g.accepted() // or the next token that expires would be taken for one that was no better
		m.subscription.Watermark = result.Watermark
		for _, e := range result.Events {
			if err := g.handleEvent(m, e, time.Now()); err != nil {
				return err
			}
		}
		if !result.More {
			return nil
		}
	}
	return nil
}

// notPulled deals with a mailbox that could not be asked about. Its subscription
// stays, unless the service says that it is gone, or the mailbox is, or events:
// what was lost is behind its watermark.
func (g *group) notPulled(m *member, err error) error {
	d := g.refusedFor(m, err)
	missed := errors.Is(err, outlookstream.ErrMissed)
	if d == nil && !missed && classify(err) != reconnect.Resubscribe {
		return nil
	}
	if missed {
		g.unsubscribe([]*Subscription{m.subscription}) // it may live on, and count
	}
	m.forget(outlookstream.ErrResubscribed)
	if d == nil {
		return nil
	}
	return g.depart(m, d)
}
