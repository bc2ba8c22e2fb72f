package exchange

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// propertyText is a property that is a text; "" if it is none.
func propertyText(data Properties, name string) string {
	var s string
	_ = json.Unmarshal(data[name], &s)
	return s
}

// propertyTime is a property that is a time: bare, or with its zone beside it, as the other half of the fake has it.
func propertyTime(data Properties, name string) string {
	var zoned struct{ DateTime string }
	if json.Unmarshal(data[name], &zoned) == nil {
		return wireTime(zoned.DateTime)
	}
	return wireTime(propertyText(data, name))
}

// longKey is a ChangeKey as everything but events has it. It is another than the event's of the same version, so that
// nobody relies on their being the same.
func longKey(short string) string {
	version, _ := base64.StdEncoding.DecodeString(short)
	b := append([]byte("\x09\x00\x00\x00\x16\x00\x00\x00fake change key "), version...)
	return base64.StdEncoding.EncodeToString(append(b, 0, 0))
}

// kindOf is what an item in a folder of a class is on the wire, and its ItemClass.
func kindOf(folderClass string) (element, class string) {
	switch {
	case strings.HasPrefix(folderClass, "IPF.Appointment"):
		return "CalendarItem", "IPM.Appointment"
	case strings.HasPrefix(folderClass, "IPF.Contact"):
		return "Contact", "IPM.Contact"
	case strings.HasPrefix(folderClass, "IPF.Task"):
		return "Task", "IPM.Task"
	}
	return "Message", "IPM.Note"
}

func (it *item) ref() ref { return ref{it.id, longKey(it.key)} }

// write renders the item in a shape. The order of its elements is the schema's. The lock of the store is held.
func (it *item) write(b *strings.Builder, s shape) {
	name, class := kindOf(it.folder.class)
	b.WriteString("<t:" + name + ">")
	writeRef(b, "ItemId", it.ref())
	property := func(uri, element, value string, inDefault bool) {
		if s.has(uri, inDefault) {
			b.WriteString(tag("t:"+element, value))
		}
	}
	if s.has("item:ParentFolderId", false) {
		writeRef(b, "ParentFolderId", ref{it.folder.id, longKey(ChangeKey(it.folder.version))})
	}
	property("item:ItemClass", "ItemClass", class, false)
	property("item:Subject", "Subject", propertyText(it.data, "Subject"), true)
	property("item:Sensitivity", "Sensitivity", "Normal", true)
	property("item:DateTimeReceived", "DateTimeReceived", propertyTime(it.data, "ReceivedDateTime"), false)
	property("item:DateTimeCreated", "DateTimeCreated", timeText(it.made), true)
	property("item:HasAttachments", "HasAttachments", "false", true)
	property("item:LastModifiedTime", "LastModifiedTime", timeText(it.touched), false)
	switch name {
	case "Message":
		property("message:IsRead", "IsRead", boolText(isRead(it.data)), true)
	case "CalendarItem":
		property("calendar:Start", "Start", propertyTime(it.data, "Start"), true)
		property("calendar:End", "End", propertyTime(it.data, "End"), true)
	}
	b.WriteString("</t:" + name + ">")
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// wireTime makes an xs:dateTime of a time in the ledger; "" if it is none. One that names no zone is UTC.
func wireTime(text string) string {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return timeText(t)
		}
	}
	return ""
}
