package main

import (
	"encoding/json"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// A diary is an endless sequence of changes to a calendar: the same few
// meetings come and go, each time on another day.
type diary struct {
	day     time.Time // of the meetings
	entries []diaryEntry
	at      int
	ids     map[string]string // of meetings that exist, by their subject
}

// A diaryEntry is what somebody does to a meeting.
type diaryEntry struct {
	change  string
	meeting meeting
}

type meeting struct {
	subject   string
	start     time.Duration // after midnight
	length    time.Duration
	room      string
	organizer colleague
	attendees []colleague
}

type colleague struct{ Name, Address string }

// newDiary returns a diary whose first meetings are on the day after now.
func newDiary(now time.Time) diary {
	var (
		alex   = colleague{"Alex Wilber", "alex@contoso.test"}
		jo     = colleague{"Jo Ng", "jo@contoso.test"}
		lukasz = colleague{"Łukasz Nowak", "lukasz@contoso.test"}
		misaki = colleague{"佐藤 美咲", "misaki@contoso.test"}
		renee  = colleague{"Renée Dubois", "renee@contoso.test"}
		sam    = colleague{"Sam O'Neil", "sam@contoso.test"}
		zoe    = colleague{"Zoë Müller", "zoe@contoso.test"}
	)
	const hour, minute = time.Hour, time.Minute
	budget := meeting{"Budget review 2027", 9 * hour, hour, "Room 1", zoe, []colleague{alex, lukasz}}
	standUp := meeting{"朝会 – daily stand-up", 9*hour + 30*minute, 15 * minute, "Teams", misaki, []colleague{alex, zoe, sam, jo}}
	lunch := meeting{"Déjeuner d’équipe", 12 * hour, 90 * minute, "Café Liège", renee, []colleague{alex}}
	interview := meeting{"Interview: platform engineer", 14 * hour, hour, "Room 2", alex, []colleague{lukasz}}
	review := meeting{"Release review", 16*hour + 30*minute, 30 * minute, "Room 1", sam, []colleague{alex, jo}}

	later, moved, bigger, longer := budget, lunch, interview, review
	later.start = 11 * hour
	moved.room = "Bistro Ærø"
	bigger.attendees = []colleague{lukasz, renee, misaki, jo}
	longer.length = hour
	return diary{
		day: time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, time.UTC),
		ids: make(map[string]string),
		entries: []diaryEntry{
			{"Created", budget},
			{"Created", standUp},
			{"Created", lunch},
			{"Updated", later},
			{"Updated", moved},
			{"Deleted", standUp},
			{"Created", interview},
			{"Updated", bigger}, // while there is no subscription
			{"Created", review},
			{"Deleted", lunch},
			{"Updated", longer}, // while the connection is silent
			{"Deleted", later},  // likewise
			{"Deleted", bigger},
			{"Deleted", longer},
		},
	}
}

// A nextChange is a change that is about to be made; made has to be called with
// the item's id when it has been.
type nextChange struct {
	fakeserver.Change
	made func(id string)
}

// next returns the next change.
func (d *diary) next() nextChange {
	entry := d.entries[d.at]
	subject := entry.meeting.subject
	change := fakeserver.Change{
		Resource: demoResource, ChangeType: entry.change, ID: d.ids[subject], Data: entry.meeting.on(d.day),
	}
	if d.at++; d.at == len(d.entries) {
		d.at, d.day = 0, d.day.AddDate(0, 0, 1)
	}
	return nextChange{change, func(id string) {
		if entry.change == "Deleted" {
			delete(d.ids, subject)
		} else {
			d.ids[subject] = id
		}
	}}
}

// on returns the meeting as the service describes it.
func (m meeting) on(day time.Time) json.RawMessage {
	start := day.Add(m.start)
	at := func(t time.Time) moment { return moment{t.Format("2006-01-02T15:04:05.0000000"), "UTC"} }
	type recipient struct{ EmailAddress colleague }
	attendees := make([]recipient, len(m.attendees))
	for i, c := range m.attendees {
		attendees[i] = recipient{c}
	}
	data, _ := json.Marshal(map[string]any{ // of strings, it cannot fail
		"Subject":   m.subject,
		"Start":     at(start),
		"End":       at(start.Add(m.length)),
		"Location":  map[string]string{"DisplayName": m.room},
		"Organizer": recipient{m.organizer},
		"Attendees": attendees,
	})
	return data
}
