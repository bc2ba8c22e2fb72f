package ews

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// What a watch has made at the service it gives back, also when it is left in the
// middle of making it.

const (
	// farewell is how long a watch takes to give its subscriptions back.
	farewell = 5 * time.Second
	// lastAnswer is how much of that it waits for the answer to a Subscribe that has
	// gone out: the subscription that it brings is one of them.
	lastAnswer = 2 * time.Second
)

// An awaited is a call whose answer is waited for a little when ctx has ended, if
// the request has gone out by then.
type awaited struct {
	ctx  context.Context
	sent atomic.Bool
	end  func()
}

// await returns an awaited; its end must be called when the call has returned.
func await(ctx context.Context) *awaited {
	a := new(awaited)
	patient, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	a.ctx = httptrace.WithClientTrace(patient, &httptrace.ClientTrace{
		WroteHeaders: func() { a.sent.Store(true) }, // the body follows: it may reach the service from now on
	})
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		if a.sent.Load() {
			timer := time.NewTimer(lastAnswer)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-patient.Done():
			}
		}
		cancel(context.Cause(ctx))
	})
	a.end = func() {
		cancel(nil)
		if !stop() {
			<-done
		}
	}
	return a
}

// unsubscribeAll gives back what the group has: each subscription counts
// against its mailbox's limit until it expires.
func (g *group) unsubscribeAll() { g.unsubscribe(g.subscribed()) }

const (
	// maxLost is how many answers to Subscribe may get lost in a row before a mailbox
	// is asked for no more often than every lostApart. What has been made cannot be
	// given back without its id, and counts until it expires, which takes minutes; a
	// mailbox may have 20, of all programs together.
	maxLost   = 3
	lostApart = 3 * time.Minute
)

// answerLost takes note that there may be a subscription that nobody knows of.
func (m *member) answerLost() {
	if m.lost++; m.lost < maxLost {
		return
	}
	m.dueAgain(lostApart)
}

// dueAgain has m not asked for before then, whatever else makes it due.
func (m *member) dueAgain(after time.Duration) {
	if due := time.Now().Add(after); due.After(m.due) {
		m.due = due
	}
}

// isAnswer reports whether an error is the service's own word: what a gateway says
// when it has waited for that in vain is not.
func isAnswer(err error) bool {
	failure, said := errors.AsType[*Error](err)
	return said && failure.Status != http.StatusGatewayTimeout
}

// leave ends the watch.
func (w *watch) leave() {
	now := time.Now()
	w.left.Store(&now)
	w.cancel(errLoopLeft)
}

// untilGone is how long from now the watch may take: it has its farewell from
// when it was left.
func (w *watch) untilGone() time.Duration {
	if left := w.left.Load(); left != nil {
		return farewell - time.Since(*left)
	}
	return farewell
}

// unsubscribe ends subscriptions, as far as that can be done quickly.
func (g *group) unsubscribe(subscriptions []*Subscription) {
	if g.session == nil || len(subscriptions) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(g.watch.ctx), g.watch.untilGone())
	defer cancel()
	defer g.session.keep()()
	next := make(chan *Subscription, len(subscriptions)) // nobody waits for a worker that does not return
	for _, s := range subscriptions {
		next <- s
	}
	close(next)
	var workers sync.WaitGroup
	for range min(openers, len(subscriptions)) {
		workers.Go(func() {
			g.watch.guard(func() {
				for s := range next {
					if ctx.Err() == nil && !g.watch.client.isBusy(s.Mailbox) { // else it would be refused
						_ = g.session.Unsubscribe(ctx, s) // one that is not ended expires
					}
				}
			})
		})
	}
	workers.Wait()
}
