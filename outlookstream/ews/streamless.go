package ews

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream"
)

// A server may know the version of the protocol, and no streams: one that is not
// Exchange, one that somebody has cut down. It takes the request for a mistake,
// and so does every server whose caller has made one. Which of them it is shows
// with another mailbox, and with the request to pull, which is the same but for
// its name.

// foreignRequests are the codes of requests that a server does not understand, in
// the service's own words and in SOAP's.
var foreignRequests = []string{
	"ErrorInvalidRequest", "ErrorSchemaValidation", "ErrorInvalidSubscriptionRequest", "ErrorInvalidOperation",
	"Client", "Sender",
}

// mayBeStreamless reports whether an answer to a request that has to do with
// streams may say that the server knows none.
func mayBeStreamless(err error) bool {
	failure, said := errors.AsType[*Error](err)
	switch {
	case !said:
		return false
	case failure.Code == "" && failure.Auth.Code == 0: // nor is it about who asks
		return failure.Status == http.StatusBadRequest || failure.Status == http.StatusNotImplemented
	default:
		return slices.Contains(foreignRequests, failure.Code)
	}
}

// A doubt is a subscription that was refused before any stream has worked.
type doubt struct {
	member *member
	err    error
}

// maxDoubts is how many mailboxes are refused until the others are not tried.
const maxDoubts = 2

// settleDoubts finds out whose mistake it was. An error concerns the group.
func (g *group) settleDoubts(ctx context.Context, doubts []doubt) error {
	for _, d := range doubts {
		if len(g.subscribed()) == 0 {
			works, err := g.canPull(ctx, d.member)
			if err != nil {
				return err
			}
			if works {
				g.pull(d.err)
				return errRegroup
			}
		}
		if !g.isMailboxes(d.err) {
			return d.err
		}
		gone := &departure{err: d.err}
		if classify(d.err) != reconnect.GiveUp {
			gone = g.refusedFor(d.member, d.err)
		}
		if gone != nil {
			if err := g.depart(d.member, gone); err != nil {
				return err
			}
		}
	}
	return nil
}

// canPull tries whether a mailbox can be asked about. An error means that this is
// not known.
func (g *group) canPull(ctx context.Context, m *member) (bool, error) {
	session := g.watch.client.sessionAt(g.url, m.Address)
	defer session.keep()()
	s, err := session.SubscribePull(ctx, m.Mailbox, &PullOptions{Timeout: pullTimeout})
	switch {
	case err == nil:
		_ = session.Unsubscribe(ctx, s) // one that is not ended expires
		return true, nil
	case isMailboxFatal(err), mayBeStreamless(err), g.isMailboxes(err) && classify(err) == reconnect.GiveUp:
		return false, nil
	default:
		return false, err
	}
}

// pullIfStreamless makes the group ask instead of listen if the version in use
// has no streams.
func (g *group) pullIfStreamless() {
	if why := g.tooOld(); why != nil && g.pulling.IsZero() {
		g.pull(why)
	}
}

// tooOld returns why the version in use has no streams; nil if it has.
func (g *group) tooOld() error {
	c := g.watch.client
	return c.lacks(*c.versionAt(g.url).Load(), streamsSince, streams)
}

// mayStream finds out, while the group asks, whether there may be streams by now,
// without giving up what works. An error means that this is not known yet.
func (g *group) mayStream(ctx context.Context) (bool, error) {
	for _, m := range g.sorted() {
		if m.subscription == nil {
			continue
		}
		s, err := g.session.Subscribe(ctx, m.Mailbox)
		_, said := errors.AsType[*Error](err)
		switch {
		case err == nil:
			g.unsubscribe([]*Subscription{s})
			return true, nil
		case errors.Is(err, ErrVersion), mayBeStreamless(err):
			return false, nil
		case !said, errors.Is(err, outlookstream.ErrUnauthorized): // nothing else would be answered either
			return false, err
		default:
			return g.tooOld() == nil, nil
		}
	}
	return true, nil
}
