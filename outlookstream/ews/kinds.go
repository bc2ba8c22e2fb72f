package ews

import (
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// kind says which Kind an event of the service is. Of a mail that arrives both
// CreatedEvent and NewMailEvent tell.
func (e EventType) kind() (kind outlookstream.Kind, known bool) {
	switch e {
	case CreatedEvent, NewMailEvent, CopiedEvent:
		return outlookstream.Created, true
	case ModifiedEvent, FreeBusyChangedEvent:
		return outlookstream.Updated, true
	case DeletedEvent:
		return outlookstream.Deleted, true
	case MovedEvent:
		return outlookstream.Moved, true
	default:
		return 0, false
	}
}

// event returns e as programs know it that do not know its source. resource is
// how the program called the mailbox. What was moved or copied is called by its
// new id. There is no Version: the change keys of events are the same for one
// item after the other, and [outlookstream.Dedup] would take two changes of an
// item for one. An event of a type that is not known, or about nothing that has an id,
// is none: ok is false, and all that can be said is that something changed.
func (e *Event) event(resource string, received time.Time) (event outlookstream.Event, ok bool) {
	kind, ok := e.Type.kind()
	id := e.ItemID
	if id.ID == "" {
		id = e.FolderID
	}
	if !ok || id.ID == "" {
		return outlookstream.Event{}, false
	}
	return outlookstream.Event{Kind: kind, Resource: resource, ID: id.ID, Received: received, Native: e}, true
}
