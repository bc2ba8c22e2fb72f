package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/calwatch/calwatch/outlookstream"
)

// Programs read these lines: a change here breaks somebody.
func TestJSONLines(t *testing.T) {
	received := time.Date(2026, 11, 21, 9, 30, 0, 123456789, time.FixedZone("CET", 3600))
	for _, test := range []struct {
		name  string
		event outlookstream.Event
		want  string
	}{
		{
			"everything",
			outlookstream.Event{
				Kind: outlookstream.Created, Resource: "me/events", ID: "AAMk=", Version: `W/"x"`, Received: received,
				Native: &outlookstream.Notification{
					SequenceNumber: 7, SubscriptionID: "c3Vi",
					ResourceData: []byte("{ \"Id\": \"AAMk=\",\n\t\"Subject\": \"<Grüße> & 世界\",\r\n \"Empty\" : [ ] }"),
				},
			},
			`{"type":"created","resource":"me/events","id":"AAMk=","version":"W/\"x\"","sequence":7,"subscription":"c3Vi",` +
				`"received":"2026-11-21T08:30:00.123456789Z","data":{"Id":"AAMk=","Subject":"<Grüße> & 世界","Empty":[]}}`,
		},
		{
			"a change that says nothing",
			outlookstream.Event{Kind: outlookstream.Deleted, Resource: "me/tasks", ID: "1", Received: received.Truncate(time.Second)},
			`{"type":"deleted","resource":"me/tasks","id":"1","received":"2026-11-21T08:30:00.000000000Z"}`,
		},
		{
			"a resync",
			outlookstream.Event{Kind: outlookstream.Resync, Resource: "me/events", Received: received, Reason: outlookstream.ErrStarted},
			`{"type":"resync","resource":"me/events","received":"2026-11-21T08:30:00.123456789Z","reason":"started"}`,
		},
		{
			"bytes that are not UTF-8",
			outlookstream.Event{
				Kind: outlookstream.Updated, Resource: "r", ID: "1", Received: received,
				Native: &outlookstream.Notification{ResourceData: []byte("{\"Subject\":\"a\xffb\"}")},
			},
			"{\"type\":\"updated\",\"resource\":\"r\",\"id\":\"1\",\"received\":\"2026-11-21T08:30:00.123456789Z\",\"data\":{\"Subject\":\"a\uFFFDb\"}}",
		},
		{
			"a line break where JSON has none",
			outlookstream.Event{
				Kind: outlookstream.Updated, Resource: "r", ID: "1", Received: received,
				Native: &outlookstream.Notification{ResourceData: []byte("{\"Subject\":\"a\nb\"}")},
			},
			`{"type":"updated","resource":"r","id":"1","received":"2026-11-21T08:30:00.123456789Z","data":"{\"Subject\":\"a\nb\"}"}`,
		},
		{
			"numbers and members as they came",
			outlookstream.Event{
				Kind: outlookstream.Updated, Resource: "r", ID: "1", Received: received,
				Native: &outlookstream.Notification{ResourceData: []byte(`{"n":1.50,"big":12345678901234567890,"u":"\u00e9\/","z":1,"a":2}`)},
			},
			`{"type":"updated","resource":"r","id":"1","received":"2026-11-21T08:30:00.123456789Z",` +
				`"data":{"n":1.50,"big":12345678901234567890,"u":"\u00e9\/","z":1,"a":2}}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := encodeJSON(test.event)
			if err != nil {
				t.Fatal(err)
			}
			if want := test.want + "\n"; string(got) != want {
				t.Errorf("got  %swant %s", got, want)
			}
			if bytes.Count(got, []byte("\n")) != 1 {
				t.Error("it is not one line")
			}
		})
	}
}

func TestReasonsHaveTheirDocumentedNames(t *testing.T) {
	for reason, want := range map[error]string{
		outlookstream.ErrStarted:      "started",
		outlookstream.ErrReconnected:  "reconnected",
		outlookstream.ErrResubscribed: "resubscribed",
		outlookstream.ErrMissed:       "missed",
		outlookstream.ErrSequence:     "sequence",
		outlookstream.ErrOverflow:     "overflow",
		outlookstream.ErrRemoved:      "removed",
		outlookstream.ErrTooLarge:     "too-large",
		errors.New("a later one"):     "missed",
	} {
		if got := reasonName(fmt.Errorf("in a chain: %w", reason)); got != want {
			t.Errorf("%v is called %q, want %q", reason, got, want)
		}
	}
}

func TestJSONLinesHaveNothingThatATerminalObeys(t *testing.T) {
	const subject = "a\u009b31m\u007f\u202eb\u200f\U000e0067 é会👩\u200d💻"
	data, err := json.Marshal(map[string]string{"Subject": subject})
	if err != nil {
		t.Fatal(err)
	}
	line, err := encodeJSON(outlookstream.Event{
		Kind: outlookstream.Created, Resource: "me/events", ID: "x\u009b", Native: &outlookstream.Notification{ResourceData: data},
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsFunc(strings.TrimSuffix(string(line), "\n"), func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		t.Errorf("%q", line)
	}
	var back struct {
		ID   string
		Data struct{ Subject string }
	}
	if err := json.Unmarshal(line, &back); err != nil || back.ID != "x\u009b" || back.Data.Subject != subject {
		t.Errorf("%+v, %v", back, err)
	}
}
