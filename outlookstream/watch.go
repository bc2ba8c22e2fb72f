package outlookstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
)

// Watch returns what happens to the resources, for as long as the loop over it
// runs:
//
//	for event, err := range client.Watch(ctx, outlookstream.Resource{Path: "me/events"}) {
//
// Nothing happens before that, and each loop is a watch of its own. All
// resources share one connection.
//
// The watch opens its connection again when it ends, makes subscriptions again
// when they expire and asks for a new token when one is refused. It ends in
// three ways only: the loop is left; ctx ends, and the last pair carries
// context.Cause(ctx); or something fails that only a person can mend, and the
// last pair carries that error. When it has ended, nothing of it is left
// running.
//
// Events of one resource come in the order in which the service sent them, and
// at least once (see [Dedup]). Wherever a change may have been missed, there is
// a [Resync] event before any later event of the resource, and one at the
// start. So a program that lists the resource at each Resync is right at all
// times.
//
// While the loop's body runs, nothing is read. A body that takes longer than
// the service is willing to wait loses nothing but time: the connection is
// opened again, with a Resync. [Buffer] reads ahead instead.
func (c *Client) Watch(ctx context.Context, resources ...Resource) Events {
	resources = slices.Clone(resources) // the caller's slice may change before a later loop
	return func(yield func(Event, error) bool) {
		err := c.watch(ctx, resources, yield)
		if err != nil && !errors.Is(err, errLoopLeft) {
			yield(Event{}, err)
		}
	}
}

func (c *Client) watch(ctx context.Context, resources []Resource, yield func(Event, error) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w, err := c.newWatch(ctx, cancel, resources, yield)
	if err != nil {
		return err
	}
	return w.loop.Run(ctx)
}

// newWatch is apart from watch so that what it needs on the stack is given back
// before the watch waits, for as long as it lives: thousands may.
func (c *Client) newWatch(ctx context.Context, cancel context.CancelCauseFunc, resources []Resource, yield func(Event, error) bool) (*watch, error) {
	scopes, err := c.Scopes(resources...)
	if err != nil {
		return nil, err
	}
	w := &watch{
		client:  c,
		ctx:     ctx,
		yield:   yield,
		scopes:  scopes,
		stopper: &stopper{stop: func() { cancel(errLoopLeft) }},
	}
	w.loop = reconnect.NewLoop(w, reconnect.NewPolicy(c.opts.Backoff.Initial, c.opts.Backoff.Max), c.opts.Backoff.ResetAfter)
	for _, r := range resources {
		w.resources = append(w.resources, &watched{Resource: r, owed: ErrStarted})
	}
	return w, nil
}

// A watch is one loop over Watch. Everything happens on the loop's goroutine.
type watch struct {
	client    *Client
	ctx       context.Context // for the watch's life
	yield     func(Event, error) bool
	scopes    []string
	loop      *reconnect.Loop
	resources []*watched
	stopper   *stopper

	warned bool // in the log, that the connection stays away
}

// A watched resource is one the caller named.
type watched struct {
	Resource
	subscription string // id; "" if there is none
	sequence     sequence
	owed         error // Reason of the Resync due before any other event; nil if none
}

var errLoopLeft = errors.New("the loop was left")

// Attempt is one connection: from whatever must be done to get it to its end.
func (w *watch) Attempt() (goodFor time.Duration, err error) {
	goodFor, err = w.connectAndDeliver()
	if errors.Is(err, errLoopLeft) {
		err = reconnect.Permanent(errLoopLeft)
	}
	return goodFor, err
}

// Classify says what to do about the end of an attempt.
func (w *watch) Classify(err error) reconnect.Verdict {
	verdict := reconnect.Verdict{Action: classify(err)}
	if failure, said := errors.AsType[*Error](err); said {
		verdict.Answered, verdict.RetryAfter, verdict.Challenge = true, failure.RetryAfter, failure.challenge != ""
	}
	return verdict
}

