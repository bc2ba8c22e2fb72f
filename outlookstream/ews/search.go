package ews

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews/internal/autodiscover"
)

// A quest is mailboxes that are to be looked for together: those of one domain,
// or, where whom to ask does not depend on that, all.
type quest struct {
	domain    string
	since     time.Time // when the first of them was due; zero: at once
	mailboxes []Mailbox
}

// search has mailboxes looked for that have no group: one search of a domain at a
// time, and of few domains. Who has waited longest comes first, or those that are
// never found would keep out the others.
func (w *watch) search() {
	if len(w.lost) == 0 || len(w.searching) >= maxDomains {
		return
	}
	quests, wait := w.due()
	w.again.Reset(wait)
	slices.SortFunc(quests, func(a, b *quest) int { return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.domain, b.domain)) })
	for _, q := range quests[:min(len(quests), maxDomains-len(w.searching))] {
		slices.SortFunc(q.mailboxes, byAddress)
		for _, m := range q.mailboxes {
			delete(w.lost, m.key())
		}
		w.searching[q.domain] = true
		w.spawn(func() {
			_ = w.tell(news{found: w.client.find(w.ctx, q.mailboxes), in: q.domain})
		})
	}
}

// due returns the searches that may begin, and how long it is until the next.
func (w *watch) due() (quests []*quest, wait time.Duration) {
	now := time.Now()
	wait = time.Hour
	divided := w.client.opts.Discover && w.client.asksDomains()
	of := make(map[string]*quest)
	for key, at := range w.lost {
		if at.After(now) {
			wait = min(wait, at.Sub(now))
			continue
		}
		m, domain := w.mailboxes[key].Mailbox, ""
		if divided {
			domain = autodiscover.DomainOf(m.Address)
		}
		if w.searching[domain] {
			continue
		}
		q := of[domain]
		if q == nil {
			q = &quest{domain: domain, since: at}
			of[domain] = q
			quests = append(quests, q)
		}
		q.mailboxes = append(q.mailboxes, m)
		if at.Before(q.since) {
			q.since = at
		}
	}
	return quests, wait
}

// gather keeps what a search has found until all searches are over, but not for
// long: others may take minutes.
func (w *watch) gather(n news) error {
	delete(w.searching, n.in)
	if len(w.gathered) == 0 {
		w.enough.Reset(settling)
	}
	w.gathered = append(w.gathered, n.found...)
	if len(w.searching) > 0 {
		return nil
	}
	return w.settleGathered()
}

func (w *watch) settleGathered() error {
	results := w.gathered
	w.gathered = nil
	return w.settle(results)
}

// patience spaces the searches for one mailbox.
type patience struct {
	policy  *reconnect.Policy
	last    time.Time
	refused bool // the last search ended with a token that was refused

	// Where it was found, and how often in a row it was refused there.
	place    place
	refusals int
}

// refusedAt takes note that a mailbox was found somewhere and refused there.
func (p *patience) refusedAt(at place) {
	at.alone = ""
	if p.place != at {
		p.place, p.refusals = at, 0
	}
	p.refusals++
}

// isStray reports whether a mailbox that is found at a place again does not get
// along with the others there: they are served, and it is not.
func (p *patience) isStray(at place) bool {
	return p != nil && p.place == at && p.refusals >= maxStrays
}

// searchLater has a mailbox looked for after a while, because of err; nil: it is
// being moved, and is neither where it was nor, yet, where it will be. When a
// token has been refused, and the next one, too, no other will do better.
func (w *watch) searchLater(m Mailbox, err error) error {
	b := w.client.opts.Backoff
	p := w.patienceWith(m)
	if p == nil {
		p = &patience{policy: reconnect.NewPolicy(b.Initial, b.Max)}
		w.patience[m.key()] = p
	}
	refused := errors.Is(err, outlookstream.ErrUnauthorized)
	if refused && p.refused {
		return w.endMailbox(m, err)
	}
	p.last, p.refused = time.Now(), refused
	if failure, said := errors.AsType[*Error](err); said {
		p.policy.AtLeast(failure.BackOff)
	}
	wait := p.policy.NextBackOff()
	w.lost[m.key()] = p.last.Add(wait)
	if err != nil {
		w.client.opts.Logger.Warn("mailbox not found", "mailbox", m.name(), "again in", wait, "err", err)
		call(w.client.opts.Trace.NotFound, TraceNotFound{Mailbox: m.name(), Err: err, Delay: wait})
	}
	return nil
}

// patienceWith returns what is remembered of the searches for a mailbox; nil if
// that is nothing, or long ago.
func (w *watch) patienceWith(m Mailbox) *patience {
	p := w.patience[m.key()]
	if p == nil || time.Since(p.last) > 10*w.client.opts.Backoff.Max {
		return nil
	}
	return p
}

// settle gives mailboxes that were found a group. Those that were not are looked
// for again, unless that is final.
func (w *watch) settle(results []found) error {
	for _, f := range results {
		key := f.mailbox.key()
		now, wanted := w.mailboxes[key]
		if !wanted || w.homes[key] != nil || !now.same(f.mailbox) {
			continue // it has been removed or changed meanwhile
		}
		if f.err != nil {
			failed := w.endMailbox
			if !f.final {
				failed = w.searchLater
			}
			if err := failed(f.mailbox, f.err); err != nil {
				return err
			}
			continue
		}
		if w.patienceWith(f.mailbox).isStray(f.place) {
			w.client.opts.Logger.Warn("mailbox does not belong to its group", "mailbox", f.mailbox.name(), "url", f.place.url, "grouping", f.place.grouping)
			f.place.alone = key
		}
		g, err := w.groupFor(f)
		if err != nil {
			if err := w.endMailbox(f.mailbox, err); err != nil {
				return err
			}
			continue
		}
		home := &membership{mailbox: f.mailbox, group: g}
		w.homes[key] = home
		g.add(home, cmp.Or(w.owed[key], outlookstream.ErrStarted))
	}
	for _, g := range w.groups {
		g.begin()
	}
	return nil
}
