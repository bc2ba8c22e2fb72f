package fakeserver

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestNotificationHasTheDocumentedMembers(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		r := f.listen(id)
		r.now()
		wait(time.Minute)
		r.now()
		e := f.change(Change{Resource: "me/events", ChangeType: "created", ID: "AAMk=", Data: json.RawMessage(`{"Subject":"secret"}`)})[0]
		account := f.s.SignIn().Accounts()[0]
		url := "https://outlook.fake.test/api/beta/Users('" + account.ObjectID + "@" + f.s.SignIn().Tenant() + "')/Events('AAMk=')"
		version := strings.ReplaceAll(e.Version, `"`, `\"`)
		want := `,{"@odata.type":"#Microsoft.OutlookServices.Notification","Id":null,"SubscriptionId":"` + id +
			`","SubscriptionExpirationDateTime":"2000-01-01T00:31:00.0000000Z","SequenceNumber":1,"ChangeType":"Created",` +
			`"Resource":"` + url + `","ResourceData":{"@odata.type":"#Microsoft.OutlookServices.Event","@odata.id":"` + url +
			`","@odata.etag":"` + version + `","Id":"AAMk="}}`
		if got := r.now(); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		if e.Seq != 1 || e.User != "alex@contoso.test" || e.Resource != "me/events" || e.ChangeType != "Created" || e.ID != "AAMk=" ||
			len(e.Subscriptions) != 1 || e.Subscriptions[0] != id || e.Matches[0] != (Match{id, "Created", 1}) {
			t.Errorf("entry %+v", e)
		}
		// As that one was delivered, the next one's expiry has moved on.
		wait(10*time.Second + 123_456_700*time.Nanosecond)
		f.change(Change{Resource: "me/events", ChangeType: "Updated", ID: "AAMk="})
		r.now()
		last := f.elements(r.text)
		n := last[len(last)-1]
		if n.Expires != "2000-01-01T00:31:10.1234567Z" || n.Sequence != 2 || n.Data.ETag == e.Version || !strings.HasPrefix(n.Data.ETag, `W/"`) {
			t.Errorf("second notification: expires %s, number %d, etag %s", n.Expires, n.Sequence, n.Data.ETag)
		}
	})
}

func TestNotificationsGoToWhomTheyConcern(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		ids := map[string]string{}
		for _, resource := range []string{
			"me/events", "me/messages", "me/mailfolders('Inbox')/messages", "me/contacts", "me/tasks", "users/room1@contoso.test/events",
			"me/calendars('AbC')/events", "me/calendars('abc')/events",
		} {
			ids[f.subscribe(resource)] = resource
		}
		type changed struct{ user, resource string }
		for change, want := range map[changed]string{
			{"", "me/events"}: "me/events",
			{"me", "https://outlook.office.com/api/beta/ME/Messages"}: "me/messages",
			{"alex@contoso.test", "me/mailfolders/inbox/messages"}:    "me/mailfolders('Inbox')/messages",
			{"", "me/contacts"}:                                             "me/contacts",
			{"", "me/tasks"}:                                                "me/tasks",
			{"room1@contoso.test", "me/events"}:                             "users/room1@contoso.test/events",
			{"", "users/room1@contoso.test/events"}:                         "users/room1@contoso.test/events",
			{"", "me/calendars('AbC')/events"}:                              "me/calendars('AbC')/events",
			{"room1@contoso.test", "me/messages"}:                           "",
			{f.s.SignIn().Accounts()[1].ObjectID, "me/taskfolders/x/tasks"}: "",
		} {
			e := f.change(Change{User: change.user, Resource: change.resource, ChangeType: "Created"})[0]
			var got []string
			for _, id := range e.Subscriptions {
				got = append(got, ids[id])
			}
			if strings.Join(got, " ") != want {
				t.Errorf("a change of %v went to %q, want %q", change, got, want)
			}
		}
	})
}

func TestOnlyTheChangeTypesAskedForAreSent(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		r := f.listen(f.subscribed("me/tasks", "Deleted").ID)
		for _, kind := range []string{"Created", "Updated", "Deleted", "Missed", "SubscriptionRemoved"} {
			f.change(Change{Resource: "me/tasks", ChangeType: kind})
		}
		r.now()
		var got []string
		for _, n := range f.elements(r.text) {
			got = append(got, n.Change)
		}
		if fmt.Sprint(got) != "[Deleted Missed SubscriptionRemoved]" {
			t.Errorf("got %v", got)
		}
	})
}

