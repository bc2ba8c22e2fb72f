package ews

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// Watch returns what happens in mailboxes, for as long as the loop over it
// runs, under the contract of [outlookstream.Client.Watch]: nothing is lost
// silently, a [outlookstream.Resync] of a mailbox says to list it again, and
// there is one at the start. Resource is the Address of the Mailbox, Native an
// *[Event].
//
// Mailboxes on the same servers share connections: see docs/ews.md for how they
// are grouped. No two may have the same Address. One that nobody can watch
// without a person's help (it has no licence, a right is missing) is told of by
// an [outlookstream.Ended], and the others go on; with the last of them the watch
// ends, with that error. So does it with what concerns all of them, such as a
// password that was refused.
//
// When the loop is left, or ctx has ended, the watch gives its subscriptions back,
// which takes 5 s at most, and leaves nothing behind.
func (c *Client) Watch(ctx context.Context, mailboxes ...Mailbox) outlookstream.Events {
	set, err := distinct(mailboxes)
	return func(yield func(outlookstream.Event, error) bool) {
		if err != nil {
			yield(outlookstream.Event{}, err)
			return
		}
		c.loop(ctx, set, true)(yield)
	}
}

// WatchSet is Watch for mailboxes that may come and go. It goes on while there
// is none that can be watched, until the loop is left or ctx ends. One that has
// ended is tried again once it was removed from the Set and added again.
func (c *Client) WatchSet(ctx context.Context, set *Set) outlookstream.Events {
	return c.loop(ctx, set, false)
}

// loop: fixed says that the watch ends with the last of its mailboxes.
func (c *Client) loop(ctx context.Context, set *Set, fixed bool) outlookstream.Events {
	return func(yield func(outlookstream.Event, error) bool) {
		err := c.watch(ctx, set, fixed, yield)
		if err != nil && !errors.Is(err, errLoopLeft) {
			yield(outlookstream.Event{}, err)
		}
	}
}

func (c *Client) watch(ctx context.Context, set *Set, fixed bool, yield func(outlookstream.Event, error) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{
		client: c,
		ctx:    ctx,
		cancel: cancel,
		set:    set,
		fixed:  fixed,
		yield:  yield,
		mark:   outlookstream.Stoppable(func() { cancel(errLoopLeft) }),
		news:   make(chan news),
		homes:  make(map[string]*membership),
		ended:  make(map[string]bool),
		lost:   make(map[string]time.Time),
		owed:   make(map[string]error),
		again:  time.NewTimer(time.Hour),
		enough: time.NewTimer(time.Hour),

		patience:  make(map[string]*patience),
		searching: make(map[string]bool),
	}
	err := w.runAndWait()
	w.fall.raise() // not if the loop's body has panicked: that is the better story
	return err
}

// runAndWait returns, or panics with the loop's body, when nothing is left of the watch.
func (w *watch) runAndWait() error {
	defer w.again.Stop()
	defer w.enough.Stop()
	defer w.running.Wait()
	defer w.leave()
	return w.run()
}

// A watch is one loop over Watch. Everything of it happens on the loop's
// goroutine; its groups and what looks for mailboxes have goroutines of their
// own, and tell it their news.
type watch struct {
	client  *Client
	ctx     context.Context // for the watch's life
	cancel  context.CancelCauseFunc
	set     *Set
	fixed   bool
	yield   func(outlookstream.Event, error) bool
	mark    func(outlookstream.Event) outlookstream.Event
	left    atomic.Pointer[time.Time] // when the loop was
	running sync.WaitGroup
	fall    fall
	news    chan news // not buffered: who has an event waits until the loop takes it

	groups    []*group
	homes     map[string]*membership // of each mailbox that has a group, by key
	mailboxes map[string]listed
	ended     map[string]bool      // those of them that were given up
	lost      map[string]time.Time // those of them that are to be looked for, and from when on
	searching map[string]bool      // of which domains somebody is looking for mailboxes; "": of any
	owed      map[string]error     // the Reason of the Resync of those that have left a group, in their next one
	patience  map[string]*patience // of those that were not where they should have been
	again     *time.Timer          // for the next that is to be looked for
	gathered  []found              // what searches have brought, while others go on
	enough    *time.Timer          // for when it is to be used, if there is any
}