// Lost makes a Resync due: what happens between two connections may be missed.
func (w *watch) Lost() { w.oweAll(ErrReconnected) }

// connectAndDeliver connects and yields what comes. It returns how long the
// connection had been good when it ended.
func (w *watch) connectAndDeliver() (goodFor time.Duration, err error) {
	stream, err := aside(w.connect)
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	w.loop.Accepted()
	w.logConnected(stream)
	err = w.deliver(stream)
	return stream.goodFor(), err
}

// connect waits for its turn, subscribes where necessary, and listens.
func (w *watch) connect() (*Stream, error) {
	// One lease for all steps, so that they share a connection; and before the
	// turn, so that those who wait for theirs keep the connections of those who
	// have had it, though none of them may have a stream yet.
	lease := w.client.pool.Acquire()
	handedOver := false
	defer func() {
		if !handedOver {
			lease.Release()
		}
	}()
	if err := w.client.rate.Wait(w.ctx); err != nil {
		return nil, err
	}
	for _, r := range w.resources {
		if r.subscription != "" {
			continue
		}
		made, err := w.client.subscribe(w.ctx, lease, r.Resource, w.scopes)
		if err != nil {
			return nil, err
		}
		w.loop.Accepted()
		r.subscription, r.sequence = made.ID, sequence{}
		w.client.opts.Logger.Info("subscribed", "resource", r.Path, "subscription", made.ID)
	}
	handedOver = true
	return w.client.open(w.ctx, lease, w.subscriptions(), w.scopes)
}

func (w *watch) subscriptions() []string {
	ids := make([]string, len(w.resources))
	for i, r := range w.resources {
		ids[i] = r.subscription
	}
	return ids
}

// deliver yields what is owed and then what the stream brings, until it ends.
func (w *watch) deliver(stream *Stream) error {
	for _, r := range w.resources {
		if err := w.announce(r, r.owed, nil); err != nil {
			return err
		}
	}
	for w.ctx.Err() == nil {
		n, status, err := stream.next()
		for n == nil && err == nil {
			w.logElement()
			w.logKeepAlive(stream, status)
			n, status, err = stream.next()
		}
		if err == nil {
			w.logElement()
			err = w.handle(stream, n)
		} else if skipped, ok := errors.AsType[*SkippedError](err); ok {
			err = w.announceAll(reasonOf(skipped), nil)
		}
		if err != nil {
			return err
		}
	}
	return context.Cause(w.ctx)
}

// reasonOf says that an element that was skipped may have been a change.
func reasonOf(skipped *SkippedError) error {
	if errors.Is(skipped, ErrTooLarge) {
		return skipped.Err
	}
	return fmt.Errorf("%w: %w", ErrMissed, skipped.Err)
}

// oweAll makes a Resync of every resource due, unless one is due already, for
// a reason that says more.
func (w *watch) oweAll(reason error) {
	for _, r := range w.resources {
		if r.owed == nil {
			r.owed = reason
		}
	}
}

// Forget drops the subscriptions that err says are gone: one, if the service
// removed it by name, or else, where it does not tell which, all.
func (w *watch) Forget(err error) {
	removed, one := errors.AsType[*removedError](err)
	for _, r := range w.resources {
		if one && removed.subscription != "" && r.subscription != removed.subscription {
			continue
		}
		r.subscription = ""
		if !errors.Is(r.owed, ErrStarted) {
			r.owed = ErrResubscribed
			if one {
				r.owed = removed
			}
		}
	}
}

// Waiting hears of each wait between two attempts.
func (w *watch) Waiting(err error, delay time.Duration) {
	if w.ctx.Err() != nil {
		return
	}
	w.logWaiting(err, delay)
	call(w.client.opts.Trace.Waiting, TraceWaiting{Err: err, Delay: delay, Diagnostics: diagnosticsIn(err)})
}
