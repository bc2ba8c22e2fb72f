package fakeserver

import (
	"encoding/json"
	"fmt"
	"time"
)

// Change says what to change.
type Change struct {
	// User is whose mailbox "me" in Resource means: an address or an object id. "" and "me" mean the first account.
	User string `json:"user,omitzero"`
	// Resource is the collection, for example "me/events", without query options. A change concerns the
	// subscriptions to exactly that collection: one to "me/mailfolders('inbox')/messages" does not show in "me/messages".
	Resource string `json:"resource"`
	// ChangeType is Created, Updated, Deleted, Missed or SubscriptionRemoved, in any case. The last two concern
	// no item: ID and Data must be empty. Over Exchange Web Services a Deleted item is gone for good, and there are
	// more types: NewMail (else Created), SoftDeleted (else Deleted), Moved and Copied, which need To, and
	// FreeBusyChanged (else nothing).
	ChangeType string `json:"change"`
	// ID is the item's id. "" means a new one for Created, and the collection's newest item (or a new one, if
	// there is none) otherwise.
	ID string `json:"id,omitzero"`
	// Data is a JSON object of the item's properties; it is merged into what earlier changes said of the same item.
	// Filters look at it and $select takes from it.
	Data json.RawMessage `json:"data,omitzero"`
	// To is the collection that an item is Moved or Copied to. It gets a new id there. That it arrives is an entry of its
	// own, a Created with MovedFrom; the REST half tells of it, and of a Moved item where it was as Deleted.
	To string `json:"to,omitzero"`
	// Count makes that many changes; 0 means 1.
	Count int `json:"count,omitzero"`
}

// Entry is one change in the ledger.
type Entry struct {
	Seq        int64     `json:"seq"` // from 1, without gaps
	Time       time.Time `json:"time"`
	User       string    `json:"user"`     // the mailbox's address
	Resource   string    `json:"resource"` // as the Change had it
	ChangeType string    `json:"change"`
	ID         string    `json:"id,omitzero"`
	Version    string    `json:"version,omitzero"` // the item's ETag after the change
	// ChangeKey is the same for Exchange Web Services, and NewID the id that the item has got with Moved, Copied and
	// SoftDeleted. The ChangeKey is then the new item's.
	ChangeKey string `json:"changeKey,omitzero"`
	NewID     string `json:"newId,omitzero"`
	To        string `json:"to,omitzero"` // as the Change had it
	// MovedFrom is, of an item that has arrived, its id before.
	MovedFrom string `json:"movedFrom,omitzero"`
	// Subscriptions are the ids of the subscriptions of the REST API that it matched, with one Match each in Matches.
	Subscriptions []string `json:"subscriptions"`
	Matches       []Match  `json:"matches"`
}

// Match says what a subscription makes of a change.
type Match struct {
	Subscription string `json:"subscription"`
	// ChangeType may differ from the entry's, as a $filter turns entering into Created and leaving into Deleted.
	ChangeType string `json:"change"`
	// Sequence is the SequenceNumber it was given; 0 for SubscriptionRemoved, and for what an overflowing queue
	// turned into a Missed notification. The fault skipSequence moves the numbers that are sent.
	Sequence int64 `json:"sequence,omitzero"`
}

const maxCount = 100_000

// Change makes changes: each gets a ledger entry and a notification in every subscription it matches, where it waits
// while nobody listens. An error means that nothing was changed.
func (s *Server) Change(c Change) ([]Entry, error) {
	me, ok := s.dir.find(c.User)
	if !ok {
		return nil, fmt.Errorf("fakeserver: change: no account %q", c.User)
	}
	t, failure := s.dir.parseResource(c.Resource, me)
	if failure != nil {
		return nil, fmt.Errorf("fakeserver: change: resource %q: %s", c.Resource, failure.message)
	}
	if t.hasOptions {
		return nil, fmt.Errorf("fakeserver: change: resource %q: a change takes no query options", c.Resource)
	}
	full, kind, ok := parseExchangeKind(c.ChangeType)
	if !ok {
		return nil, fmt.Errorf("fakeserver: change: type %q is not one of Created, Updated, Deleted, Missed, SubscriptionRemoved, "+
			"NewMail, SoftDeleted, Moved, Copied, FreeBusyChanged", c.ChangeType)
	}
	var to target
	if arrives(full) {
		if to, failure = s.dir.parseResource(c.To, me); failure != nil {
			return nil, fmt.Errorf("fakeserver: change: to %q: %s", c.To, failure.message)
		}
		if to.owner != t.owner || to.hasOptions {
			return nil, fmt.Errorf("fakeserver: change: to %q: it must be another collection of the same mailbox", c.To)
		}
	} else if c.To != "" {
		return nil, fmt.Errorf("fakeserver: change: %s takes no To", full)
	}
	if c.Count < 0 || c.Count > maxCount {
		return nil, fmt.Errorf("fakeserver: change: count %d is not between 1 and %d", c.Count, maxCount)
	}
	var data properties
	if full.OfItem() {
		if data, ok = parseProperties(c.Data); !ok {
			return nil, fmt.Errorf("fakeserver: change: data is not a JSON object")
		}
	} else if c.ID != "" || len(c.Data) > 0 {
		return nil, fmt.Errorf("fakeserver: change: %s concerns no item: id and data must be left out", full)
	}
	return s.store.change(change{
		collection: t.collection, resource: c.Resource, kind: kind, full: full, id: c.ID, data: data, to: to.collection, toResource: c.To,
	}, max(c.Count, 1)), nil
}
