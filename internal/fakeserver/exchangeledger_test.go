package fakeserver

import (
	"strings"
	"testing"
)

const (
	inboxResource   = "me/mailfolders('inbox')/messages"
	deletedResource = "me/mailfolders('deleteditems')/messages"
)

// lostTypes names the entries that were lost.
func lostTypes(entries []Entry) string {
	var names []string
	for _, e := range entries {
		names = append(names, e.ChangeType)
	}
	return strings.Join(names, " ")
}

func TestWhatWasNotToldOverExchangeIsLostSilently(t *testing.T) {
	s := New(nil)
	defer s.Close()
	change := func(c Change) Entry {
		t.Helper()
		entries, err := s.Change(c)
		if err != nil {
			t.Fatal(err)
		}
		return entries[0]
	}
	created := change(Change{Resource: inboxResource, ChangeType: "Created"})
	updated := change(Change{Resource: inboxResource, ChangeType: "Updated", ID: created.ID})
	moved := change(Change{Resource: inboxResource, ChangeType: "moved", ID: created.ID, To: deletedResource})
	soft := change(Change{Resource: deletedResource, ChangeType: "SoftDeleted", ID: moved.NewID})
	copied := change(Change{Resource: "me/events", ChangeType: "Copied", To: "me/calendars('Team')/events"})
	busy := change(Change{Resource: "me/events", ChangeType: "FreeBusyChanged", ID: copied.ID})
	change(Change{User: "room1@contoso.test", Resource: inboxResource, ChangeType: "Created"})
	all := "Created Updated Moved SoftDeleted Copied FreeBusyChanged"

	cases := []struct {
		name    string
		folders []string
		types   []string
		seen    []Seen
		want    string
	}{
		{name: "nothing seen", want: all},
		{name: "nothing seen of the inbox", folders: []string{"inbox"}, want: "Created Updated Moved"},
		{name: "nothing seen where it went", folders: []string{"deleteditems"}, want: "Moved SoftDeleted"},
		{name: "nothing seen of a folder of one's own", folders: []string{"Team"}, want: "Copied"},
		{name: "of one type", types: []string{"NewMailEvent"}, want: "Created"},
		{name: "of another", types: []string{"FreeBusyChangedEvent"}, want: "FreeBusyChanged"},
		{name: "of moves", types: []string{"MovedEvent"}, want: "Moved SoftDeleted"},
		{name: "a resync", seen: []Seen{{Resync: true, LedgerSeq: moved.Seq}}, want: "SoftDeleted Copied FreeBusyChanged"},
		{name: "a resync of another mailbox", seen: []Seen{{Resync: true, Resource: "room1@contoso.test", LedgerSeq: 99}}, want: all},
		{name: "versions", want: "Updated FreeBusyChanged", seen: []Seen{
			{ChangeType: "Created", ID: created.ID, Version: created.ChangeKey, LedgerSeq: created.Seq},
			{ChangeType: "NewMailEvent", ID: created.ID, Version: created.ChangeKey, LedgerSeq: 99},
			{ChangeType: "moved", ID: moved.NewID, Version: moved.ChangeKey, LedgerSeq: 99},
			{ChangeType: "deleted", ID: soft.ID, Version: soft.ChangeKey, LedgerSeq: 99},
			{ChangeType: "created", ID: copied.NewID, Version: copied.ChangeKey, LedgerSeq: 99},
		}},
		{name: "seen before it happened", want: all, seen: []Seen{
			{ChangeType: "Updated", ID: updated.ID, Version: updated.ChangeKey, LedgerSeq: updated.Seq - 1},
		}},
		{name: "kinds", want: "Created", seen: []Seen{
			{ChangeType: "ModifiedEvent", ID: updated.ID, LedgerSeq: 99},
			{Resource: "me", ChangeType: "MovedEvent", ID: moved.NewID, LedgerSeq: 99},
			{Resource: "alex@contoso.test", ChangeType: "MovedEvent", ID: soft.NewID, LedgerSeq: 99},
			{ChangeType: "CopiedEvent", ID: copied.NewID, LedgerSeq: 99},
			{ChangeType: "updated", ID: busy.ID, LedgerSeq: 99},
			{ChangeType: "deleted", ID: created.ID, LedgerSeq: 99},
		}},
	}
	for _, c := range cases {
		if got := lostTypes(s.LostSilentlyExchange("me", c.folders, c.seen, c.types...)); got != c.want {
			t.Errorf("%s: %q was lost, want %q", c.name, got, c.want)
		}
	}

	removed := change(Change{Resource: inboxResource, ChangeType: "Missed"})
	if got := lostTypes(s.LostSilentlyExchange("me", []string{"inbox"}, []Seen{{Resync: true, LedgerSeq: removed.Seq - 1}})); got != "Missed" {
		t.Errorf("what was missed is not accounted for: %q", got)
	}
	if got := lostTypes(s.LostSilentlyExchange("me", []string{"calendar"}, []Seen{{Resync: true, LedgerSeq: removed.Seq - 1}})); got != "" {
		t.Errorf("in another folder %q was lost", got)
	}
}