func TestMissedConcernsNoItem(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/messages")
		r := f.listen(id)
		r.now()
		f.change(Change{Resource: "me/messages", ChangeType: "Missed"})
		want := `{"@odata.type":"#Microsoft.OutlookServices.Notification","Id":null,"SubscriptionId":"` + id +
			`","SubscriptionExpirationDateTime":"2000-01-01T00:30:00.0000000Z","SequenceNumber":1,"ChangeType":"Missed"}`
		if got := r.now(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestSubscriptionRemovedIsTheLastOfASubscription(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/messages")
		r := f.listen(id)
		r.now()
		f.change(Change{Resource: "me/messages", ChangeType: "SubscriptionRemoved"})
		got := r.now()
		if !regexp.MustCompile(`^\{"SubscriptionId":"` + regexp.QuoteMeta(id) + `","SubscriptionExpirationDateTime":"[^"]*","ChangeType":"SubscriptionRemoved",` +
			`"Error":\{"Message":"[^"]+","Code":"AccountStateChanged"\}\}$`).MatchString(got) {
			t.Errorf("got %s", got)
		}
		if e := f.change(Change{Resource: "me/messages", ChangeType: "Created"})[0]; len(e.Subscriptions) != 0 {
			t.Errorf("a later change still went to %v", e.Subscriptions)
		}
		f.wantError(f.call("POST", "/api/beta/me/GetNotifications", listenBody(1, 5, id)), 404, codeNoItem, "")
	})
}

func TestSelectedPropertiesAreInResourceData(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		r := f.listen(f.subscribe("me/messages?$select=Id,subject, Body,Categories,From,Missing&$expand=Attachments($select=Name)"))
		r.now()
		f.change(Change{Resource: "me/messages", ChangeType: "Created", ID: "m1", Data: json.RawMessage(`{
			"Subject": "a \"quoted\" ]} {[ \\ \u00e9 é 日本 <b>&amp;</b>",
			"Body": {"Content": ",{\"x\":[1,2]}", "Deep": [[{"a": []}], {}]},
			"Categories": [ "Red", "]}" ],
			"From": null,
			"Attachments": [{"Name": "x"}],
			"Secret": "not selected"}`)})
		got := r.now()
		want := `"Id":"m1","Subject":"a \"quoted\" ]} {[ \\ \u00e9 é 日本 <b>&amp;</b>","Body":{"Content":",{\"x\":[1,2]}","Deep":[[{"a":[]}],{}]},` +
			`"Categories":["Red","]}"],"From":null,"Attachments":[{"Name":"x"}]}}`
		if !strings.HasSuffix(got, want) {
			t.Errorf("got %s\nwant the end %s", got, want)
		}
		f.change(Change{Resource: "me/messages", ChangeType: "Updated", ID: "m1", Data: json.RawMessage(`{"Subject":"new"}`)})
		if got := r.now(); !strings.Contains(got, `"Subject":"new"`) || !strings.Contains(got, `"Categories":["Red","]}"]`) {
			t.Errorf("an update is not merged into what was there: %s", got)
		}
		f.change(Change{Resource: "me/messages", ChangeType: "Deleted", ID: "m1"})
		if got := r.now(); !strings.HasSuffix(got, `"Id":"m1"}}`) {
			t.Errorf("a deletion says more than the id: %s", got)
		}
	})
}

func TestFilterTurnsEnteringIntoCreatedAndLeavingIntoDeleted(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		r := f.listen(f.subscribe("me/messages?$filter=IsRead%20eq%20false%20and%20Subject%20ne%20%27it%27%27s+spam%27"))
		r.now()
		change := func(kind, data string) { // item x
			f.change(Change{Resource: "me/messages", ChangeType: kind, ID: "x", Data: json.RawMessage(data)})
		}
		for _, c := range []struct{ kind, data, want string }{
			{"Created", `{"IsRead":true,"Subject":"s"}`, ""},
			{"Updated", `{"IsRead":false}`, "Created"},
			{"Updated", `{"Subject":"t"}`, "Updated"},
			{"Updated", `{"Subject":"it's spam"}`, "Deleted"},
			{"Updated", `{"Importance":"High"}`, ""},
			{"Updated", `{"Subject":"u"}`, "Created"},
			{"Deleted", ``, "Deleted"},
			{"Created", `{"IsRead":true}`, ""},
			{"Deleted", ``, ""},
		} {
			change(c.kind, c.data)
			got := ""
			if text := r.now(); text != "" {
				got = f.elements(`{"value":[` + strings.TrimPrefix(text, ","))[0].Change
			}
			if got != c.want {
				t.Errorf("%s %s: got %q, want %q", c.kind, c.data, got, c.want)
			}
		}
	})
}

