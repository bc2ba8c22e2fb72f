package fakeserver

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// store holds the items, the subscriptions with what is queued in them, and the ledger. One lock guards it all, as one
// change touches all of it; nothing is written to a client under that lock.
type store struct {
	dir      *directory
	maxQueue int
	tell     func(exchange.Change) // the Exchange half; called with the lock

	mu     sync.Mutex
	items  map[itemKey]*item
	newest map[collection][]string // ids of items that exist, in order of creation
	subs   map[string]*subscription
	of     map[collection][]*subscription // the same, in order of creation
	ledger []record
	order  int64
	made   int64 // ids made up

	nextSweep time.Time // nothing expires before; zero: nothing does
}

type itemKey struct {
	collection
	id string
}

type item struct {
	version int64
	data    properties
	deleted bool
}

func newStore(dir *directory, maxQueue int, tell func(exchange.Change)) *store {
	return &store{
		dir:      dir,
		maxQueue: maxQueue,
		tell:     tell,
		items:    make(map[itemKey]*item),
		newest:   make(map[collection][]string),
		subs:     make(map[string]*subscription),
		of:       make(map[collection][]*subscription),
	}
}

// change is a checked Change.
type change struct {
	collection
	resource   string        // as it was given
	kind       changeKind    // for the REST half
	full       exchange.Kind // for the Exchange half
	id         string
	data       properties
	to         collection
	toResource string
}

// change makes count changes.
func (s *store) change(c change, count int) []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	entries := make([]Entry, 0, count)
	for range count {
		entries = append(entries, s.changeOne(c)...)
	}
	return entries
}

// changeOne makes one change, which is two where something arrives in another collection. The Exchange half is told
// once they are in the ledger: whoever hears of them finds them there.
func (s *store) changeOne(c change) []Entry {
	r := record{collection: c.collection, kind: c.kind, exchange: c.full, folder: exchangeFolder(c.collection)}
	r.entry = Entry{
		Seq: int64(len(s.ledger)) + 1, Time: time.Now(), User: c.owner, Resource: c.resource, ChangeType: string(c.full),
		To: c.toResource, Subscriptions: []string{}, Matches: []Match{},
	}
	var version int64
	if c.full.OfItem() {
		if c.id == "" {
			c.id = s.pick(c.collection, c.kind)
		}
		r.entry.ID = c.id
		version, r.before, r.after = s.update(itemKey{c.collection, c.id}, c.kind, c.data)
		r.entry.Version = etag(version)
		r.entry.ChangeKey = exchange.ChangeKey(version)
	}
	var arrival *record
	switch {
	case arrives(c.full):
		arrival = s.arrive(c, &r)
		version = arrival.version
	case c.full == exchange.SoftDeleted:
		r.entry.NewID, version = s.madeUp(), 1
		r.entry.ChangeKey = exchange.ChangeKey(version)
	}
	s.record(&r)
	entries := []Entry{r.entry.clone()}
	if arrival != nil {
		s.record(arrival)
		entries = append(entries, arrival.entry.clone())
	}
	data := r.after
	if data == nil {
		data = r.before
	}
	s.tell(exchange.Change{
		Mailbox: c.owner, Kind: c.full, Folder: r.folder, ID: c.id, Version: version, Data: data, To: r.to, NewID: r.entry.NewID,
	})
	return entries
}

// arrive is what a move or a copy is at its other end.
func (s *store) arrive(c change, r *record) *record {
	r.to = exchangeFolder(c.to)
	r.entry.NewID = s.madeUp()
	a := &record{collection: c.to, kind: changeCreated, exchange: exchange.Created, folder: r.to}
	data := r.after
	if data == nil {
		data = r.before
	}
	version, before, after := s.update(itemKey{c.to, r.entry.NewID}, changeCreated, data)
	a.version, a.before, a.after = version, before, after
	r.entry.ChangeKey = exchange.ChangeKey(version)
	a.entry = Entry{
		Seq: r.entry.Seq + 1, Time: r.entry.Time, User: c.owner, Resource: c.toResource, ChangeType: string(changeCreated),
		ID: r.entry.NewID, Version: etag(version), ChangeKey: r.entry.ChangeKey, MovedFrom: r.entry.ID,
		Subscriptions: []string{}, Matches: []Match{},
	}
	return a
}

// record puts a change in the ledger and in the queues.
func (s *store) record(r *record) {
	for _, sub := range slices.Clone(s.of[r.collection]) { // notify may take it out
		m, ok := s.notify(sub, r)
		if !ok {
			continue
		}
		r.entry.Subscriptions = append(r.entry.Subscriptions, sub.id)
		r.entry.Matches = append(r.entry.Matches, m)
	}
	s.ledger = append(s.ledger, *r)
}

// pick is the id of a change that names none.
func (s *store) pick(c collection, kind changeKind) string {
	if ids := s.newest[c]; kind != changeCreated && len(ids) > 0 {
		return ids[len(ids)-1]
	}
	return s.madeUp()
}

// madeUp is an id that there has not been.
func (s *store) madeUp() string {
	s.made++
	// As long as real ids, of the same letters, ending in "=".
	return "AAMkADQ4ZmFrZQBGAAAAAAC" + base64.URLEncoding.EncodeToString(fmt.Appendf(nil, "fake item %010d", s.made))
}