func TestLostSilentlyExchangeDoesNotAnswerForWhatIsNotThere(t *testing.T) {
	s := New(nil)
	defer s.Close()
	for _, ask := range []func(){
		func() { s.LostSilentlyExchange("nobody@contoso.test", nil, nil) },
		func() { s.LostSilentlyExchange("me", []string{"nowhere"}, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("there was an answer")
				}
			}()
			ask()
		}()
	}
}

func TestTheRESTHalfOfAMove(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id, there := f.subscribe(inboxResource), f.subscribe(deletedResource)
		first := f.change(Change{Resource: inboxResource, ChangeType: "NewMail", Data: []byte(`{"Subject":"x"}`)})[0]
		moved := f.change(Change{Resource: inboxResource, ChangeType: "Moved", ID: first.ID, To: deletedResource})
		if len(moved) != 2 || moved[0].Seq != 2 || moved[1].Seq != 3 || f.s.LedgerSeq() != 3 {
			t.Fatalf("the ledger has %+v", moved)
		}
		f.change(Change{Resource: deletedResource, ChangeType: "FreeBusyChanged"})
		f.change(Change{Resource: deletedResource, ChangeType: "SoftDeleted"})
		var got []string
		for _, n := range f.elements(f.listen(id, there).now()) {
			if n.Change != "" {
				got = append(got, n.Change+" "+n.Data.ID)
			}
		}
		want := "Created " + first.ID + ", Deleted " + first.ID + ", Created " + moved[0].NewID + ", Deleted " + moved[0].NewID
		if strings.Join(got, ", ") != want {
			t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
		}
		if lost := f.s.LostSilently("me", inboxResource, nil); lostTypes(lost) != "NewMail Moved" {
			t.Errorf("%q was lost in the inbox", lostTypes(lost))
		}
		if lost := f.s.LostSilently("me", deletedResource, nil); lostTypes(lost) != "Created SoftDeleted" {
			t.Errorf("%q was lost in Deleted Items", lostTypes(lost))
		}
	})
}

func TestAMoveNeedsSomewhereToGo(t *testing.T) {
	s := New(nil)
	defer s.Close()
	for _, c := range []Change{
		{Resource: inboxResource, ChangeType: "Moved"},
		{Resource: inboxResource, ChangeType: "Moved", To: "users/room1@contoso.test/messages"},
		{Resource: inboxResource, ChangeType: "Moved", To: deletedResource + "?$filter=x"},
		{Resource: inboxResource, ChangeType: "Updated", To: deletedResource},
		{Resource: inboxResource, ChangeType: "Acknowledgment"},
	} {
		if _, err := s.Change(c); err == nil {
			t.Errorf("%+v was made", c)
		}
	}
	if s.LedgerSeq() != 0 {
		t.Error("something was changed")
	}
}

func TestCollectionsAreFolders(t *testing.T) {
	for path, want := range map[string]string{
		"events":                         "calendar IPF.Appointment",
		"messages":                       "inbox IPF.Note",
		"contacts":                       "contacts IPF.Contact",
		"tasks":                          "tasks IPF.Task",
		"mailfolders('inbox')/messages":  "inbox IPF.Note",
		"calendars('Bob''s')/events":     "Bob's IPF.Appointment",
		"contactfolders('x')/contacts":   "x IPF.Contact",
		"taskfolders('AAMk=')/tasks":     "AAMk= IPF.Task",
		"mailfolders('drafts')/messages": "drafts IPF.Note",
	} {
		if f := exchangeFolder(collection{path: path}); f.Name+" "+f.Class != want {
			t.Errorf("%s is %+v, want %s", path, f, want)
		}
	}
}
