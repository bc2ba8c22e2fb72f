package exchange

import (
	"fmt"
	"strings"
	"time"
)

// eventTypeNames are what can be subscribed to, in the order of the schema.
var eventTypeNames = []string{
	eventCopied, eventCreated, eventDeleted, eventModified, eventMoved, eventNewMail, eventFreeBusy,
}

const (
	eventCopied   = "CopiedEvent"
	eventCreated  = "CreatedEvent"
	eventDeleted  = "DeletedEvent"
	eventModified = "ModifiedEvent"
	eventMoved    = "MovedEvent"
	eventNewMail  = "NewMailEvent"
	eventFreeBusy = "FreeBusyChangedEvent"

	// What stands in a queue and is no event of the wire.
	eventMissed = "missed"
	eventGone   = "gone"
)

// ref is an ItemId or FolderId.
type ref struct{ id, key string }

// event is never changed once it is published.
type event struct {
	seq    uint64
	kind   string
	time   time.Time
	folder *folder // it is about a folder; nil: about an item
	id     ref     // the item's, or the folder's
	parent *folder
	in     ref // the parent's at the time

	old       ref // of Moved and Copied
	oldParent *folder
	oldIn     ref

	unread *int   // of a folder that was modified
	scope  scope  // who is told
	code   string // of eventGone
}

// scope tells apart what is told to subscriptions to named folders, and to those to all folders.
type scope int

const (
	everybody scope = iota
	namedOnly
	allOnly
)

// write renders it, with a watermark or, on a stream, without. Child order is the schema's, which .NET's reader insists on.
func (e *event) write(b *strings.Builder, watermarks bool) {
	what := "Item"
	if e.folder != nil {
		what = "Folder"
	}
	b.WriteString("<t:" + e.kind + ">")
	if watermarks {
		b.WriteString(tag("t:Watermark", watermarkOf(e.seq)))
	}
	b.WriteString(tag("t:TimeStamp", e.time.UTC().Format("2006-01-02T15:04:05Z")))
	writeRef(b, what+"Id", e.id)
	writeRef(b, "ParentFolderId", e.in)
	if e.oldParent != nil {
		writeRef(b, "Old"+what+"Id", e.old)
		writeRef(b, "OldParentFolderId", e.oldIn)
	}
	if e.unread != nil {
		b.WriteString(tag("t:UnreadCount", fmt.Sprint(*e.unread)))
	}
	b.WriteString("</t:" + e.kind + ">")
}

func writeRef(b *strings.Builder, name string, r ref) {
	b.WriteString("<t:" + name + ` Id="` + escape(r.id) + `" ChangeKey="` + escape(r.key) + `"/>`)
}
