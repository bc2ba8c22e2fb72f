package ews

import (
	"encoding/xml"
	"strconv"
	"strings"
	"time"
)

// A notificationElement is one Notification of the schema: what happened to
// one subscription, in the order of its queue. A stream, GetEvents and a push
// all have it, each with its own parts. Names are without namespaces, as
// everywhere in what is read: SubscriptionId comes in either of two.
type notificationElement struct {
	SubscriptionID    string                 `xml:"SubscriptionId"`
	PreviousWatermark string                 `xml:"PreviousWatermark"` // of pull and push
	MoreEvents        string                 `xml:"MoreEvents"`        // as it came: a stream may have it, and it means nothing there
	Events            elements[eventElement] `xml:",any"`              // and whatever else there is
}

// A notificationMessage is the response message that has one.
type notificationMessage struct {
	responseMessage
	Notification *notificationElement `xml:"Notification"` // nil with an error
}

// An eventElement is an event of any type: they differ in which of these they
// have. Text stays text, so that one value out of form does not cost the whole
// envelope.
type eventElement struct {
	XMLName           xml.Name
	Watermark         string     `xml:"Watermark"`
	TimeStamp         string     `xml:"TimeStamp"`
	ItemID            *idElement `xml:"ItemId"`
	FolderID          *idElement `xml:"FolderId"`
	ParentFolderID    *idElement `xml:"ParentFolderId"`
	OldItemID         *idElement `xml:"OldItemId"`
	OldFolderID       *idElement `xml:"OldFolderId"`
	OldParentFolderID *idElement `xml:"OldParentFolderId"`
	UnreadCount       string     `xml:"UnreadCount"`
}

// An idElement is an ID as it is written.
type idElement struct {
	ID        string `xml:"Id,attr"`
	ChangeKey string `xml:"ChangeKey,attr"`
}

// statusEvent is the event that says that there is none.
const statusEvent = "StatusEvent"

// subscription is the id of the subscription that the notification is about.
func (n *notificationElement) subscription() string { return strings.TrimSpace(n.SubscriptionID) }

// more reports whether the service has more events than it sent.
func (n *notificationElement) more() bool { return isTrue(n.MoreEvents) }

// watermark is that of the last event, to go on from; "" on a stream. A
// StatusEvent's counts: the service moves it on for those who have no events.
func (n *notificationElement) watermark() string {
	last := ""
	for i := range n.Events {
		if watermark := strings.TrimSpace(n.Events[i].Watermark); watermark != "" {
			last = watermark
		}
	}
	return last
}

// events returns the events of a mailbox in their order. One of a type that
// this package does not know is among them, under its own name: something did
// happen.
func (n *notificationElement) events(mailbox string) []*Event {
	var all []*Event
	for i := range n.Events {
		if name := n.Events[i].XMLName.Local; name != statusEvent && strings.HasSuffix(name, "Event") {
			e := n.Events[i].event()
			e.Mailbox, e.SubscriptionID = mailbox, n.subscription()
			all = append(all, e)
		}
	}
	return all
}

func (e *eventElement) event() *Event {
	out := &Event{
		Type:              EventType(e.XMLName.Local),
		TimeStamp:         parseTime(e.TimeStamp),
		ItemID:            e.ItemID.value(),
		FolderID:          e.FolderID.value(),
		ParentFolderID:    e.ParentFolderID.value(),
		OldItemID:         e.OldItemID.value(),
		OldFolderID:       e.OldFolderID.value(),
		OldParentFolderID: e.OldParentFolderID.value(),
		Watermark:         strings.TrimSpace(e.Watermark),
	}
	if count, err := strconv.Atoi(strings.TrimSpace(e.UnreadCount)); err == nil {
		out.UnreadCount = &count
	}
	return out
}

func (e *idElement) value() ID {
	if e == nil {
		return ID{}
	}
	return ID(*e)
}

// isTrue reads an xs:boolean.
func isTrue(text string) bool {
	text = strings.TrimSpace(text)
	return text == "true" || text == "1"
}

// parseTime reads an xs:dateTime, UTC if it has no zone. What is none is the
// zero time: an event counts without it.
func parseTime(text string) time.Time {
	text = strings.TrimSpace(text)
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
