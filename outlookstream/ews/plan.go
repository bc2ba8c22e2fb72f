package ews

import (
	"context"
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/internal/reconnect"
)

// How mailboxes are divided among streams: those whose servers can serve one
// connection together (same address, same GroupingInformation) share one, as
// many as a request may name.

// groupSize is how many subscriptions one request may name.
const groupSize = 200

// tooManyStreams ends mailboxes for which no connection is left.
func (c *Client) tooManyStreams() error {
	return fmt.Errorf("%w: an account may have %d streams at a time (Options.MaxStreams), and more are needed: act as the mailboxes (Options.Impersonate), or watch some with another account",
		ErrLimit, c.opts.MaxStreams)
}

// A place is where a mailbox is: what those have in common that can share a
// stream.
type place struct {
	url      string
	grouping string // GroupingInformation; "" if it is not known
	alone    string // the key of a mailbox that did not get along with the others
}

// found is a mailbox that was looked for.
type found struct {
	mailbox Mailbox
	place   place
	err     error // why it was not found; nil if it was
	final   bool  // and never will be
}

// find finds out where mailboxes are.
func (c *Client) find(ctx context.Context, mailboxes []Mailbox) []found {
	var results []found
	var wanted []Mailbox
	for _, m := range mailboxes {
		switch err := m.validate(c.opts.Impersonate); {
		case err != nil:
			results = append(results, found{mailbox: m, err: err, final: true})
		case !c.opts.Discover || m.Address == "":
			results = append(results, found{mailbox: m, place: place{url: c.url.String(), grouping: m.Grouping}})
		default:
			wanted = append(wanted, m)
		}
	}
	if len(wanted) == 0 {
		return results
	}
	return append(results, c.discover(ctx, wanted)...)
}

// discover is find by Autodiscover.
func (c *Client) discover(ctx context.Context, mailboxes []Mailbox) (results []found) {
	addresses := make([]string, len(mailboxes))
	for i, m := range mailboxes {
		addresses[i] = m.Address
	}
	settings, err := c.Autodiscover(ctx, addresses...)
	for _, m := range mailboxes {
		u := settings[m.Address]
		if err != nil {
			u.Err = err
		}
		switch {
		case u.Err == nil:
			results = append(results, found{mailbox: m, place: place{url: u.URL, grouping: u.Grouping}})
		case isMailboxFatal(u.Err), classify(u.Err) == reconnect.GiveUp:
			results = append(results, found{mailbox: m, err: u.Err, final: true})
		default:
			results = append(results, found{mailbox: m, err: u.Err})
		}
	}
	return results
}

func byAddress(a, b Mailbox) int { return strings.Compare(a.key(), b.key()) }

// groupFor returns the group that is to have a mailbox: one of its place that
// has room, or a new one.
func (w *watch) groupFor(f found) (*group, error) {
	streams := 0
	for _, g := range w.groups {
		if g.place == f.place && g.hasRoom() {
			return g, nil
		}
		if !g.isOver() {
			streams++
		}
	}
	if !w.client.opts.Impersonate && streams >= w.client.opts.MaxStreams {
		return nil, w.client.tooManyStreams()
	}
	u, err := parseURL(f.place.url)
	if err != nil {
		return nil, err
	}
	g := newGroup(w, f.place, u)
	w.groups = append(w.groups, g)
	return g, nil
}