// update changes an item. Without a kind nothing about it is different afterwards but its version.
func (s *store) update(key itemKey, kind changeKind, data properties) (version int64, before, after properties) {
	it, known := s.items[key]
	if !known {
		it = &item{}
		s.items[key] = it
	}
	if known && !it.deleted {
		before = it.data
	} else if kind == changeDeleted {
		before = data // nothing was said of it before, so this is what it was
	}
	it.version++
	exists := known && !it.deleted
	switch {
	case kind == changeDeleted && exists:
		s.newest[key.collection] = slices.DeleteFunc(s.newest[key.collection], func(id string) bool { return id == key.id })
	case kind != changeDeleted && !exists:
		s.newest[key.collection] = append(s.newest[key.collection], key.id)
	}
	if it.deleted = kind == changeDeleted; it.deleted {
		it.data = nil
	} else {
		it.data = before.merged(data)
		after = it.data
	}
	return it.version, before, after
}

func etag(version int64) string {
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(version))
	return `W/"` + base64.StdEncoding.EncodeToString(append([]byte("fake change key "), stamp[:]...)) + `"`
}

// notify queues a change in a subscription if it is of interest there.
func (s *store) notify(sub *subscription, r *record) (Match, bool) {
	kind := r.kind
	if kind == "" {
		return Match{}, false
	}
	if kind.ofItem() {
		result, ok := sub.target.filter.result(kind, r.before, r.after)
		if !ok || !sub.changes.kinds[result] {
			return Match{}, false
		}
		kind = result
	}
	m := Match{Subscription: sub.id, ChangeType: string(kind)}
	data := r.after
	if kind == changeDeleted {
		data = nil // the service says no more than the id
	}
	if full := len(sub.queue) >= s.maxQueue; full && kind != changeRemoved {
		// Our choice: one Missed at the end of the queue stands for everything that found no room, and takes
		// one number.
		if last := sub.queue[len(sub.queue)-1]; last.kind == changeMissed {
			return m, true
		}
		s.enqueue(sub, &notification{kind: changeMissed})
		return m, true
	}
	n := &notification{kind: kind, itemID: r.entry.ID, version: r.entry.Version, data: data}
	s.enqueue(sub, n)
	m.Sequence = n.sequence
	if kind == changeRemoved {
		s.remove(sub)
	}
	return m, true
}

func (s *store) enqueue(sub *subscription, n *notification) {
	s.order++
	n.order, n.sub = s.order, sub
	if n.kind != changeRemoved {
		sub.sequence++
		n.sequence = sub.sequence
	}
	sub.queue = append(sub.queue, n)
	if sub.listener != nil {
		sub.listener.poke()
	}
}

// remove takes a subscription out of the world; its listener still gets what is queued.
func (s *store) remove(sub *subscription) {
	sub.gone = true
	delete(s.subs, sub.id)
	c := sub.target.collection
	s.of[c] = slices.DeleteFunc(s.of[c], func(x *subscription) bool { return x == sub })
}

// sweep forgets what has expired. It is called by everything and looks at every subscription, so it first asks whether
// there can be any.
func (s *store) sweep() {
	now := time.Now()
	if s.nextSweep.IsZero() || now.Before(s.nextSweep) {
		return
	}
	s.nextSweep = time.Time{}
	for _, sub := range s.subs {
		switch {
		case sub.expired(now):
			s.remove(sub)
		case sub.listener == nil:
			s.expireAt(sub.expires)
		}
	}
}

// expireAt notes that a subscription that nobody listens to is to expire then.
func (s *store) expireAt(t time.Time) {
	if s.nextSweep.IsZero() || t.Before(s.nextSweep) {
		s.nextSweep = t
	}
}

// sorted is in order of creation, so that runs can be compared.
func (s *store) sorted() []*subscription {
	all := make([]*subscription, 0, len(s.subs))
	for _, sub := range s.subs {
		all = append(all, sub)
	}
	slices.SortFunc(all, func(a, b *subscription) int {
		if c := a.created.Compare(b.created); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	return all
}

// subscribe makes a subscription.
func (s *store) subscribe(user string, t target, resource string, changes changeSet) *subscription {
	now := time.Now()
	sub := &subscription{
		id: newSubscriptionID(), user: user, target: t, resource: resource, changes: changes,
		created: now, expires: now.Add(unheard),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	s.subs[sub.id] = sub
	s.expireAt(sub.expires)
	s.of[t.collection] = append(s.of[t.collection], sub)
	return sub
}

// unsubscribe deletes a subscription of a user. A stream that has it stays open without it.
func (s *store) unsubscribe(user, id string) *apiError {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	sub, ok := s.subs[id]
	if !ok || sub.user != user {
		return noSubscription()
	}
	s.remove(sub)
	sub.queue = nil
	if sub.listener != nil {
		delete(sub.listener.subs, id)
		sub.listener = nil
	}
	return nil
}

// noSubscription is what the service says of an unknown, expired or foreign id. That it is a 404 is documented; the
// code is our choice.
func noSubscription() *apiError {
	return failf(http.StatusNotFound, codeNoItem, "The specified object was not found in the store.")
}