func TestSequenceGoesOnOverConnectionsAndQueuesBetweenThem(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		a, b := f.subscribe("me/events"), f.subscribe("me/events")
		change := func(n int) { f.change(Change{Resource: "me/events", ChangeType: "Created", Count: n}) }
		change(2) // before anybody listens
		r := f.listenFor(1, 30, a)
		change(1)
		r.rest()
		change(3) // between two connections
		r2 := f.listenFor(1, 30, a, b)
		text, _ := r2.rest()
		var first, second []int64
		for _, n := range f.elements(r.text) {
			first = append(first, n.Sequence)
		}
		for _, n := range f.elements(text) {
			if n.SubID == a {
				second = append(second, n.Sequence)
			}
		}
		if fmt.Sprint(first) != "[1 2 3 0]" || fmt.Sprint(second) != "[4 5 6]" { // 0: a keep-alive
			t.Errorf("numbers %v, then %v", first, second)
		}
		if n := strings.Count(text, b); n != 6 {
			t.Errorf("the other subscription got %d, want its own six", n)
		}
	})
}

func TestChangesWithoutAnIDConcernTheNewestItem(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		do := func(kind string) string {
			return f.change(Change{Resource: "me/events", ChangeType: kind})[0].ID
		}
		first, second := do("Created"), do("Created")
		if first == second || !strings.HasSuffix(first, "=") {
			t.Fatalf("ids %q and %q", first, second)
		}
		if got := do("Updated"); got != second {
			t.Errorf("updated %q, want %q", got, second)
		}
		if got := do("Deleted"); got != second {
			t.Errorf("deleted %q, want %q", got, second)
		}
		if got := do("Updated"); got != first {
			t.Errorf("then updated %q, want %q", got, first)
		}
		do("Deleted")
		if got := do("Updated"); got == first || got == second {
			t.Errorf("with nothing left, updated %q, want a new one", got)
		}
	})
}

func TestChangeRefusesWhatItCannotDo(t *testing.T) {
	s := New(nil)
	for _, c := range []Change{
		{User: "nobody@contoso.test", Resource: "me/events", ChangeType: "Created"},
		{Resource: "me/nothing", ChangeType: "Created"},
		{Resource: "me/events?$select=Id", ChangeType: "Created"},
		{Resource: "me/events", ChangeType: "Acknowledgment"},
		{Resource: "me/events", ChangeType: ""},
		{Resource: "me/events", ChangeType: "Created", Data: json.RawMessage(`[]`)},
		{Resource: "me/events", ChangeType: "Created", Data: json.RawMessage(`null`)},
		{Resource: "me/events", ChangeType: "Missed", ID: "x"},
		{Resource: "me/events", ChangeType: "Created", Count: -1},
	} {
		if _, err := s.Change(c); err == nil || !strings.HasPrefix(err.Error(), "fakeserver: change: ") {
			t.Errorf("%+v: error %v", c, err)
		}
	}
	if n := len(s.Ledger()); n != 0 {
		t.Errorf("%d entries were made", n)
	}
}

func TestAFullQueueBecomesMissed(t *testing.T) {
	inMemory(t, "h2", &Options{MaxQueue: 3}, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		f.change(Change{Resource: "me/events", ChangeType: "Created", Count: 10})
		r := f.listen(id)
		r.now()
		f.change(Change{Resource: "me/events", ChangeType: "Updated"})
		r.now()
		var got []string
		for _, n := range f.elements(r.text) {
			got = append(got, fmt.Sprint(n.Change, n.Sequence))
		}
		if fmt.Sprint(got) != "[Created1 Created2 Created3 Missed4 Updated5]" {
			t.Errorf("got %v", got)
		}
	})
}

func TestTheExpiryMovesOnlyAfterADeliveredNotification(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		expires := func(r *reading) string {
			list := f.elements(r.text)
			return list[len(list)-1].Expires
		}
		r := f.listen(id)
		r.now()
		r.cancel()
		wait(time.Second)
		f.change(Change{Resource: "me/events", ChangeType: "Created"}) // fails to be written
		wait(time.Minute)
		r = f.listen(id)
		r.now()
		if got := expires(r); got != "2000-01-01T00:30:01.0000000Z" {
			t.Errorf("after one that failed: %s", got)
		}
		f.change(Change{Resource: "me/events", ChangeType: "Created"})
		r.now()
		if got := expires(r); got != "2000-01-01T00:31:01.0000000Z" {
			t.Errorf("after one that was delivered: %s", got)
		}
	})
}
