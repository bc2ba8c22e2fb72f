package ews

import (
	"slices"
	"time"
)

// An EventType is what happened, in the service's own words.
type EventType string

// The event types. A move or copy is told by the id that came of it.
const (
	CreatedEvent         EventType = "CreatedEvent"
	DeletedEvent         EventType = "DeletedEvent"
	ModifiedEvent        EventType = "ModifiedEvent"
	MovedEvent           EventType = "MovedEvent"
	CopiedEvent          EventType = "CopiedEvent"
	NewMailEvent         EventType = "NewMailEvent"
	FreeBusyChangedEvent EventType = "FreeBusyChangedEvent"
)

// eventTypes are all that can be subscribed to, in the order of the schema.
var eventTypes = [...]EventType{CopiedEvent, CreatedEvent, DeletedEvent, ModifiedEvent, MovedEvent, NewMailEvent, FreeBusyChangedEvent}

func (e EventType) known() bool { return slices.Contains(eventTypes[:], e) }

// eventTypesIn returns those that a version has.
func eventTypesIn(version string) []EventType {
	if isBefore(version, streamsSince) {
		return eventTypes[:slices.Index(eventTypes[:], FreeBusyChangedEvent)]
	}
	return eventTypes[:]
}

// An ID names one version of an item or a folder.
type ID struct {
	ID        string // opaque, case-sensitive; "" in the zero ID, which names nothing
	ChangeKey string // in events too short to be used for updates
}

// An Event is one event as the service sent it. It is about an item or about a
// folder: one of ItemID and FolderID is set.
type Event struct {
	Type           EventType
	TimeStamp      time.Time // when it happened, by the server: UTC, to the second; zero if it did not say
	ItemID         ID        // of the item; zero if it is about a folder
	FolderID       ID        // of the folder; zero if it is about an item
	ParentFolderID ID        // of the folder that it is in

	// Of what was moved or copied: where it was. What was moved has a new id.
	OldItemID         ID
	OldFolderID       ID
	OldParentFolderID ID

	// UnreadCount is how many unread items a modified folder has; nil if the
	// service did not say.
	UnreadCount *int

	Mailbox        string // the Address of the Mailbox; "me" if it had none
	SubscriptionID string // of the subscription that told; opaque
	Watermark      string // of pull and push; "" on a stream
}

// IsFolder reports whether the event is about a folder, not an item.
func (e *Event) IsFolder() bool { return e.FolderID.ID != "" }
