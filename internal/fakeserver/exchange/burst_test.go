package exchange_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

func TestWhatTheServiceMakesOfAChange(t *testing.T) {
	cases := []struct {
		name    string
		change  fakeserver.Change
		folders []string // none: all
		want    string
	}{
		{"new mail", fakeserver.Change{Resource: inboxPath, ChangeType: "Created", ID: "AAM1"}, []string{"inbox"},
			"Created(AAM1) NewMail(AAM1) Modified(folder)"},
		{"new mail that a rule has filed", fakeserver.Change{Resource: "me/mailfolders('Lists')/messages", ChangeType: "NewMail", ID: "AAM1"}, nil,
			"Created(AAM1) NewMail(AAM1) Modified(folder)"},
		{"a draft", fakeserver.Change{Resource: "me/mailfolders('drafts')/messages", ChangeType: "Created", ID: "AAM1"}, []string{"drafts"},
			"Created(AAM1) Modified(folder)"},
		{"a new appointment", fakeserver.Change{Resource: calendarPath, ChangeType: "Created", ID: "AAM1"}, []string{"calendar"},
			"Created(AAM1) FreeBusyChanged(AAM1) Modified(folder)"},
		{"an appointment changed", fakeserver.Change{Resource: calendarPath, ChangeType: "Updated", ID: "AAM1"}, []string{"calendar"},
			"Modified(AAM1) FreeBusyChanged(AAM1) Modified(AAM1) FreeBusyChanged(AAM1) Modified(folder)"},
		{"only its time", fakeserver.Change{Resource: calendarPath, ChangeType: "FreeBusyChanged", ID: "AAM1"}, []string{"calendar"},
			"FreeBusyChanged(AAM1)"},
		{"a task changed", fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: "AAM1"}, []string{"tasks"},
			"Modified(AAM1)"},
		{"a hard delete", fakeserver.Change{Resource: "me/contacts", ChangeType: "Deleted", ID: "AAM1"}, []string{"contacts"},
			"Deleted(AAM1) Modified(folder)"},
		{"a soft delete, seen in its folder", fakeserver.Change{Resource: inboxPath, ChangeType: "SoftDeleted", ID: "AAM1"}, []string{"inbox"},
			"Moved(new) Modified(folder)"},
		{"a soft delete, seen everywhere", fakeserver.Change{Resource: inboxPath, ChangeType: "SoftDeleted", ID: "AAM1"}, nil,
			"Deleted(AAM1) Deleted(AAM1) Modified(folder)"},
		{"to Deleted Items, seen there", fakeserver.Change{Resource: inboxPath, ChangeType: "Moved", To: deletedPath, ID: "AAM1"},
			[]string{"deleteditems"}, "Moved(new) Modified(folder)"},
		{"to Deleted Items, seen in the inbox", fakeserver.Change{Resource: inboxPath, ChangeType: "Moved", To: deletedPath, ID: "AAM1"},
			[]string{"inbox"}, "Moved(new) Modified(folder)"},
		{"to Deleted Items, seen everywhere", fakeserver.Change{Resource: inboxPath, ChangeType: "Moved", To: deletedPath, ID: "AAM1"},
			nil, "Moved(new) Modified(folder) Modified(folder)"},
		{"a copy", fakeserver.Change{Resource: inboxPath, ChangeType: "Copied", To: deletedPath, ID: "AAM1"}, nil,
			"Copied(new) Modified(folder)"},
		{"elsewhere", fakeserver.Change{Resource: inboxPath, ChangeType: "Created", ID: "AAM1"}, []string{"calendar"}, ""},
	}
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		for _, c := range cases {
			id := f.subscribe(c.folders...)
			entries := f.change(c.change)
			l := f.listen(1, id)
			var got string
			for _, a := range l.checked()[1:] {
				got += strings.Trim(short([]arrived{a})[0], "[] ")
			}
			if entries[0].NewID != "" {
				got = strings.ReplaceAll(got, entries[0].NewID, "new")
			}
			if got != c.want {
				t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			}
			l.hangUp()
			f.call(unsubscribeRequest(id)).want(t, "NoError")
		}
	})
}

func TestAMoveTellsWhereFromAndWhereTo(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		inbox, _ := f.s.Exchange().LookupFolder(alex, "inbox")
		deleted, _ := f.s.Exchange().LookupFolder(alex, "deleteditems")
		id := f.subscribe()
		entries := f.change(fakeserver.Change{Resource: inboxPath, ChangeType: "Moved", To: deletedPath, ID: "AAM1"})
		if len(entries) != 2 || entries[1].MovedFrom != "AAM1" || entries[1].ID != entries[0].NewID || entries[1].ChangeType != "Created" {
			t.Fatalf("the ledger says %+v", entries)
		}
		e := f.listen(1, id).checked()[1].message().at("Notifications", "Notification", "MovedEvent")
		for name, want := range map[string]string{
			"ItemId": entries[0].NewID, "ParentFolderId": deleted, "OldItemId": "AAM1", "OldParentFolderId": inbox,
		} {
			if got := e.at(name).attrs["Id"]; got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if got := e.at("ItemId").attrs["ChangeKey"]; got != entries[0].ChangeKey {
			t.Errorf("the change key is %q, want %q", got, entries[0].ChangeKey)
		}
	})
}

func TestUnreadItemsAreCounted(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("inbox")
		f.change(fakeserver.Change{Resource: inboxPath, ChangeType: "Created", ID: "AAM1"})
		f.change(fakeserver.Change{Resource: inboxPath, ChangeType: "Created", ID: "AAM2"})
		f.change(fakeserver.Change{Resource: inboxPath, ChangeType: "Updated", ID: "AAM1", Data: json.RawMessage(`{"IsRead":true}`)})
		f.change(fakeserver.Change{Resource: inboxPath, ChangeType: "Deleted", ID: "AAM2"})
		var counts []string
		for _, e := range f.listen(1, id).checked()[1].message().at("Notifications", "Notification").all("ModifiedEvent") {
			if e.at("FolderId") != nil {
				counts = append(counts, e.text("UnreadCount"))
			}
		}
		if got := strings.Join(counts, " "); got != "1 2 1 0" {
			t.Errorf("the counts are %s", got)
		}
	})
}

func TestOnlyTheEventsThatWereAskedForCome(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.call(streamingRequest(folders("inbox")+`<t:EventTypes><t:EventType>NewMailEvent</t:EventType></t:EventTypes>`)).
			want(t, "NoError").text("SubscriptionId")
		f.change(fakeserver.Change{Resource: inboxPath, ChangeType: "Updated", ID: "AAM1"})
		f.change(fakeserver.Change{Resource: inboxPath, ChangeType: "Created", ID: "AAM2"})
		f.change(fakeserver.Change{User: room1, Resource: inboxPath, ChangeType: "Created", ID: "AAM3"})
		wantShort(t, f.listen(1, id).checked(), "OK", "[ NewMail(AAM2) ]")
	})
}
