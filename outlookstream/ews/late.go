package ews

import (
	"context"
	"sync"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A late is what becomes, while the stream of a group runs, of those of its
// members that could not be subscribed to: they are tried again when they are
// due, and the stream is opened anew only for one that has got its subscription.
// The others are not to be disturbed by a mailbox that is throttled, or down.
type late struct {
	group   *group
	cancel  context.CancelCauseFunc // ends the stream
	running sync.WaitGroup

	// What running has found out; for the group's goroutine once it has ended.
	made map[*member]*Subscription
	gone []*member
}

// retryMissing tries members again until ctx ends.
func (g *group) retryMissing(ctx context.Context, cancel context.CancelCauseFunc) *late {
	l := &late{group: g, cancel: cancel, made: make(map[*member]*Subscription)}
	var missing []*member
	for _, m := range g.sorted() {
		if m.subscription == nil {
			missing = append(missing, m)
		}
	}
	if len(missing) > 0 {
		l.running.Add(1)
		// The watch waits for it, too: the group does not get to settle if it panics.
		g.watch.spawn(func() {
			defer l.running.Done()
			l.run(ctx, missing)
		})
	}
	return l
}

func (l *late) run(ctx context.Context, missing []*member) {
	for len(missing) > 0 && len(l.made) == 0 && l.wait(ctx, missing) {
		missing = l.try(ctx, missing)
	}
	if len(l.made) > 0 {
		l.cancel(errRegroup)
	}
}

// wait waits until one of them is due; false: ctx has ended.
func (l *late) wait(ctx context.Context, missing []*member) bool {
	at := l.group.dueAt(missing[0])
	for _, m := range missing {
		if due := l.group.dueAt(m); due.Before(at) {
			at = due
		}
	}
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// try tries those that are due, one after the other, and returns who is left.
func (l *late) try(ctx context.Context, missing []*member) (left []*member) {
	for _, m := range missing {
		if ctx.Err() != nil || l.group.dueAt(m).After(time.Now()) {
			left = append(left, m)
			continue
		}
		s, err := l.group.subscribeOne(ctx, m.Mailbox)
		switch {
		case err == nil:
			l.made[m] = s
			continue
		case ctx.Err() != nil:
			return nil
		}
		d := l.group.refusedFor(m, err)
		if d == nil {
			left = append(left, m)
			continue
		}
		l.gone = append(l.gone, m)
		d.membership, d.owed = m.membership, m.owing(outlookstream.ErrResubscribed) // it is the group's, which may look at it
		if l.group.watch.tell(news{gone: d}) != nil {
			return nil
		}
	}
	return left
}

// settle waits for the end, and brings the group up to date.
func (l *late) settle() {
	l.running.Wait()
	for m, s := range l.made {
		l.group.subscribedTo(m, s)
	}
	for _, m := range l.gone {
		delete(l.group.members, m.key())
	}
	l.group.anchorAgain()
}
