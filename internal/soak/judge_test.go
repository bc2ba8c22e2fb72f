package soak

import (
	"slices"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
)

// judge holds what the program was told against the ledger.
func (p *restProgram) judge(ledger []fakeserver.Entry) {
	for _, resource := range p.resources {
		p.judgeResource(resource, ledger)
	}
}

// judgeResource goes through what a program was told of a resource, in order.
func (p *restProgram) judgeResource(resource string, ledger []fakeserver.Entry) {
	w := p.world
	entries := slices.DeleteFunc(slices.Clone(ledger), func(e fakeserver.Entry) bool {
		return e.User != users[p.user] || e.Resource != resource
	})
	var (
		told    = make([]bool, len(entries)) // which were delivered
		next    int                          // everything before it was delivered or announced
		covered int64                        // up to where in the ledger a Resync has told the program to read
		last    = -1                         // the latest that was delivered
		records []fakeserver.Seen
	)
	// settle expects that everything before entry end is accounted for.
	settle := func(end int, by string) {
		for ; next < end; next++ {
			if told[next] {
				continue
			}
			if entries[next].Seq > covered {
				p.wrongf("lost silently, noticed at %s: %v", by, brief(entries[next]))
				w.result.lost++
				continue
			}
			w.result.announced++
		}
	}
	for i, s := range p.seen {
		if s.Resource != resource {
			continue
		}
		if s.Kind == outlookstream.Resync {
			w.result.resync(s.Reason)
			covered = max(covered, s.ledgerSeq)
			records = append(records, fakeserver.Seen{Resync: true, LedgerSeq: s.ledgerSeq, Time: s.at})
			continue
		}
		records = append(records, fakeserver.Seen{ChangeType: s.Kind.String(), ID: s.ID, Version: s.Version, LedgerSeq: s.ledgerSeq, Time: s.at})
		at := slices.IndexFunc(entries, func(e fakeserver.Entry) bool {
			return e.ID == s.ID && e.Version == s.Version && kinds[e.ChangeType] == s.Kind && e.Seq <= s.ledgerSeq
		})
		switch {
		case at < 0:
			p.wrongf("event %d was invented: %v", i, s.Event)
			continue
		case at < last && !told[at]:
			p.wrongf("out of order: %v after %v", brief(entries[at]), brief(entries[last]))
		case told[at] && p.dedup:
			p.wrongf("told twice, through Dedup: %v", brief(entries[at]))
		}
		w.result.delivered++
		told[at], last = true, max(last, at)
		settle(at, s.ID)
	}
	settle(len(entries), "the end")
	if len(entries) > 0 && w.result.probed > 0 && entries[len(entries)-1].Seq > w.result.probed && !told[len(told)-1] && covered <= w.result.probed {
		p.wrongf("it was not live at the end: %s; the service has the subscriptions %+v", resource, w.server.Subscriptions())
	}
	if lost := w.server.LostSilently(users[p.user], resource, records); len(lost) > 0 {
		p.wrongf("lost silently, as the service counts: %d of %s, from %v", len(lost), resource, brief(lost[0]))
	}
}

var kinds = map[string]outlookstream.Kind{
	"Created": outlookstream.Created, "Updated": outlookstream.Updated, "Deleted": outlookstream.Deleted,
}
