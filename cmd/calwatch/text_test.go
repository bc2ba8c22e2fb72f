package main

import (
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

func textOf(t *testing.T, coloured bool, event outlookstream.Event) string {
	t.Helper()
	event.Received = time.Date(2026, 11, 21, 9, 30, 0, 123456789, time.Local)
	line, err := textEncoder(coloured)(event)
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

func change(data string) outlookstream.Event {
	return outlookstream.Event{
		Kind: outlookstream.Created, Resource: "me/events", ID: "AAMkADQ4ZmFrZQBGAAAAAAC1234567=",
		Native: &outlookstream.Notification{ResourceData: []byte(data)},
	}
}

func TestTextLines(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{
			"a meeting",
			`{"Subject":"Budget","Start":{"DateTime":"2026-11-23T09:00:00.0000000","TimeZone":"UTC"},"End":{"DateTime":"2026-11-23T09:30:00.0000000","TimeZone":"UTC"},` +
				`"Location":{"DisplayName":"Room 1"},"Organizer":{"EmailAddress":{"Name":"Zoë","Address":"zoe@contoso.test"}},` +
				`"Attendees":[{"EmailAddress":{"Address":"alex@contoso.test"}},{"EmailAddress":{"Name":"B"}},{"EmailAddress":{"Name":"C"}},{"EmailAddress":{"Name":"D"}}]}`,
			"Budget                        Mon 23 Nov 09:00-09:30 UTC  Room 1  Zoë with alex@contoso.test, B, C, 1 more  …AC1234567=",
		},
		{
			"a cancelled meeting over night",
			`{"Subject":"Release","IsCancelled":true,"Start":{"DateTime":"2026-11-23T23:00:00","TimeZone":"Europe/Berlin"},"End":{"DateTime":"2026-11-24T01:00:00"}}`,
			"Release (cancelled)           Mon 23 Nov 23:00-Tue 24 Nov 01:00 Europe/Berlin  …AC1234567=",
		},
		{
			"an all-day event",
			`{"Subject":"Holiday","IsAllDay":true,"Start":{"DateTime":"2026-12-25T00:00:00.0000000","TimeZone":"UTC"}}`,
			"Holiday                       Fri 25 Dec 2026  …AC1234567=",
		},
		{"a message", `{"Subject":"Hello","From":{"EmailAddress":{"Name":"Sam"}}}`, "Hello                         Sam  …AC1234567="},
		{"a contact", `{"DisplayName":"Sam"}`, "Sam                           …AC1234567="},
		{"nothing selected", `{}`, "…AC1234567="},
		{"no data", ``, "…AC1234567="},
		{"another type than usual", `{"Subject":5,"Start":"2026"}`, "…AC1234567="},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := "09:30:00.123  created   me/events  " + test.want + "\n"
			if got := textOf(t, false, change(test.data)); got != want {
				t.Errorf("got  %swant %s", got, want)
			}
		})
	}
	got := textOf(t, false, outlookstream.Event{Kind: outlookstream.Resync, Resource: "me/events", Reason: outlookstream.ErrReconnected})
	if want := "09:30:00.123  resync    me/events  reconnected: the connection was opened again\n"; got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestTextCannotPlayTricksOnTheTerminal(t *testing.T) {
	event := change(`{"Subject":"a\u001b]0;title\u0007\u001b[2Jb\u009bc\nd\u202egpj.exe\u2066e\r\tf"}`)
	event.ID, event.Resource = "id\x1b[31m", "me/\x1b[31mevents"
	got := textOf(t, false, event)
	if strings.ContainsAny(strings.TrimSuffix(got, "\n"), "\x1b\x07\n\r\t\u009b\u202e\u2066") {
		t.Errorf("control characters got through: %q", got)
	}
	if !strings.Contains(got, "a]0;title[2Jbc dgpj.exee f") {
		t.Errorf("the harmless part is gone: %q", got)
	}
}

func TestColoursAreForTerminalsOnly(t *testing.T) {
	for _, event := range []outlookstream.Event{
		change(`{"Subject":"x"}`), {Kind: outlookstream.Updated}, {Kind: outlookstream.Deleted},
		{Kind: outlookstream.Resync, Reason: outlookstream.ErrStarted},
	} {
		if got := textOf(t, true, event); strings.Count(got, "\x1b[") == 0 || strings.Count(got, reset)*2 != strings.Count(got, "\x1b[") {
			t.Errorf("colours do not end where they should: %q", got)
		}
		if got := textOf(t, false, event); strings.Contains(got, "\x1b") {
			t.Errorf("colours in %q", got)
		}
	}
	for _, test := range []struct {
		terminal bool
		environ  []string
		want     bool
	}{
		{true, []string{"TERM=xterm"}, true},
		{false, []string{"TERM=xterm"}, false},
		{true, []string{"NO_COLOR=1"}, false},
		{true, []string{"TERM=dumb"}, false},
	} {
		tool := &tool{environ: test.environ, isTerminal: func(any) bool { return test.terminal }}
		if got := tool.coloured(newLines()); got != test.want {
			t.Errorf("%+v: coloured: %v", test, got)
		}
	}
	if isTerminal(newLines()) {
		t.Error("something that is no file is a terminal")
	}
}

func TestResourcesAreAligned(t *testing.T) {
	encode := textEncoder(false)
	long, err := encode(outlookstream.Event{Kind: outlookstream.Deleted, Resource: "me/messages", ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	short, err := encode(outlookstream.Event{Kind: outlookstream.Deleted, Resource: "me/événs", ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := len([]rune(string(long))), len([]rune(string(short))); a != b {
		t.Errorf("lines of %d and %d characters:\n%s%s", a, b, long, short)
	}
}

func TestColumnsAreAlignedWhateverTheScript(t *testing.T) {
	for text, want := range map[string]int{
		"Budget": 6, "Grüße": 5, "Gru\u0308\u00dfe": 5, "朝会": 4, "회의": 4, "ミーティング": 12, "ﾐｰﾃｨﾝｸﾞ": 7, "（全）": 6, "🎉": 2, "": 0,
	} {
		if got := width(text); got != want {
			t.Errorf("%q takes %d columns, want %d", text, got, want)
		}
	}
	const rest = "  Sam  …AC1234567=\n"
	for subject, padding := range map[string]int{"stand-up": 20, "朝会 – stand-up": 13, "Zoe\u0308": 25} {
		got := textOf(t, false, change(`{"Subject":"`+subject+`","From":{"EmailAddress":{"Name":"Sam"}}}`))
		if want := "  " + subject + strings.Repeat(" ", padding) + rest; !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want it to end with %q", got, want)
		}
	}
}
