package data

import (
	"fmt"
	"time"
)

const (
	base         = "https://outlook.office.com/api/beta/Users('ddfcd489-628b-40d7-b48b-57002df800e5@1717622f-1d94-4d0c-9d74-709fad664b77')"
	namespace    = "#Microsoft.OutlookServices."
	expiryLayout = "2006-01-02T15:04:05.0000000Z" // seven digits, as .NET writes them
)

// SubscriptionID is the subscription of all notifications.
const SubscriptionID = "Q0VFRTgwNDAtMkVBNS00NTUwLUE3NzUtRjAzQzRGMjlCRUI4XzUwRkYwMkU1LUJDREItNEVGNi1BQzQyLTk4MUNBNkY2QTJFRQ=="

// began is the day of the first element.
func began() time.Time { return time.Date(2019, time.March, 4, 8, 0, 0, 0, time.UTC) }

func (w *writer) element(k Kind, i int) {
	switch k {
	case KeepAlive:
		w.keepAlive("Ok")
	case Simple:
		w.notification(i, nil)
	case Rich14K:
		w.notification(i, w.event(8<<10, latin()))
	case Rich70K:
		w.notification(i, w.event(64<<10, latin()))
	case Rich70KNonASCII:
		w.notification(i, w.event(64<<10, eastern()))
	}
}

func (w *writer) keepAlive(status string) {
	w.object(func() {
		w.text("@odata.type", namespace+"KeepAliveNotification")
		w.text("Status", status)
	})
}

// notification writes the envelope and the item, whose further members, those
// that $select asked for, are written by selected.
func (w *writer) notification(i int, selected func(at time.Time)) {
	id, at := w.itemID(), began().Add(time.Duration(i)*37*time.Minute)
	url := base + "/Events('" + id + "')"
	w.object(func() {
		w.text("@odata.type", namespace+"Notification")
		w.raw("Id", "null")
		w.text("SubscriptionId", SubscriptionID)
		w.text("SubscriptionExpirationDateTime", at.Add(time.Duration(w.random.IntN(1e9))).Format(expiryLayout))
		w.raw("SequenceNumber", fmt.Sprint(i+1))
		w.text("ChangeType", w.pick([]string{"Created", "Updated", "Updated", "Deleted"}))
		w.text("Resource", url)
		w.member("ResourceData", func() {
			w.object(func() {
				w.text("@odata.type", namespace+"Event")
				w.text("@odata.id", url)
				w.text("@odata.etag", `W/"`+w.base64(24)+`"`)
				w.text("Id", id)
				if selected != nil {
					selected(at)
				}
			})
		})
	})
}

// itemID is as long as those of mailboxes: about 150 characters, of which the
// first tell the mailbox and the folder.
func (w *writer) itemID() string {
	return "AAMkADdlZTNmYjdiLWE5OGEtNDIxNS05ZTkyLTQ3NzZkY2Y1MTc2ZQBGAAAAAAD" + w.base64(84+w.random.IntN(5)) + "AAA="
}

// event writes what a calendar event has, with a body of about size bytes.
func (w *writer) event(size int, words vocabulary) func(time.Time) {
	return func(at time.Time) {
		w.text("CreatedDateTime", at.Add(-48*time.Hour).Format(expiryLayout))
		w.text("LastModifiedDateTime", at.Format(expiryLayout))
		w.text("ChangeKey", w.base64(22)+"==")
		w.raw("Categories", w.pick([]string{"[]", `["Red category"]`, `["Blue category","Important"]`}))
		w.text("iCalUId", "040000008200E00074C5B7101A82E008"+fmt.Sprintf("%040X", w.random.Uint64()))
		w.raw("ReminderMinutesBeforeStart", w.pick([]string{"0", "5", "15", "1080"}))
		w.raw("IsReminderOn", w.pick([]string{"true", "false"}))
		w.raw("HasAttachments", w.pick([]string{"true", "false"}))
		w.text("Subject", w.sentence(words, 3+w.random.IntN(8)))
		w.text("BodyPreview", w.sentence(words, 30)+"\r\n"+w.sentence(words, 10))
		w.text("Importance", w.pick([]string{"Low", "Normal", "Normal", "High"}))
		w.member("Body", func() {
			w.object(func() {
				w.text("ContentType", "HTML")
				w.text("Content", w.html(words, size-size/20+w.random.IntN(size/10)))
			})
		})
		for _, name := range []string{"Start", "End"} {
			w.member(name, func() {
				w.object(func() {
					w.text("DateTime", at.Add(time.Duration(w.random.IntN(100))*15*time.Minute).Format("2006-01-02T15:04:05.0000000"))
					w.text("TimeZone", w.pick([]string{"UTC", "Pacific Standard Time", "W. Europe Standard Time"}))
				})
			})
		}
		w.member("Location", func() {
			w.object(func() {
				w.text("DisplayName", w.sentence(words, 2+w.random.IntN(3)))
				w.text("LocationType", "Default")
				w.raw("Coordinates", fmt.Sprintf(`{"Latitude":%.6f,"Longitude":%.6f}`, w.random.Float64()*180-90, w.random.Float64()*360-180))
			})
		})
		w.raw("Recurrence", "null")
		w.member("Attendees", func() { w.attendees(words, at) })
		w.member("Organizer", func() { w.object(func() { w.person(words) }) })
		w.text("WebLink", "https://outlook.office.com/owa/?itemid="+w.base64(150)+"&exvsurl=1&path=/calendar/item")
	}
}

func (w *writer) attendees(words vocabulary, at time.Time) {
	w.buf.WriteByte('[')
	for i := range 18 + w.random.IntN(5) {
		if i > 0 {
			w.buf.WriteByte(',')
		}
		w.object(func() {
			w.text("Type", w.pick([]string{"Required", "Required", "Optional"}))
			w.member("Status", func() {
				w.object(func() {
					w.text("Response", w.pick([]string{"None", "Accepted", "Declined", "TentativelyAccepted"}))
					w.text("Time", at.Add(time.Duration(w.random.Int64N(1e15))).Format(expiryLayout))
				})
			})
			w.person(words)
		})
	}
	w.buf.WriteByte(']')
}

func (w *writer) person(words vocabulary) {
	w.member("EmailAddress", func() {
		w.object(func() {
			w.text("Name", w.sentence(words, 2))
			w.text("Address", fmt.Sprintf("%s.%s%d@contoso.test", w.pick(latin()), w.pick(latin()), w.random.IntN(1000)))
		})
	})
}
