package fakeserver

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"pgregory.net/rapid"
)

func TestFilterComparesPropertiesWithLiterals(t *testing.T) {
	item, ok := parseProperties([]byte(`{"Subject":"it's","IsRead":false,"Size":3,"From":{"EmailAddress":{"Address":"a@b"}},"To":[1],"None":null}`))
	if !ok {
		t.Fatal("the item cannot be parsed")
	}
	for text, want := range map[string]bool{
		"Subject eq 'it''s'":                     true,
		"Subject EQ 'it''s' AND IsRead eq False": true,
		"Subject ne 'it''s'":                     false,
		"\tIsRead  eq\nfalse ":                   true,
		"IsRead eq true":                         false,
		"Size eq 3":                              true,
		"Size eq '3'":                            false,
		"From/EmailAddress/Address eq 'a@b'":     true,
		"From eq null":                           true, // not comparable
		"None eq null and Missing eq null":       true,
		"Missing ne 'x'":                         true,
		"Subject/Deep eq 'x'":                    false,
		"subject eq 'it''s'":                     false, // property names are compared exactly
	} {
		f, err := parseFilter(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := f.matches(item); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// Any text can be looked for, however it has to be escaped on the way.
func TestFilterFindsEveryText(t *testing.T) {
	d := newDirectory("", []signin.Account{{User: "alex@contoso.test"}})
	rapid.Check(t, func(t *rapid.T) {
		subject, other := rapid.String().Draw(t, "subject"), rapid.String().Draw(t, "other")
		literal := "'" + strings.ReplaceAll(subject, "'", "''") + "'"
		parsed, failure := d.parseResource("me/messages?$select=Id&$filter="+url.QueryEscape("Subject eq "+literal), d.accounts[0])
		if failure != nil {
			t.Fatal(failure.message)
		}
		for _, text := range []string{subject, other} {
			data, err := json.Marshal(map[string]string{"Subject": text})
			if err != nil {
				t.Fatal(err)
			}
			item, ok := parseProperties(data)
			if !ok {
				t.Fatalf("%s is no item", data)
			}
			if got := parsed.filter.matches(item); got != (text == subject) {
				t.Fatalf("a filter for %q, looking at %q, says %v", subject, text, got)
			}
		}
	})
}

// Whatever a client sends as a Resource, the answer is a subscription or an error.
func TestResourcesAreParsedOrRefused(t *testing.T) {
	d := newDirectory("", []signin.Account{{User: "alex@contoso.test"}})
	part := rapid.SampledFrom([]string{"me", "users", "/", "events", "mailfolders", "('", "')", "inbox", "messages", "?", "$filter=", "$select=", "&",
		"A eq 'b'", ",", "%", "%20", "https://", "x", "", "api/beta/", "'", "(", ")"})
	rapid.Check(t, func(t *rapid.T) {
		raw := strings.Join(rapid.SliceOf(part).Draw(t, "parts"), "")
		parsed, failure := d.parseResource(raw, d.accounts[0])
		if failure == nil && (parsed.owner == "" || parsed.path == "" || parsed.kind.entity == "") {
			t.Fatalf("%q became %+v", raw, parsed)
		}
		if failure != nil && (failure.status < 400 || failure.code == "" || failure.message == "") {
			t.Fatalf("%q failed with %+v", raw, failure)
		}
	})
}
