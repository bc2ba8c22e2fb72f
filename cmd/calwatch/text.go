package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// Colours, as a terminal understands them.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	faint  = "\x1b[2m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

// textEncoder returns the encoder of lines for people.
func textEncoder(coloured bool) encoder {
	paint := func(colour, text string) string {
		if !coloured || colour == "" {
			return text
		}
		return colour + text + reset
	}
	widest := 0 // of the resources so far
	return func(event outlookstream.Event) ([]byte, error) {
		resource := plain(event.Resource)
		widest = max(widest, width(resource))
		columns := []string{
			paint(faint, event.Received.Local().Format("15:04:05.000")),
			paint(colourOf(event.Kind), fmt.Sprintf("%-8s", event.Kind)),
			paint(cyan, pad(resource, widest)),
		}
		switch e := exchangeEvent(event); {
		case event.Kind == outlookstream.Resync:
			columns = append(columns, fmt.Sprintf("%s: %s", reasonName(event.Reason), plain(event.Reason.Error())))
		case event.Kind == outlookstream.Ended:
			columns = append(columns, fmt.Sprintf("%s: %s", endName(event.Reason), plain(event.Reason.Error())))
		case e != nil:
			columns = append(columns, exchangeText(e, paint)...)
			columns = append(columns, paint(faint, shortID(event.ID)))
		default:
			columns = append(columns, itemText(notification(event).ResourceData, paint)...)
			columns = append(columns, paint(faint, shortID(event.ID)))
		}
		return []byte(strings.Join(columns, "  ") + "\n"), nil
	}
}

func colourOf(kind outlookstream.Kind) string {
	switch kind {
	case outlookstream.Created:
		return green
	case outlookstream.Updated:
		return yellow
	case outlookstream.Moved:
		return cyan
	case outlookstream.Deleted:
		return red
	default:
		return bold
	}
}

// shortID returns the end of an id: ids of one mailbox all begin alike.
func shortID(id string) string {
	const shown = 10
	id = plain(id)
	if runes := []rune(id); len(runes) > shown {
		return "…" + string(runes[len(runes)-shown:])
	}
	return id
}

// An item has the properties of events, messages, contacts and tasks that
// people know them by. Those that were not selected are empty.
type item struct {
	Subject               string
	DisplayName           string
	Start, End            moment
	Location              struct{ DisplayName string }
	Organizer             recipient
	From                  recipient
	Attendees             []recipient
	IsCancelled, IsAllDay bool
}

type recipient struct {
	EmailAddress struct{ Name, Address string }
}

func (r recipient) String() string {
	if r.EmailAddress.Name != "" {
		return r.EmailAddress.Name
	}
	return r.EmailAddress.Address
}

// A moment is a date and time of day at some place.
type moment struct{ DateTime, TimeZone string }

// itemText returns the columns that describe an item.
func itemText(data []byte, paint func(colour, text string) string) []string {
	var i item
	// What does not decode is shown as far as it did.
	_ = json.Unmarshal(data, &i)
	var columns []string
	add := func(colour, text string) {
		if text = clip(plain(text), 100); text != "" {
			columns = append(columns, paint(colour, text))
		}
	}
	name := i.Subject
	if name == "" {
		name = i.DisplayName
	}
	if i.IsCancelled {
		name += " (cancelled)"
	}
	if name = plain(name); name != "" {
		name = pad(name, 28)
	}
	add(bold, name)
	add("", timeText(i.Start, i.End, i.IsAllDay))
	add("", i.Location.DisplayName)
	add("", i.From.String())
	add("", peopleText(i.Organizer, i.Attendees))
	return columns
}

// timeText returns "Mon 23 Nov 09:00-09:30 UTC".
func timeText(start, end moment, allDay bool) string {
	from, ok := start.parse()
	if !ok {
		return ""
	}
	if allDay {
		return from.Format("Mon 2 Jan 2006")
	}
	text := from.Format("Mon 2 Jan 15:04")
	if to, ok := end.parse(); ok {
		layout := "15:04"
		if to.Sub(from) >= 24*time.Hour || to.YearDay() != from.YearDay() {
			layout = "Mon 2 Jan 15:04"
		}
		text += "-" + to.Format(layout)
	}
	return strings.TrimSpace(text + " " + start.TimeZone)
}

// parse reads "2026-11-23T09:00:00.0000000", which has no offset: the time zone
// stands beside it, by a name that may be Windows' own.
func (m moment) parse() (time.Time, bool) {
	at, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(m.DateTime, "Z"))
	return at, err == nil
}

// peopleText names the organizer, and the attendees as far as there is room.
func peopleText(organizer recipient, attendees []recipient) string {
	const shown = 3
	var names []string
	for _, a := range attendees[:min(shown, len(attendees))] {
		names = append(names, a.String())
	}
	if more := len(attendees) - shown; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	text := strings.Join(names, ", ")
	switch {
	case organizer.String() == "":
		return text
	case text == "":
		return organizer.String()
	default:
		return organizer.String() + " with " + text
	}
}
