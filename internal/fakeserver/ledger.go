package fakeserver

import (
	"slices"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// record is a ledger entry with what a filter needs to know.
type record struct {
	collection
	kind          changeKind    // for the REST half; "" if it is not told
	exchange      exchange.Kind // for the Exchange half
	folder, to    exchange.Folder
	version       int64
	entry         Entry
	before, after properties // nil: the item is not there
}

func (e Entry) clone() Entry {
	e.Subscriptions = slices.Clone(e.Subscriptions)
	e.Matches = slices.Clone(e.Matches)
	return e
}

// Ledger returns every change ever made, oldest first. It is kept for as long as the server lives.
func (s *Server) Ledger() []Entry {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	all := make([]Entry, len(s.store.ledger))
	for i, r := range s.store.ledger {
		all[i] = r.entry.clone()
	}
	return all
}

// LedgerSeq is the Seq of the latest entry, 0 if there is none.
func (s *Server) LedgerSeq() int64 {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return int64(len(s.store.ledger))
}

// Seen is one thing that reached a program: a change of an item, or the advice to list a resource again.
type Seen struct {
	Resource   string // as given to LostSilently; "" means any
	ChangeType string // Created, Updated, Deleted, in any case
	ID         string
	Version    string    // the ETag, if the program has it: then it has to be the entry's
	Time       time.Time // for reports; nothing is decided by it
	Resync     bool      // a Resync, of which only Resource and LedgerSeq count
	// LedgerSeq is what Server.LedgerSeq said when the program got it. It orders what was seen against what was
	// changed, which timestamps cannot under virtual time, where everything may happen at once.
	LedgerSeq int64
}

// LostSilently says which changes a program was never told of that watches resource (with its $filter, if it has one)
// for user: neither by the change itself nor by a Resync of that resource afterwards. resource is as in a subscription;
// changeTypes are what the program asked for, by default all three. Missed and SubscriptionRemoved are told by a Resync
// only. An unknown user or resource panics, as the answer "nothing" would be a lie.
//
// Delivery is at least once: one sighting accounts for one entry of the same item and kind (and version, where the
// program knows it), and more sightings than entries are fine.
func (s *Server) LostSilently(user, resource string, seen []Seen, changeTypes ...string) []Entry {
	me, ok := s.dir.find(user)
	if !ok {
		panic("fakeserver: LostSilently: no account " + user)
	}
	t, failure := s.dir.parseResource(resource, me)
	if failure != nil {
		panic("fakeserver: LostSilently: resource " + resource + ": " + failure.message)
	}
	wanted := map[changeKind]bool{changeCreated: true, changeUpdated: true, changeDeleted: true}
	if len(changeTypes) > 0 {
		clear(wanted)
		for _, name := range changeTypes {
			kind, ok := parseChangeType(name)
			if !ok {
				panic("fakeserver: LostSilently: no change type " + name)
			}
			wanted[kind] = true
		}
	}
	var resynced int64
	sightings := make(map[sighting][]int64) // LedgerSeq of each
	for _, x := range seen {
		if x.Resource != "" && x.Resource != resource {
			continue
		}
		if x.Resync {
			resynced = max(resynced, x.LedgerSeq)
			continue
		}
		kind, _ := parseChangeType(x.ChangeType)
		key := sighting{kind, x.ID, x.Version}
		sightings[key] = append(sightings[key], x.LedgerSeq)
	}
	for _, list := range sightings {
		slices.Sort(list)
	}
	return s.store.unaccounted(t, wanted, resynced, sightings)
}

// sighting is what a change is recognized by.
type sighting struct {
	kind    changeKind
	id      string
	version string
}

// unaccounted goes from the newest entry to the oldest: what was seen after a newer entry was seen after every older
// one, too, so that whichever sighting is taken, none is taken from an entry that needs it more.
func (s *store) unaccounted(t target, wanted map[changeKind]bool, resynced int64, sightings map[sighting][]int64) []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	account := func(key sighting, seq int64) bool {
		list := sightings[key]
		if len(list) == 0 || list[len(list)-1] < seq {
			return false
		}
		sightings[key] = list[:len(list)-1]
		return true
	}
	var lost []Entry
	for _, r := range slices.Backward(s.ledger) {
		if r.entry.Seq <= resynced {
			break
		}
		if r.collection != t.collection || r.kind == "" {
			continue
		}
		if r.kind.ofItem() {
			kind, ok := t.filter.result(r.kind, r.before, r.after)
			if !ok || !wanted[kind] ||
				account(sighting{kind, r.entry.ID, r.entry.Version}, r.entry.Seq) ||
				account(sighting{kind, r.entry.ID, ""}, r.entry.Seq) {
				continue
			}
		}
		lost = append(lost, r.entry.clone())
	}
	slices.Reverse(lost)
	return lost
}
