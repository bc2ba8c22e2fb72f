package ews

import (
	"context"
	"fmt"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A PushSubscription is a push subscription that a [PushHandler] answers for.
type PushSubscription struct {
	*Subscription

	handler *PushHandler
	silence time.Duration // how much of it means that nothing will come any more
	gone    chan struct{} // closed when it is over

	// Guarded by the handler's lock.
	last time.Time // when something came
	busy bool      // a notification is being handled
	over error     // why it is
}

// silences is how many times StatusFrequency the service may be silent: it
// tries for one to deliver what it has.
const silences = 2

// Wait waits for the end of the subscription. The service does not tell when it
// gives one up: so it is over after twice its StatusFrequency without a
// notification, which is outlookstream.ErrIdle; when the service says that it
// failed, which is an [*Error]; or after End, which is
// outlookstream.ErrSubscriptionGone. In the first two cases subscribe again, and
// look at the folders themselves: what happened since the last notification is
// not known. If ctx ends first, Wait returns context.Cause(ctx), and the
// subscription goes on.
func (p *PushSubscription) Wait(ctx context.Context) error {
	for {
		left, over := p.check()
		if over != nil {
			return over
		}
		timer := time.NewTimer(left)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-p.gone:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// check says why the subscription is over, or how long it may still be silent.
func (p *PushSubscription) check() (left time.Duration, over error) {
	p.handler.mu.Lock()
	defer p.handler.mu.Unlock()
	if p.over == nil && !p.busy {
		left = time.Until(p.last.Add(p.silence))
		if left <= 0 {
			p.retire(fmt.Errorf("ews: the push subscription for %s: nothing came for %v: %w", p.Mailbox, p.silence, outlookstream.ErrIdle))
		}
		return left, p.over
	}
	return p.silence, p.over
}

// End ends the subscription: what still comes is not handed on, and the service
// is told so in the answer. What is being handled now, is answered like that,
// too, and not sent again.
func (p *PushSubscription) End() {
	p.handler.mu.Lock()
	defer p.handler.mu.Unlock()
	p.retire(fmt.Errorf("ews: the push subscription for %s was ended: %w", p.Mailbox, outlookstream.ErrSubscriptionGone))
}

// retire is called with the handler's lock held.
func (p *PushSubscription) retire(why error) {
	if p.over == nil {
		p.over = why
		if p.handler.subscriptions[p.ID] == p {
			delete(p.handler.subscriptions, p.ID)
		}
		close(p.gone)
	}
}
