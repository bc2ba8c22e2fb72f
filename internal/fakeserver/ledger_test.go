package fakeserver

import (
	"encoding/json"
	"fmt"
	"testing"
)

func seqs(entries []Entry) string {
	list := []int64{}
	for _, e := range entries {
		list = append(list, e.Seq)
	}
	return fmt.Sprint(list)
}

func TestLostSilently(t *testing.T) {
	s := New(nil)
	change := func(user, resource, kind, id string) Entry {
		entries, err := s.Change(Change{User: user, Resource: resource, ChangeType: kind, ID: id})
		if err != nil {
			t.Fatal(err)
		}
		return entries[0]
	}
	one := change("", "me/events", "Created", "a")               // 1
	change("", "me/events", "Updated", "a")                      // 2
	change("", "me/messages", "Created", "m")                    // 3: another resource
	change("room1@contoso.test", "me/events", "Created", "r")    // 4: another mailbox
	three := change("", "me/events", "Updated", "a")             // 5: the same again
	change("", "me/events", "Missed", "")                        // 6
	change("", "users/alex@contoso.test/events", "Deleted", "a") // 7: the same mailbox by its name
	saw := func(kind, id string, seq int64) Seen { return Seen{ChangeType: kind, ID: id, LedgerSeq: seq} }
	resync := func(seq int64) Seen { return Seen{Resync: true, LedgerSeq: seq} }
	for name, c := range map[string]struct {
		seen []Seen
		want string
	}{
		"nothing seen":                {nil, "[1 2 5 6 7]"},
		"everything seen":             {[]Seen{saw("created", "a", 1), saw("Updated", "a", 2), saw("Updated", "a", 5), resync(6), saw("Deleted", "a", 7)}, "[]"},
		"a resync at the end":         {[]Seen{resync(7)}, "[]"},
		"a resync before the last":    {[]Seen{resync(6)}, "[7]"},
		"a resync of something else":  {[]Seen{{Resync: true, Resource: "me/messages", LedgerSeq: 7}}, "[1 2 5 6 7]"},
		"a resync of this":            {[]Seen{{Resync: true, Resource: "me/events", LedgerSeq: 7}}, "[]"},
		"Missed without a resync":     {[]Seen{resync(5), saw("Deleted", "a", 7)}, "[6]"},
		"one of two updates seen":     {[]Seen{saw("Created", "a", 1), saw("Updated", "a", 7), resync(4), resync(0), saw("Deleted", "a", 7)}, "[6]"},
		"seen before it was made":     {[]Seen{saw("Deleted", "a", 6), resync(6)}, "[7]"},
		"a late sighting is no other": {[]Seen{saw("Created", "a", 7), saw("Updated", "a", 7), saw("Deleted", "a", 7)}, "[2 6]"},
		"more often than it happened": {[]Seen{saw("Created", "a", 1), saw("Created", "a", 2), resync(6), saw("Deleted", "a", 7)}, "[]"},
		"the wrong version": {[]Seen{
			{ChangeType: "Created", ID: "a", Version: three.Version, LedgerSeq: 7}, {ChangeType: "Updated", ID: "a", Version: three.Version, LedgerSeq: 7},
			{ChangeType: "Updated", ID: "a", Version: three.Version, LedgerSeq: 7}}, "[1 2 6 7]"},
		"the right version": {[]Seen{{ChangeType: "Created", ID: "a", Version: one.Version, LedgerSeq: 7}}, "[2 5 6 7]"},
	} {
		if got := seqs(s.LostSilently("", "me/events", c.seen)); got != c.want {
			t.Errorf("%s: lost %s, want %s", name, got, c.want)
		}
	}
	if got := seqs(s.LostSilently("me", "me/events", nil, "Deleted")); got != "[6 7]" {
		t.Errorf("of deletions, lost %s", got)
	}
	if got := seqs(s.LostSilently("me", "users/room1@contoso.test/events", nil)); got != "[4]" {
		t.Errorf("of the room, lost %s", got)
	}
	if s.LedgerSeq() != 7 || len(s.Ledger()) != 7 || s.Ledger()[6].Resource != "users/alex@contoso.test/events" {
		t.Errorf("the ledger is %+v", s.Ledger())
	}
}

func TestLostSilentlyKnowsFilters(t *testing.T) {
	s := New(nil)
	for _, c := range []struct{ kind, data string }{
		{"Created", `{"IsRead":true}`}, // outside
		{"Updated", `{"IsRead":false}`},
		{"Updated", `{"Subject":"x"}`},
		{"Deleted", ``},
	} {
		if _, err := s.Change(Change{Resource: "me/messages", ChangeType: c.kind, ID: "a", Data: json.RawMessage(c.data)}); err != nil {
			t.Fatal(err)
		}
	}
	const resource = "me/messages?$filter=IsRead eq false"
	if got := seqs(s.LostSilently("me", resource, nil)); got != "[2 3 4]" {
		t.Errorf("lost %s", got)
	}
	seen := []Seen{{Resource: resource, ChangeType: "Created", ID: "a", LedgerSeq: 2}}
	if got := seqs(s.LostSilently("me", resource, seen)); got != "[3 4]" {
		t.Errorf("lost %s", got)
	}
}

func TestLostSilentlyPanicsRatherThanLie(t *testing.T) {
	s := New(nil)
	for _, call := range []func(){
		func() { s.LostSilently("nobody@contoso.test", "me/events", nil) },
		func() { s.LostSilently("me", "me/nothing", nil) },
		func() { s.LostSilently("me", "me/events", nil, "Moved") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		}()
	}
}

// What a change may be looked up by must not be shared with the server's own memory.
func TestLedgerIsACopy(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		f.change(Change{Resource: "me/events", ChangeType: "Created"})[0].Subscriptions[0] = "x"
		f.s.Ledger()[0].Matches[0].Subscription = "x"
		if e := f.s.Ledger()[0]; e.Subscriptions[0] != id || e.Matches[0].Subscription != id {
			t.Errorf("entry %+v", e)
		}
	})
}
