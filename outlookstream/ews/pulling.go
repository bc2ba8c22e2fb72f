package ews

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// Where a proxy holds back what has no end, or a server is too old to stream, a
// group asks again and again instead.

// ErrPulling is the Reason of a [outlookstream.Resync] of mailboxes that are
// asked about from now on, since a stream brought nothing: what happens is told
// later, but told.
var ErrPulling = errors.New("streaming does not work here: asking again and again instead")

const (
	// dumbStreams is how many streams in a row may be accepted, and die of silence
	// before they have brought more than their opening.
	dumbStreams = 3
	// streamAgain is how long a group asks until it tries a stream again.
	streamAgain = 6 * time.Hour
	// pullTimeout is how long a subscription lives that nobody asks about.
	pullTimeout = 30 * time.Minute
)

// judgeStream decides whether streaming works here, by the end of a stream that
// was accepted.
func (g *group) judgeStream(stream *Stream, err error) {
	switch {
	case stream.envelopes.Load() > 1:
		g.dumb = 0
		return
	case !errors.Is(err, outlookstream.ErrIdle):
		return
	}
	if g.dumb++; g.dumb >= dumbStreams {
		g.pullUntil(time.Now().Add(streamAgain), err)
	}
}

// pullUntil makes the group ask instead of listen.
func (g *group) pullUntil(at time.Time, why error) {
	g.watch.client.opts.Logger.Warn("streaming does not work here: asking again and again instead", "every", g.watch.client.opts.PullInterval, "mailboxes", len(g.members), "err", why)
	call(g.watch.client.opts.Trace.Pulling, TracePulling{Err: why, Until: at})
	g.pulling, g.dumb = at, 0
	g.unsubscribeAll()
	g.forgetAll(fmt.Errorf("%w (%w)", ErrPulling, outlookstream.ErrReconnected))
}

// pullAndDeliver asks about every mailbox again and again.
func (g *group) pullAndDeliver(ctx context.Context) (goodFor time.Duration, err error) {
	begun := time.Now()
	for _, m := range g.sorted() {
		if m.subscription != nil && m.owed != nil {
			if err := g.announce(m, m.owed); err != nil {
				return 0, err
			}
		}
	}
	ticker := time.NewTicker(g.watch.client.opts.PullInterval)
	defer ticker.Stop()
	for {
		for _, m := range g.sorted() {
			if m.subscription == nil {
				continue
			}
			if err := g.pullOne(ctx, m); err != nil {
				return time.Since(begun), err
			}
		}
		g.logReturn()
		if time.Now().After(g.pulling) {
			g.pulling = time.Time{}
			g.unsubscribeAll()
			g.forgetAll(outlookstream.ErrReconnected)
			return time.Since(begun), errRegroup
		}
		if len(g.missing()) > 0 {
			return time.Since(begun), errRegroup
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return time.Since(begun), context.Cause(ctx)
		}
	}
}

// pullOne asks about one mailbox until there is nothing more. An error concerns
// the group.
func (g *group) pullOne(ctx context.Context, m *member) error {
	for {
		result, err := g.session.GetEvents(ctx, m.subscription, m.subscription.Watermark)
		if err != nil {
			if !isMailboxes(err) {
				return err
			}
			m.forget(outlookstream.ErrResubscribed)
			return g.refusedFor(m, err)
		}
		g.loop.Accepted()
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
}
