package ews

import (
	"encoding/xml"
	"reflect"
	"strings"
	"testing"
	"time"
)

func at(second int) time.Time { return time.Date(2026, 3, 2, 8, 30, second, 0, time.UTC) }

// everyEvent is one event of each type, as the service writes them.
const everyEvent = `
<t:SubscriptionId> sub </t:SubscriptionId><t:PreviousWatermark>w0</t:PreviousWatermark><t:MoreEvents>false</t:MoreEvents>
<t:MovedEvent><t:Watermark>w1</t:Watermark><t:TimeStamp>2026-03-02T08:30:01Z</t:TimeStamp><t:ItemId Id="new" ChangeKey="CQAAAA=="/><t:ParentFolderId Id="archive" ChangeKey="AQAAAA=="/><t:OldItemId Id="old" ChangeKey="CQAAAB=="/><t:OldParentFolderId Id="inbox" ChangeKey="AQAAAB=="/></t:MovedEvent>
<t:CreatedEvent><t:Watermark>w2</t:Watermark><t:TimeStamp>2026-03-02T08:30:02Z</t:TimeStamp><t:ItemId Id="mail" ChangeKey="k"/><t:ParentFolderId Id="inbox"/></t:CreatedEvent>
<t:NewMailEvent><t:Watermark>w3</t:Watermark><t:TimeStamp>2026-03-02T08:30:02Z</t:TimeStamp><t:ItemId Id="mail" ChangeKey="k"/><t:ParentFolderId Id="inbox"/></t:NewMailEvent>
<t:ModifiedEvent><t:Watermark>w4</t:Watermark><t:TimeStamp>2026-03-02T08:30:03Z</t:TimeStamp><t:FolderId Id="inbox"/><t:ParentFolderId Id="root"/><t:UnreadCount>0</t:UnreadCount></t:ModifiedEvent>
<t:FreeBusyChangedEvent><t:Watermark>w5</t:Watermark><t:TimeStamp>2026-03-02T08:30:04Z</t:TimeStamp><t:ItemId Id="meeting"/><t:ParentFolderId Id="calendar"/></t:FreeBusyChangedEvent>
<t:CopiedEvent><t:Watermark>w6</t:Watermark><t:TimeStamp>2026-03-02T08:30:05Z</t:TimeStamp><t:FolderId Id="copy"/><t:ParentFolderId Id="root"/><t:OldFolderId Id="origin"/><t:OldParentFolderId Id="root2"/></t:CopiedEvent>
<t:DeletedEvent><t:Watermark>w7</t:Watermark><t:TimeStamp>2026-03-02T08:30:06Z</t:TimeStamp><t:ItemId Id="mail"/><t:ParentFolderId Id="inbox"/></t:DeletedEvent>`

func wantEveryEvent(mailbox string) []*Event {
	none := 0
	all := []*Event{
		{Type: MovedEvent, TimeStamp: at(1), ItemID: ID{"new", "CQAAAA=="}, ParentFolderID: ID{"archive", "AQAAAA=="}, OldItemID: ID{"old", "CQAAAB=="}, OldParentFolderID: ID{"inbox", "AQAAAB=="}, Watermark: "w1"},
		{Type: CreatedEvent, TimeStamp: at(2), ItemID: ID{"mail", "k"}, ParentFolderID: ID{ID: "inbox"}, Watermark: "w2"},
		{Type: NewMailEvent, TimeStamp: at(2), ItemID: ID{"mail", "k"}, ParentFolderID: ID{ID: "inbox"}, Watermark: "w3"},
		{Type: ModifiedEvent, TimeStamp: at(3), FolderID: ID{ID: "inbox"}, ParentFolderID: ID{ID: "root"}, UnreadCount: &none, Watermark: "w4"},
		{Type: FreeBusyChangedEvent, TimeStamp: at(4), ItemID: ID{ID: "meeting"}, ParentFolderID: ID{ID: "calendar"}, Watermark: "w5"},
		{Type: CopiedEvent, TimeStamp: at(5), FolderID: ID{ID: "copy"}, ParentFolderID: ID{ID: "root"}, OldFolderID: ID{ID: "origin"}, OldParentFolderID: ID{ID: "root2"}, Watermark: "w6"},
		{Type: DeletedEvent, TimeStamp: at(6), ItemID: ID{ID: "mail"}, ParentFolderID: ID{ID: "inbox"}, Watermark: "w7"},
	}
	for _, e := range all {
		e.Mailbox, e.SubscriptionID = mailbox, "sub"
	}
	return all
}

// differing shows two lists of events in full: they have pointers.
func differing(t *testing.T, got, want []*Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d events, not %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("event %d\ngot  %+v\nwant %+v", i, *got[i], *want[i])
		}
	}
}

func notificationOf(t testing.TB, content string) *notificationElement {
	t.Helper()
	var n notificationElement
	if err := xml.Unmarshal([]byte(`<Notification>`+content+`</Notification>`), &n); err != nil {
		t.Fatal(err)
	}
	return &n
}

