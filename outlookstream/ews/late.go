package ews

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A late is what becomes, while the stream of a group runs, of its mailboxes that
// the stream does not have: those that could not be subscribed to, and those that
// come. They are subscribed to beside the stream, when they are due, and it is
// opened anew for those that have got their subscription, for all of them at once.
// The others are not to be disturbed by a mailbox that is throttled, or down, nor
// to wait for what comes.
type late struct {
	group   *group
	cancel  context.CancelCauseFunc // ends the stream
	ctx     context.Context         // lasts as long as the stream; nil: it is not open yet
	opened  time.Time               // when it was
	word    chan struct{}           // holds one: somebody has come
	active  bool                    // running runs; guarded by group.mu, as is ctx
	running sync.WaitGroup

	// What running has found out; for the group's goroutine once it has ended.
	missing []*member // who is to be tried
	came    []*member // who is new to the group
	made    map[*member]*Subscription
	first   time.Time // since when the first of made may be there
	gone    []*member
}

const (
	// reopenAfter is how long a stream is left alone at least, after it was opened,
	// for mailboxes that come: where one comes after the other, each would cost the
	// others a Resync.
	reopenAfter = 5 * time.Second
	// gathering is how long those that have their subscription wait at most for
	// those that are being subscribed to: what nobody listens to expires within
	// minutes.
	gathering = time.Minute
	// atATime is how many are tried until it is seen to those that have succeeded.
	atATime = 2 * openers
)

// newLate has whoever comes wait for the stream that is about to be opened.
func (g *group) newLate(cancel context.CancelCauseFunc) *late {
	l := &late{group: g, cancel: cancel, word: make(chan struct{}, 1), made: make(map[*member]*Subscription)}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.late = l
	return l
}

// begin is called when the stream, which lasts as long as ctx, is open.
func (l *late) begin(ctx context.Context) {
	for _, m := range l.group.sorted() {
		if m.subscription == nil {
			m.beside = true
			l.missing = append(l.missing, m)
		}
	}
	l.group.mu.Lock()
	defer l.group.mu.Unlock()
	l.ctx, l.opened = ctx, time.Now()
	if len(l.missing)+len(l.group.coming) > 0 {
		l.wake()
	}
}

// wake is called when somebody has come. group.mu is held.
func (l *late) wake() {
	switch {
	case l.ctx == nil: // begin will see to it
	case l.active:
		select {
		case l.word <- struct{}{}:
		default:
		}
	default:
		l.active = true
		l.running.Add(1)
		// The watch waits for it, too: the group does not get to settle if it panics.
		l.group.watch.spawn(func() {
			defer l.running.Done()
			l.run()
		})
	}
}

func (l *late) run() {
	for l.take() {
		at, reopen := l.next()
		switch {
		case time.Now().Before(at):
			if !l.wait(at) {
				return
			}
		case reopen:
			l.cancel(errRegroup)
			return
		default:
			l.tryAll()
		}
	}
}

// tryAll tries those that are due over the same connections, until there is
// something else to do.
func (l *late) tryAll() {
	defer l.group.session.keep()()
	for {
		l.try()
		if !l.take() {
			return
		}
		if at, reopen := l.next(); reopen || time.Now().Before(at) {
			return
		}
	}
}

// take takes on those who have come, and reports whether there is anything to do.
// Once the stream is about to end, they wait for the next: one that came for one
// that goes must not take its place before it has gone.
func (l *late) take() bool {
	l.group.mu.Lock()
	defer l.group.mu.Unlock()
	if l.active = l.ctx.Err() == nil; !l.active {
		return false
	}
	for _, m := range l.group.coming {
		m.beside = true
	}
	l.came = append(l.came, l.group.coming...)
	l.missing = append(l.missing, l.group.coming...)
	l.group.coming = nil
	l.active = len(l.missing)+len(l.made) > 0
	return l.active
}

// next returns when there is something to do: to open the stream anew, or to try
// those that are due.
func (l *late) next() (at time.Time, reopen bool) {
	for _, m := range l.missing {
		if due := l.group.dueAt(m); at.IsZero() || due.Before(at) {
			at = due
		}
	}
	if len(l.made) == 0 {
		return at, false
	}
	reopenAt := l.opened.Add(reopenAfter)
	now := time.Now()
	if !at.IsZero() && at.Before(reopenAt) || len(l.missing) > 0 && !at.After(now) && now.Sub(l.first) < gathering {
		return at, false
	}
	return reopenAt, true
}

// wait waits until then, or until somebody comes; false: the stream has ended.
func (l *late) wait(until time.Time) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.word:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// try tries some of those that are due: if many take their time, there is to be a
// stream for the others meanwhile.
func (l *late) try() {
	begun := time.Now()
	var due, left []*member
	for _, m := range l.missing {
		if len(due) == atATime || l.group.dueAt(m).After(time.Now()) {
			left = append(left, m)
		} else {
			due = append(due, m)
		}
	}
	l.missing = left
	for _, a := range l.group.subscribeEach(l.ctx, due, func(error) {}) {
		if a.lost {
			defer a.answerLost() // whatever else makes it due
		}
		switch {
		case a.err == nil:
			if len(l.made) == 0 {
				l.first = begun
			}
			l.made[a.member] = a.subscription
		case a.err == errNotAsked, l.ctx.Err() != nil:
			l.missing = append(l.missing, a.member)
		default:
			l.refused(a)
		}
	}
}

// refused deals with a mailbox that has not got its subscription.
func (l *late) refused(a asked) {
	d := l.group.refusedFor(a.member, a.err)
	if d == nil {
		l.missing = append(l.missing, a.member)
		return
	}
	l.gone = append(l.gone, a.member)
	d.membership, d.owed = a.membership, a.owing(outlookstream.ErrResubscribed) // it is the group's, which may look at it
	_ = l.group.watch.tell(news{gone: d})                                       // it fails when the watch has ended
}

// settle waits for the end, and brings the group up to date. From now on, whoever
// comes waits for what the group does next.
func (l *late) settle() {
	l.group.mu.Lock()
	over := l.group.late != l
	if !over {
		l.group.late = nil
	}
	l.group.mu.Unlock()
	if over {
		return
	}
	l.running.Wait()
	for _, m := range l.gone {
		if l.group.members[m.key()] == m {
			delete(l.group.members, m.key())
		}
	}
	for _, m := range l.came {
		if !slices.Contains(l.gone, m) {
			l.group.members[m.key()] = m
		}
	}
	for m, s := range l.made {
		l.group.subscribedTo(m, s)
	}
	l.group.anchorAgain()
}
