package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// exchangeEvent returns what Exchange itself said; nil, if it did not.
func exchangeEvent(event outlookstream.Event) *ews.Event {
	e, _ := event.Native.(*ews.Event)
	return e
}

// exchangeData is the data of a JSON line, as Exchange says nothing in JSON.
// Fields are only ever added.
type exchangeData struct {
	Event       ews.EventType `json:"event"`
	Timestamp   string        `json:"timestamp,omitempty"`
	Folder      bool          `json:"folder,omitempty"` // it is about a folder, not an item
	Parent      string        `json:"parent,omitempty"`
	OldID       string        `json:"old_id,omitempty"`
	OldParent   string        `json:"old_parent,omitempty"`
	UnreadCount *int          `json:"unread_count,omitempty"`
}

func dataOf(e *ews.Event) json.RawMessage {
	data := exchangeData{
		Event:       e.Type,
		Folder:      e.IsFolder(),
		Parent:      e.ParentFolderID.ID,
		OldID:       oldID(e),
		OldParent:   e.OldParentFolderID.ID,
		UnreadCount: e.UnreadCount,
	}
	if !e.TimeStamp.IsZero() {
		data.Timestamp = e.TimeStamp.UTC().Format(time.RFC3339)
	}
	raw, _ := json.Marshal(data) // of strings and numbers, it cannot fail
	return raw
}

func oldID(e *ews.Event) string {
	if e.IsFolder() {
		return e.OldFolderID.ID
	}
	return e.OldItemID.ID
}

// exchangeText returns the columns that say more of an event than its kind.
func exchangeText(e *ews.Event, paint func(colour, text string) string) []string {
	var columns []string
	add := func(text string) {
		if text != "" {
			columns = append(columns, paint(bold, text))
		}
	}
	if e.IsFolder() {
		add("folder")
	}
	add(map[ews.EventType]string{
		ews.NewMailEvent: "new mail", ews.CopiedEvent: "copy", ews.FreeBusyChangedEvent: "free/busy",
	}[e.Type])
	if e.UnreadCount != nil {
		columns = append(columns, fmt.Sprintf("%d unread", *e.UnreadCount))
	}
	if old := oldID(e); old != "" {
		columns = append(columns, paint(faint, "was "+shortID(old)))
	}
	return columns
}
