package ews

import (
	"strings"

	"github.com/calwatch/calwatch/outlookstream"
)

// anchorAgain has another mailbox stand for the group when the one that did has
// gone, or has no subscription: what is wrong with it would be in the way of the
// others. The subscriptions stay: where they are is in the session's cookies.
func (g *group) anchorAgain() {
	if g.session == nil {
		return
	}
	var other *member
	for _, m := range g.sorted() {
		switch {
		case m.subscription == nil:
		case strings.EqualFold(g.session.anchor, m.Address):
			return
		case other == nil:
			other = m
		}
	}
	if other == nil {
		g.session = nil
		return
	}
	g.session = g.session.anchoredAt(other.Address)
}

// anchorFailed is called when no stream can be opened as the mailbox that stands
// for the group.
func (g *group) anchorFailed(err error) error {
	for _, m := range g.sorted() {
		if strings.EqualFold(g.session.anchor, m.Address) {
			if err := g.depart(m, &departure{err: err}); err != nil {
				return err
			}
			return errRegroup
		}
	}
	g.moveOn()
	return err
}

// maxAdrift is how often in a row a group may lose its server before it subscribes
// no more often than every lostApart: what it leaves behind cannot be given back,
// as nothing leads there, and counts until it expires.
const maxAdrift = 5

// moveOn leaves the server behind that had the group's subscriptions.
func (g *group) moveOn() {
	if g.session == nil {
		return
	}
	g.session = nil
	g.adrift++
	for _, m := range g.members {
		if m.subscription != nil && g.adrift >= maxAdrift {
			m.dueAgain(lostApart)
		}
		m.forget(outlookstream.ErrResubscribed)
	}
}
