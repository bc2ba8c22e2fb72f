package ews

import (
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

func TestEventsOfTheServiceAreEventsOfEverySource(t *testing.T) {
	at := time.Date(2026, 11, 27, 1, 2, 3, 0, time.UTC)
	item, folder := ID{"I", "CQ=="}, ID{"F", "AQ=="}
	for _, tt := range []struct {
		event Event
		kind  outlookstream.Kind
		id    ID
	}{
		{Event{Type: CreatedEvent, ItemID: item}, outlookstream.Created, item},
		{Event{Type: CreatedEvent, FolderID: folder}, outlookstream.Created, folder},
		{Event{Type: NewMailEvent, ItemID: item}, outlookstream.Created, item},
		{Event{Type: CopiedEvent, ItemID: item, OldItemID: ID{"O", "1"}}, outlookstream.Created, item},
		{Event{Type: ModifiedEvent, ItemID: item}, outlookstream.Updated, item},
		{Event{Type: ModifiedEvent, FolderID: folder, UnreadCount: new(int)}, outlookstream.Updated, folder},
		{Event{Type: FreeBusyChangedEvent, ItemID: item}, outlookstream.Updated, item},
		{Event{Type: DeletedEvent, ItemID: item}, outlookstream.Deleted, item},
		{Event{Type: MovedEvent, ItemID: item, OldItemID: ID{"O", "1"}}, outlookstream.Moved, item},
		{Event{Type: MovedEvent, FolderID: folder, OldFolderID: ID{"O", "1"}}, outlookstream.Moved, folder},
	} {
		want := outlookstream.Event{Kind: tt.kind, Resource: "room1@contoso.test", ID: tt.id.ID, Received: at, Native: &tt.event}
		if got, ok := tt.event.event("room1@contoso.test", at); !ok || got != want {
			t.Errorf("%s: %+v, %v", tt.event.Type, got, ok)
		}
	}
	for _, e := range []Event{{Type: "ShreddedEvent", ItemID: item}, {Type: CreatedEvent}, {Type: MovedEvent, OldItemID: item}, {}} {
		if got, ok := e.event("x", at); ok || got != (outlookstream.Event{}) {
			t.Errorf("%+v: %+v", e, got)
		}
	}
}

func TestEveryTypeHasAKind(t *testing.T) {
	for _, e := range eventTypes {
		if _, known := e.kind(); !known {
			t.Errorf("%s", e)
		}
	}
}