func TestEventsOfEachTypeAreReadInTheirOrder(t *testing.T) {
	n := notificationOf(t, everyEvent)
	differing(t, n.events("ann@contoso.com"), wantEveryEvent("ann@contoso.com"))
	if n.watermark() != "w7" || n.more() || n.subscription() != "sub" {
		t.Errorf("watermark %q, more %v, subscription %q", n.watermark(), n.more(), n.subscription())
	}
	if folder := n.events("")[3]; !folder.IsFolder() || n.events("")[0].IsFolder() {
		t.Error("an event does not know what it is about")
	}
}

// Something happened, whatever else is wrong with how it is told.
func TestAnEventOutOfFormIsStillAnEvent(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		want    Event
	}{
		"of an unknown type":         {`<t:RenamedEvent><t:ItemId Id="i"/></t:RenamedEvent>`, Event{Type: "RenamedEvent", ItemID: ID{ID: "i"}}},
		"without a time":             {`<CreatedEvent><ItemId Id="i"/></CreatedEvent>`, Event{Type: CreatedEvent, ItemID: ID{ID: "i"}}},
		"at a time nobody can read":  {`<CreatedEvent><TimeStamp>noon</TimeStamp><ItemId Id="i"/></CreatedEvent>`, Event{Type: CreatedEvent, ItemID: ID{ID: "i"}}},
		"at a time without a zone":   {`<CreatedEvent><TimeStamp>2026-03-02T08:30:01</TimeStamp><ItemId Id="i"/></CreatedEvent>`, Event{Type: CreatedEvent, TimeStamp: at(1), ItemID: ID{ID: "i"}}},
		"at a time of another zone":  {`<CreatedEvent><TimeStamp> 2026-03-02T09:30:01.000+01:00 </TimeStamp><ItemId Id="i"/></CreatedEvent>`, Event{Type: CreatedEvent, TimeStamp: at(1), ItemID: ID{ID: "i"}}},
		"with a count that is none":  {`<ModifiedEvent><FolderId Id="f"/><UnreadCount>many</UnreadCount></ModifiedEvent>`, Event{Type: ModifiedEvent, FolderID: ID{ID: "f"}}},
		"with more than is known":    {`<CreatedEvent><x:Y xmlns:x="urn:x"><x:Z/></x:Y><ItemId Id="i" Else="e"><Deep/></ItemId></CreatedEvent>`, Event{Type: CreatedEvent, ItemID: ID{ID: "i"}}},
		"beside what is none":        {`<Extension><CreatedEvent/></Extension><StatusEvent/><DeletedEvent><ItemId Id="i"/></DeletedEvent>`, Event{Type: DeletedEvent, ItemID: ID{ID: "i"}}},
		"with namespaces unheard of": {`<a:CreatedEvent xmlns:a="urn:a"><b:ItemId xmlns:b="urn:b" Id="i"/></a:CreatedEvent>`, Event{Type: CreatedEvent, ItemID: ID{ID: "i"}}},
	} {
		t.Run(name, func(t *testing.T) { differing(t, notificationOf(t, c.content).events(""), []*Event{&c.want}) })
	}
}

func TestOnlyAStatusEventIsNoEvent(t *testing.T) {
	n := notificationOf(t, `<SubscriptionId>sub</SubscriptionId><MoreEvents> 1 </MoreEvents><StatusEvent><Watermark> w9
	</Watermark></StatusEvent>`)
	if len(n.events("")) != 0 || n.watermark() != "w9" || !n.more() {
		t.Errorf("%d events, watermark %q, more %v", len(n.events("")), n.watermark(), n.more())
	}
	if n := notificationOf(t, `<SubscriptionId>sub</SubscriptionId><StatusEvent/>`); n.watermark() != "" || n.more() {
		t.Errorf("on a stream: watermark %q, more %v", n.watermark(), n.more())
	}
}

func TestElementsWithoutAnEndAreRefused(t *testing.T) {
	var n notificationElement
	fits := `<Notification>` + strings.Repeat(`<a/>`, maxElements)
	if err := xml.Unmarshal([]byte(fits+`</Notification>`), &n); err != nil {
		t.Error(err)
	}
	if err := xml.Unmarshal([]byte(fits+`<a/></Notification>`), new(notificationElement)); err == nil {
		t.Error("nobody counts")
	}
}

func FuzzNotification(f *testing.F) {
	f.Add(`<Notification>` + everyEvent + `</Notification>`)
	f.Add(`<Notification><StatusEvent><Watermark>w</Watermark></StatusEvent></Notification>`)
	f.Add(`<Notification><MoreEvents>x</MoreEvents><Event/><ItemId Id="&#x0;"/></Notification>`)
	f.Fuzz(func(t *testing.T, text string) {
		var n notificationElement
		if xml.Unmarshal([]byte(text), &n) != nil {
			return
		}
		_, _, _ = n.watermark(), n.more(), n.subscription()
		for _, e := range n.events("me") {
			if e.Type == statusEvent || !strings.HasSuffix(string(e.Type), "Event") || e.Mailbox != "me" || e.SubscriptionID != n.subscription() {
				t.Errorf("%+v", e)
			}
		}
	})
}
