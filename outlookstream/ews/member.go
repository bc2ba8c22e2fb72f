package ews

import (
	"errors"
	"net/http"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream"
)

// A member is a mailbox of a group.
type member struct {
	Mailbox
	membership   *membership
	subscription *Subscription // nil: to be made
	since        time.Time     // when it was made
	owed         error         // Reason of the Resync due before any other event; nil if none
	due          time.Time     // when a subscription may be tried; zero: now
	policy       *reconnect.Policy
	strays       int  // how often in a row the service could not route it to the group's server
	lost         int  // how many answers in a row got lost
	beside       bool // it is subscribed to while the others are listened to, who do not wait for it
}

func (g *group) forgetAll(reason error) {
	for _, m := range g.members {
		m.forget(reason)
	}
}

// forget drops a subscription. What it had collected is gone with it. One that is
// lost again and again is made less and less often.
func (m *member) forget(reason error) {
	if m.subscription != nil && time.Since(m.since) >= m.membership.group.watch.client.opts.Backoff.ResetAfter {
		m.policy.Reset()
	}
	m.subscription, m.owed = nil, m.owing(reason)
}

// owing is the Reason of the Resync that is due when reason is another one for it.
func (m *member) owing(reason error) error {
	if errors.Is(m.owed, outlookstream.ErrStarted) {
		return m.owed
	}
	return reason
}

// isMailboxes reports whether a failed subscription is a matter of one mailbox.
// What the service says, and what is not about who asks, is.
func (g *group) isMailboxes(err error) bool {
	failure, said := errors.AsType[*Error](err)
	return isUnspeakable(err) || said && !errors.Is(failure, outlookstream.ErrUnauthorized) && !isAffinityLost(err) && !errors.Is(err, ErrVersion) &&
		(failure.Code != "" || failure.Status < 300 || g.isBarred(failure))
}

// isBarred reports whether an error may say that one mailbox is closed to this
// service, as it can be in Exchange Online: a 403 to who acts as that mailbox. If
// all of the organization is, the others will be told the same.
func (g *group) isBarred(err error) bool {
	failure, said := errors.AsType[*Error](err)
	return said && failure.Status == http.StatusForbidden && g.watch.client.opts.Impersonate
}

// maxStrays is how often in a row a mailbox may fail to be routed to the server
// of its group, until it is taken for one that does not belong there.
const maxStrays = 2

// isElsewhere reports whether an error says that a mailbox is where the group's
// server does not reach. (Where it is on its way, the service says so for hours,
// and it may well come back.)
func isElsewhere(err error) bool {
	failure, said := errors.AsType[*Error](err)
	return said && failure.Code == "ErrorProxyRequestNotAllowed"
}

// refusedFor deals with a subscription that could not be made for one mailbox: it
// returns why the group cannot keep the mailbox; nil if it is to be tried again
// when it is due.
func (g *group) refusedFor(m *member, err error) *departure {
	failure, _ := errors.AsType[*Error](err)
	logger := g.watch.client.opts.Logger
	switch {
	case isAffinityLost(err),
		isElsewhere(err) && !g.watch.client.opts.Discover && g.place.alone == "", // nobody can be asked where
		mayBeStreamless(err) && g.pulling.IsZero() && g.place.alone == "":
		// The service could not route the mailbox to the group's server, or knows no
		// streams of it, while others have theirs. What says so (no GroupingInformation
		// is known, or it has changed) is not certain: a second time is. Alone, it turns
		// out whether it has made a mistake.
		if m.strays++; m.strays >= maxStrays {
			logger.Warn("mailbox does not belong to its group", "mailbox", m.name(), "err", err)
			return &departure{stray: true}
		}
	case isMailboxFatal(err), g.isMailboxes(err) && classify(err) == reconnect.GiveUp:
		return &departure{err: err}
	case isMoved(err) && g.watch.client.opts.Discover:
		logger.Info("mailbox has moved", "mailbox", m.name(), "err", err)
		return &departure{refused: isElsewhere(err)}
	}
	if failure != nil && failure.BackOff > 0 {
		m.due = time.Now().Add(failure.BackOff) // as the service says: not earlier, nor later
	} else {
		m.due = time.Now().Add(m.policy.NextBackOff())
	}
	logger.Warn("not subscribed", "mailbox", m.name(), "again in", time.Until(m.due), "err", err)
	return nil
}

// nextDue returns when the next member may be tried that has no subscription;
// zero if there is none.
func (g *group) nextDue() (at time.Time) {
	for _, m := range g.members {
		if due := g.dueAt(m); m.subscription == nil && (at.IsZero() || due.Before(at)) {
			at = due
		}
	}
	return at
}

// dueAt returns when a member may be tried.
func (g *group) dueAt(m *member) time.Time {
	if busy := g.watch.client.busy.ends(g.watch.client.charged(m.Address)); busy.After(m.due) {
		return busy
	}
	return m.due
}
