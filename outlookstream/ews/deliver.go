package ews

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/outlookstream"
)

// connectAndDeliver subscribes where necessary, listens, and gives what comes
// to the watch. It returns how long the connection had been good when it ended.
func (g *group) connectAndDeliver(ctx context.Context, cancel context.CancelCauseFunc) (goodFor time.Duration, err error) {
	if err := g.pullNoLonger(); err != nil {
		return 0, err
	}
	g.pullIfStreamless()
	var late *late // nil: who comes interrupts
	if g.pulling.IsZero() {
		late = g.newLate(cancel)
		defer late.settle() // also if something panics
		defer cancel(nil)
	}
	// Not with ctx: a request that is given up because the group is to change
	// would leave a subscription behind that counts.
	if err := g.subscribeAll(g.watch.ctx); err != nil {
		if _, answered := errors.AsType[*Error](err); !answered && err != errRegroup {
			g.pullingFailed()
		}
		return 0, err
	}
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	subscriptions := g.subscribed()
	switch {
	case len(subscriptions) == 0:
		g.pullingFailed()
		return 0, g.idleUntil(ctx, g.nextDue())
	case !g.pulling.IsZero():
		return g.pullAndDeliver(ctx)
	case g.watch.client.isBusy(g.session.anchor):
		return 0, g.idleUntil(ctx, g.watch.client.busy.ends(g.watch.client.charged(g.session.anchor)))
	default:
		return g.listenAndDeliver(ctx, late, subscriptions)
	}
}

// listenAndDeliver is connectAndDeliver with subscriptions that there are.
func (g *group) listenAndDeliver(ctx context.Context, late *late, subscriptions []*Subscription) (goodFor time.Duration, err error) {
	stream, err := g.session.Open(ctx, subscriptions...)
	if err != nil && ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if isMailboxFatal(err) || g.isBarred(err) {
		return 0, g.anchorFailed(err)
	}
	if err != nil {
		return 0, g.judgeOpening(err)
	}
	defer stream.Close()
	g.accepted()
	g.watch.client.opts.Logger.Info("connected", "subscriptions", len(subscriptions), "anchor", g.session.anchor, "request-id", stream.diagnostics.RequestID)
	late.begin(ctx)
	err = g.deliver(ctx, stream)
	late.cancel(err)
	stream.Close() // before anything that takes time: it is over
	late.settle()
	return stream.goodFor(), g.failedIn(stream, g.judgeStream(stream, err))
}

