package ews

import (
	"errors"
	"slices"
)

// Of what the service says in a stream, some is the end for one mailbox. Whose
// that is, it says by naming the subscription, or not at all.

// maxUnnamed is how many streams in a row may end with what is the end for a
// mailbox that the service does not name, while each mailbox alone is accepted.
// (To divide the group until one is left would find it, but for streams that not
// every account has, and only if the fault lies with one of the mailboxes, and
// not with who listens.)
const maxUnnamed = 8

// An unnamedError is the end for a mailbox of a group, and does not say for which.
type unnamedError struct{ error }

func (e *unnamedError) Unwrap() error { return e.error }

// failedIn deals with what the service said in a stream: err, if it is the end
// for mailboxes. The others go on without them. If none is named, each has to
// subscribe again: the one that is meant will be refused then.
func (g *group) failedIn(stream *Stream, err error) error {
	failure, said := errors.AsType[*Error](err)
	if !said || !isMailboxFatal(err) {
		if stream.beat(err) {
			g.unnamed, g.adrift = 0, 0
		}
		return err
	}
	end := err
	for _, m := range g.sorted() {
		if m.subscription != nil && slices.Contains(failure.Subscriptions, m.subscription.ID) {
			if failed := g.depart(m, &departure{err: err}); failed != nil {
				return failed
			}
			end = errRegroup
		}
	}
	if end == errRegroup {
		return end
	}
	if g.unnamed++; g.unnamed < maxUnnamed {
		return &unnamedError{err}
	}
	return err
}

// isUnnamed reports whether err was made by failedIn because nobody was named.
func isUnnamed(err error) bool {
	_, unnamed := err.(*unnamedError)
	return unnamed
}