// news is what a watch hears of: one of these.
type news struct {
	event outlookstream.Event
	of    *membership // whose event it is
	found []found     // what became of those that were looked for in a domain
	in    string      // the domain
	gone  *departure  // mailboxes that are no longer a group's
	ended *group      // it has ended, because of err
	err   error
	owed  map[string]error // by its mailboxes, if it has some still
}

// A membership is a mailbox's time with a group. What the group says of it after that
// is not told any more: the mailbox has been removed, or is watched anew.
type membership struct {
	mailbox Mailbox
	group   *group
}

// A departure is a mailbox that its group could not keep.
type departure struct {
	*membership
	owed    error // Reason of the Resync that is due then
	err     error // nil: it has moved, and is to be looked for
	refused bool  // with no err: by the server at which it had been found
	stray   bool  // it did not get to its group's server, and is to have a group of its own
}

var (
	errLoopLeft = errors.New("the loop was left")
	// settling is how long a watch waits for more changes of a Set, and for more
	// mailboxes to be found: a group's stream has to be opened again for each.
	settling = time.Second
)

func (w *watch) run() error {
	mailboxes, changed := w.set.now()
	w.mailboxes = mailboxes
	for key := range mailboxes {
		w.lost[key] = time.Time{}
	}
	settle := time.NewTimer(0)
	<-settle.C
	defer settle.Stop()
	settles := false
	// Not postponed by each change: they may never come to an end.
	more := func() {
		_, changed = w.set.now()
		if !settles {
			settles = true
			settle.Reset(settling)
		}
	}
	follow := func() {
		settles = false
		mailboxes, changed = w.set.now()
		w.change(mailboxes)
	}
	for {
		w.search()
		// The Set first: nothing is to be told of a mailbox that was removed.
		select {
		case <-changed:
			more()
			continue
		case <-settle.C:
			follow()
			continue
		default:
		}
		select {
		case n := <-w.news:
			if w.ctx.Err() != nil {
				return context.Cause(w.ctx) // it was the quicker of the two
			}
			if err := w.hear(n); err != nil {
				return err
			}
		case <-w.again.C:
		case <-w.enough.C:
			if err := w.settleGathered(); err != nil {
				return err
			}
		case <-changed:
			more()
		case <-settle.C:
			follow()
		case <-w.ctx.Done():
			return context.Cause(w.ctx)
		}
	}
}

// hear does what news asks for.
func (w *watch) hear(n news) error {
	switch {
	case n.found != nil:
		return w.gather(n)
	case n.gone != nil:
		return w.depart(n.gone)
	case n.ended != nil:
		return w.endGroup(n)
	case w.homes[n.of.mailbox.key()] != n.of:
		return nil
	default:
		return w.give(n.event)
	}
}

func (w *watch) give(event outlookstream.Event) error {
	if !w.yield(w.mark(event), nil) {
		return errLoopLeft
	}
	return nil
}

// change makes the mailboxes of the Set those of the watch.
func (w *watch) change(mailboxes map[string]listed) {
	for key, m := range w.mailboxes {
		if mailboxes[key].number == m.number {
			continue
		}
		delete(w.lost, key)
		delete(w.ended, key)
		delete(w.owed, key)
		delete(w.patience, key)
		if home := w.homes[key]; home != nil {
			home.group.remove(home)
			delete(w.homes, key)
		}
	}
	for key, m := range mailboxes {
		if w.mailboxes[key].number != m.number {
			w.lost[key] = time.Time{}
		}
	}
	w.mailboxes = mailboxes
}

// tell hands news to the loop's goroutine, which may be busy with the loop's body.
func (w *watch) tell(n news) error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	select {
	case w.news <- n:
		return nil
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	}
}
