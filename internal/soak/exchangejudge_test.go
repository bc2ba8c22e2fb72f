package soak

import (
	"slices"
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// judge holds what the program was told against the ledger.
func (p *exchangeProgram) judge(ledger []fakeserver.Entry) {
	for _, address := range p.addresses() {
		p.judgeMailbox(address, ledger)
	}
}

// judge looks at what the service noticed.
func (s *exchange) judge(w *world) {
	s.judgeEarly(w)
	s.judgeLockout(w)
	s.judgeHandshakes(w)
	for _, r := range w.server.Requests() {
		// The service says once, to whoever subscribes, where the subscriptions are.
		listens := strings.Contains(r.Body, ":GetStreamingEvents>") && r.Header.Get("X-PreferServerAffinity") != ""
		if listens && !strings.Contains(r.Header.Get("Cookie"), "X-BackEndOverrideCookie") {
			w.wrongf("a stream was asked for without the cookie that leads to its server")
		}
	}
}

// types are the names of the events that it asks for; none means all.
func (p *exchangeProgram) types() (names []string) {
	if p.few {
		for _, t := range fewTypes {
			names = append(names, string(t))
		}
	}
	return names
}

// watches says whether the program has to be told of an entry.
func (p *exchangeProgram) watches(e fakeserver.Entry) bool {
	from := folderOf[e.Resource]
	in := len(p.folders) == 0 || slices.Contains(p.folders, from.Name) || e.To != "" && slices.Contains(p.folders, folderOf[e.To].Name)
	kind := fake.Kind(e.ChangeType)
	if kind == fake.Missed && p.pulled {
		return false // who asks misses nothing
	}
	return in && e.MovedFrom == "" && (!kind.OfItem() || fake.Tells(kind, from.Name, from.Class, p.types()))
}

// judgeMailbox goes through what a program was told of a mailbox, in order.
func (p *exchangeProgram) judgeMailbox(address string, ledger []fakeserver.Entry) {
	entries := slices.DeleteFunc(slices.Clone(ledger), func(e fakeserver.Entry) bool { return e.User != address || !p.watches(e) })
	var (
		told    = make([]bool, len(entries)) // which were delivered
		next    int                          // everything before it was delivered or announced
		covered int64                        // up to where in the ledger a Resync has told the program to read
		last    = -1                         // the latest that was delivered
		records []fakeserver.Seen
		result  = &p.world.result
	)
	settle := func(end int, by string) {
		for ; next < end; next++ {
			if told[next] {
				continue
			}
			if entries[next].Seq > covered {
				p.wrongf("lost silently, noticed at %s: %v", by, brief(entries[next]))
				result.lost++
				continue
			}
			result.announced++
		}
	}
	for i, s := range p.seen {
		if p.address(s.Event) != address || s.Kind == outlookstream.Ended {
			continue
		}
		if s.Kind == outlookstream.Resync {
			result.resync(s.Reason)
			covered = max(covered, s.ledgerSeq)
			records = append(records, fakeserver.Seen{Resync: true, LedgerSeq: s.ledgerSeq, Time: s.at})
			continue
		}
		native, ok := s.Native.(*ews.Event)
		if !ok || kindOf[native.Type] != s.Kind {
			p.wrongf("event %d is %v of %+v", i, s.Event, native)
			continue
		}
		if native.IsFolder() {
			if s.Kind != outlookstream.Updated {
				p.wrongf("event %d was invented: %v", i, s.Event)
			}
			continue
		}
		records = append(records, fakeserver.Seen{ChangeType: string(native.Type), ID: s.ID, Version: native.ItemID.ChangeKey, LedgerSeq: s.ledgerSeq, Time: s.at})
		at := slices.IndexFunc(entries, func(e fakeserver.Entry) bool {
			return e.Seq <= s.ledgerSeq && e.ChangeKey == native.ItemID.ChangeKey && (e.ID == s.ID || e.NewID == s.ID) && shows(e, native.Type)
		})
		switch {
		case at < 0:
			p.wrongf("event %d was invented: %v, %+v", i, s.Event, native)
			continue
		case at < last && !told[at]:
			p.wrongf("out of order: %v after %v", brief(entries[at]), brief(entries[last]))
		}
		result.delivered++
		told[at], last = true, max(last, at)
		settle(at, s.ID)
	}
	settle(len(entries), "the end")
	if len(entries) > 0 && result.probed > 0 && entries[len(entries)-1].Seq > result.probed && !told[len(told)-1] && covered <= result.probed {
		p.wrongf("it was not live at the end: %s; the service has the subscriptions %+v", address, p.world.server.Exchange().Subscriptions())
	}
	lost := p.world.server.LostSilentlyExchange(address, p.folders, records, p.types()...)
	lost = slices.DeleteFunc(lost, func(e fakeserver.Entry) bool { return !p.watches(e) })
	if len(lost) > 0 {
		p.wrongf("lost silently, as the service counts: %d of %s, from %v", len(lost), address, brief(lost[0]))
	}
}

// kindOf is what programs are told of an event of the service.
var kindOf = map[ews.EventType]outlookstream.Kind{
	ews.CreatedEvent: outlookstream.Created, ews.NewMailEvent: outlookstream.Created, ews.CopiedEvent: outlookstream.Created,
	ews.ModifiedEvent: outlookstream.Updated, ews.FreeBusyChangedEvent: outlookstream.Updated,
	ews.DeletedEvent: outlookstream.Deleted, ews.MovedEvent: outlookstream.Moved,
}

// shows says whether a change may show itself by such an event.
func shows(e fakeserver.Entry, by ews.EventType) bool {
	from := folderOf[e.Resource]
	return fake.Tells(fake.Kind(e.ChangeType), from.Name, from.Class, []string{string(by)})
}

// elsewhere is where things are moved and copied to.
func elsewhere(resource string) string {
	if strings.HasSuffix(resource, "events") {
		return "me/contacts"
	}
	return "me/events"
}
