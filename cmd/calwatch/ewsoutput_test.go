package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

var happened = time.Date(2026, 11, 27, 9, 59, 58, 0, time.UTC)

// Programs read these lines: a change here breaks somebody.
func TestJSONLinesOfExchange(t *testing.T) {
	received := time.Date(2026, 11, 27, 10, 0, 0, 123456789, time.UTC)
	for _, test := range []struct {
		name  string
		event outlookstream.Event
		want  string
	}{
		{
			"an item",
			outlookstream.Event{Kind: outlookstream.Created, ID: "AAMk=", Native: &ews.Event{
				Type: ews.CreatedEvent, TimeStamp: happened, ItemID: ews.ID{ID: "AAMk="}, ParentFolderID: ews.ID{ID: "AQMk=", ChangeKey: "AQAAAA=="}, SubscriptionID: "JgBl",
			}},
			`{"type":"created","resource":"room1@contoso.com","id":"AAMk=","subscription":"JgBl",` +
				`"received":"2026-11-27T10:00:00.123456789Z","data":{"event":"CreatedEvent","timestamp":"2026-11-27T09:59:58Z","parent":"AQMk="}}`,
		},
		{
			"a moved item",
			outlookstream.Event{Kind: outlookstream.Moved, ID: "new<&>", Native: &ews.Event{
				Type: ews.MovedEvent, TimeStamp: happened, ItemID: ews.ID{ID: "new<&>"}, OldItemID: ews.ID{ID: "old"},
				ParentFolderID: ews.ID{ID: "here"}, OldParentFolderID: ews.ID{ID: "there"},
			}},
			`{"type":"moved","resource":"room1@contoso.com","id":"new<&>","received":"2026-11-27T10:00:00.123456789Z",` +
				`"data":{"event":"MovedEvent","timestamp":"2026-11-27T09:59:58Z","parent":"here","old_id":"old","old_parent":"there"}}`,
		},
		{
			"a folder with nothing unread",
			outlookstream.Event{Kind: outlookstream.Updated, ID: "f", Native: &ews.Event{
				Type: ews.ModifiedEvent, FolderID: ews.ID{ID: "f"}, UnreadCount: new(0),
			}},
			`{"type":"updated","resource":"room1@contoso.com","id":"f","received":"2026-11-27T10:00:00.123456789Z",` +
				`"data":{"event":"ModifiedEvent","folder":true,"unread_count":0}}`,
		},
		{
			"a resync because nothing can be streamed",
			outlookstream.Event{Kind: outlookstream.Resync, Reason: fmt.Errorf("%w (%w)", ews.ErrPulling, outlookstream.ErrReconnected)},
			`{"type":"resync","resource":"room1@contoso.com","received":"2026-11-27T10:00:00.123456789Z","reason":"pulling"}`,
		},
		{
			"the end of one",
			outlookstream.Event{Kind: outlookstream.Ended, Reason: &ews.Error{
				Op: "Subscribe", Mailbox: "room1@contoso.com", Status: http.StatusOK, Code: "ErrorInvalidLicense", Message: "No\x1b[31m <licence>",
			}},
			`{"type":"ended","resource":"room1@contoso.com","received":"2026-11-27T10:00:00.123456789Z","reason":"unavailable",` +
				`"error":"ews: Subscribe for room1@contoso.com: ErrorInvalidLicense: No[31m <licence>"}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.event.Resource, test.event.Received = "room1@contoso.com", received
			got, err := encodeJSON(test.event)
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(got) {
				t.Error("it is no JSON")
			}
			if want := test.want + "\n"; string(got) != want {
				t.Errorf("got  %swant %s", got, want)
			}
		})
	}
}

func TestTextLinesOfExchange(t *testing.T) {
	for _, test := range []struct {
		name  string
		event outlookstream.Event
		want  string
	}{
		{"an item", outlookstream.Event{Kind: outlookstream.Created, ID: "AAMk1234567=", Native: &ews.Event{Type: ews.CreatedEvent, ItemID: ews.ID{ID: "x"}}}, "created   room1@contoso.com  …Mk1234567="},
		{"new mail", outlookstream.Event{Kind: outlookstream.Created, ID: "1", Native: &ews.Event{Type: ews.NewMailEvent, ItemID: ews.ID{ID: "1"}}}, "created   room1@contoso.com  new mail  1"},
		{"a folder", outlookstream.Event{Kind: outlookstream.Updated, ID: "1", Native: &ews.Event{Type: ews.ModifiedEvent, FolderID: ews.ID{ID: "1"}, UnreadCount: new(3)}}, "updated   room1@contoso.com  folder  3 unread  1"},
		{"free/busy", outlookstream.Event{Kind: outlookstream.Updated, ID: "1", Native: &ews.Event{Type: ews.FreeBusyChangedEvent, ItemID: ews.ID{ID: "1"}}}, "updated   room1@contoso.com  free/busy  1"},
		{"a copy", outlookstream.Event{Kind: outlookstream.Created, ID: "2", Native: &ews.Event{Type: ews.CopiedEvent, ItemID: ews.ID{ID: "2"}, OldItemID: ews.ID{ID: "1"}}}, "created   room1@contoso.com  copy  was 1  2"},
		{"a moved folder", outlookstream.Event{Kind: outlookstream.Moved, ID: "2\x1b", Native: &ews.Event{Type: ews.MovedEvent, FolderID: ews.ID{ID: "2"}, OldFolderID: ews.ID{ID: "1\x1b"}}}, "moved     room1@contoso.com  folder  was 1  2"},
		{"a resync", outlookstream.Event{Kind: outlookstream.Resync, Reason: outlookstream.ErrStarted}, "resync    room1@contoso.com  started: the watch started"},
		{"an end", outlookstream.Event{Kind: outlookstream.Ended, Reason: errors.New("no\x1b way")}, "ended     room1@contoso.com  failed: no way"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.event.Resource = "room1@contoso.com"
			if got, want := textOf(t, false, test.event), "09:30:00.123  "+test.want+"\n"; got != want {
				t.Errorf("got  %swant %s", got, want)
			}
		})
	}
}

func TestEndsHaveTheirDocumentedNames(t *testing.T) {
	for reason, want := range map[error]string{
		&ews.Error{Code: "ErrorNonExistentMailbox"}:             "unavailable",
		&ews.Error{Code: "ErrorImpersonateUserDenied"}:          "forbidden",
		&ews.Error{Status: http.StatusForbidden}:                "forbidden",
		&ews.Error{Status: http.StatusUnauthorized}:             "unauthorized",
		&ews.Error{Code: "ErrorNewEventStreamConnectionOpened"}: "taken-over",
		&ews.Error{Code: "ErrorExceededSubscriptionCount"}:      "limit",
		errors.New("a later one"):                               "failed",
	} {
		if got := endName(fmt.Errorf("in a chain: %w", reason)); got != want {
			t.Errorf("%v is called %q, want %q", reason, got, want)
		}
	}
}