// idleUntil waits for the time when a member may be tried, or who asks to be left
// alone may be asked: there is nothing to listen to, or nobody.
func (g *group) idleUntil(ctx context.Context, at time.Time) error {
	if at.IsZero() || g.hasNewcomers() {
		return errRegroup // the last of them has left, or there is another
	}
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return errRegroup
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// deliver gives the watch what is owed and then what the stream brings, until it
// ends. Whoever starts may list at once. The others hear when the stream has said
// something: if that is that the subscriptions are gone, they would have to list
// twice.
func (g *group) deliver(ctx context.Context, stream *Stream) error {
	members := g.bySubscription()
	if err := g.announceOwed(isNew); err != nil {
		return err
	}
	g.told = false
	for ctx.Err() == nil {
		n, err := stream.Next()
		if err := g.handleNext(n, err, members); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// handleNext gives the watch what Next returned. It returns the error that ends
// the stream.
func (g *group) handleNext(n *Notification, err error, members map[string]*member) error {
	// Bare ones: a stream that ended may say so with its context's cause, which may be any error.
	skipped, isSkipped := err.(*outlookstream.SkippedError)
	said, isSaid := err.(*Error)
	if err != nil && !isSkipped && !(isSaid && said.passes()) {
		return err
	}
	if !g.told { // it has not said that it does not have the subscriptions
		if err := g.announceOwed(isOwed); err != nil {
			return err
		}
		g.told = true
	}
	switch {
	case err == nil:
		return g.handle(n, members)
	case isSkipped:
		return g.announceAll(reasonOf(skipped))
	default:
		return g.missed(said, members)
	}
}

func isOwed(m *member) bool { return m.owed != nil }

// isNew reports whether a Resync is owed for a subscription that was made just
// now, so that the service has it. Of one that was there before that is not
// certain until the stream has brought something: whoever is told of the gap at
// once is told twice if the subscription turns out to be gone.
func isNew(m *member) bool { return isOwed(m) && !errors.Is(m.owed, outlookstream.ErrReconnected) }

// announceOwed gives the watch the Resyncs of those that are listened to and meant.
func (g *group) announceOwed(meant func(*member) bool) error {
	for _, m := range g.sorted() {
		if m.subscription != nil && meant(m) {
			if err := g.announce(m, m.owed); err != nil {
				return err
			}
		}
	}
	return nil
}

// reasonOf says that an envelope that was skipped may have been a change.
func reasonOf(skipped *outlookstream.SkippedError) error {
	if errors.Is(skipped, outlookstream.ErrTooLarge) {
		return skipped.Err
	}
	return fmt.Errorf("%w: %w", outlookstream.ErrMissed, skipped.Err)
}

// handle gives the watch what an envelope says.
func (g *group) handle(n *Notification, members map[string]*member) error {
	g.logReturn()
	for _, e := range n.Events {
		m := members[e.SubscriptionID]
		if m == nil {
			// It is a change of something. Whose is not clear, so it may be anybody's.
			if err := g.announceAll(fmt.Errorf("%w: an event for a subscription that this connection does not have", outlookstream.ErrMissed)); err != nil {
				return err
			}
			continue
		}
		if err := g.handleEvent(m, e, n.Received); err != nil {
			return err
		}
	}
	return nil
}

// handleEvent gives the watch what happened in a mailbox.
func (g *group) handleEvent(m *member, e *Event, received time.Time) error {
	e.Mailbox = m.name()
	event, known := e.event(m.name(), received)
	if !known {
		return g.announce(m, fmt.Errorf("%w: an event of the unknown type %q", outlookstream.ErrMissed, service.Presentable(string(e.Type), "", maxCode)))
	}
	return g.watch.tell(news{of: m.membership, event: event})
}

// bySubscription returns those that are listened to, by their subscriptions' ids.
func (g *group) bySubscription() map[string]*member {
	members := make(map[string]*member, len(g.members))
	for _, m := range g.members {
		if m.subscription != nil {
			members[m.subscription.ID] = m
		}
	}
	return members
}

// missed announces what the service says it could not keep. The stream goes on.
func (g *group) missed(failure *Error, members map[string]*member) error {
	named := false
	for _, id := range failure.Subscriptions {
		if m := members[id]; m != nil {
			named = true
			if err := g.announce(m, failure); err != nil {
				return err
			}
		}
	}
	if named {
		return nil
	}
	return g.announceAll(failure)
}

// announceAll announces to every mailbox that is listened to.
func (g *group) announceAll(reason error) error {
	for _, m := range g.sorted() {
		if m.subscription != nil {
			if err := g.announce(m, reason); err != nil {
				return err
			}
		}
	}
	return nil
}

// announce gives the watch a Resync of a mailbox.
func (g *group) announce(m *member, reason error) error {
	m.owed = nil
	level := slog.LevelWarn
	if errors.Is(reason, outlookstream.ErrStarted) || errors.Is(reason, outlookstream.ErrReconnected) && g.loop.Routine() {
		level = slog.LevelInfo // nobody was promised otherwise
	}
	g.watch.client.opts.Logger.Log(g.watch.ctx, level, "resync", "mailbox", m.name(), "err", reason)
	return g.watch.tell(news{of: m.membership, event: outlookstream.Event{
		Kind: outlookstream.Resync, Resource: m.name(), Received: time.Now(), Reason: reason,
	}})
}
