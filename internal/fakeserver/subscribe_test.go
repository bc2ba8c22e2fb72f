package fakeserver

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestSubscribeAnswersWithTheSixMembers(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		a := f.call("POST", "/API/Beta/Me/Subscriptions", subscribeBody("me/messages?$filter=Subject%20eq%20%27A%26B%27", "Deleted,Created, Updated"))
		if a.StatusCode != http.StatusCreated {
			t.Fatalf("status %d: %s", a.StatusCode, a.body)
		}
		var members map[string]string
		if err := json.Unmarshal([]byte(a.body), &members); err != nil {
			t.Fatal(err)
		}
		id := members["Id"]
		user := f.s.SignIn().Accounts()[0].ObjectID + "@" + f.s.SignIn().Tenant()
		want := map[string]string{
			"@odata.context": "https://outlook.fake.test/api/beta/$metadata#Me/Subscriptions/$entity",
			"@odata.type":    "#Microsoft.OutlookServices.StreamingSubscription",
			"@odata.id":      "https://outlook.fake.test/api/beta/Users('" + user + "')/Subscriptions('" + id + "')",
			"Id":             id,
			"Resource":       "me/messages?$filter=Subject%20eq%20%27A%26B%27",
			"ChangeType":     "Deleted, Created, Updated, Missed",
		}
		for name, value := range want {
			if members[name] != value {
				t.Errorf("%s = %q, want %q", name, members[name], value)
			}
		}
		if len(members) != len(want) {
			t.Errorf("members %v, want exactly six", members)
		}
		plain, err := base64.StdEncoding.DecodeString(id)
		guid := `[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}`
		if err != nil || !regexp.MustCompile("^"+guid+"_"+guid+"$").Match(plain) || !strings.HasSuffix(id, "=") {
			t.Errorf("id %q is not base64 of GUID_GUID (%q, %v)", id, plain, err)
		}
		if got := a.Header.Get("Content-Type"); got != jsonContent {
			t.Errorf("Content-Type %q", got)
		}
	})
}

func TestSubscribeAcceptsEveryFormOfResource(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		room := f.s.SignIn().Accounts()[1]
		for resource, mailbox := range map[string]string{
			"me/events":                          "alex@contoso.test",
			"Me/Messages":                        "alex@contoso.test",
			"me/contacts":                        "alex@contoso.test",
			"me/tasks":                           "alex@contoso.test",
			"me/mailfolders('inbox')/messages":   "alex@contoso.test",
			"me/MailFolders/AAMk%3D/messages":    "alex@contoso.test",
			"me/calendars('AAMkAD=')/events":     "alex@contoso.test",
			"me/contactfolders('x')/contacts":    "alex@contoso.test",
			"me/taskfolders('x')/tasks":          "alex@contoso.test",
			"users/room1@contoso.test/events":    room.User,
			"Users('ROOM1@contoso.test')/events": room.User,
			"users('" + room.ObjectID + "@" + f.s.SignIn().Tenant() + "')/events":                         room.User,
			"https://outlook.office365.com/API/beta/me/events":                                            "alex@contoso.test",
			"https://outlook.office.com/api/beta/users/room1@contoso.test/events?$select=Subject":         room.User,
			"me/messages?$select=Id,ParentFolderId, IsDraft,\n IsRead, Flag":                              "alex@contoso.test",
			"me/messages?$expand=SingleValueExtendedProperties($filter=PropertyId eq 'Integer 0x1080')":   "alex@contoso.test",
			"me/messages?$filter=IsRead%20eq%20false%20and%20Subject%20eq%20%27it%27%27s%27&$select=From": "alex@contoso.test",
		} {
			entity := f.subscribed(resource, allChanges)
			if entity.Resource != resource {
				t.Errorf("%q is echoed as %q", resource, entity.Resource)
			}
			subs := f.s.Subscriptions()
			found := false
			for _, sub := range subs {
				if sub.ID == entity.ID {
					found = true
					if sub.Mailbox != mailbox || sub.User != "alex@contoso.test" {
						t.Errorf("%q watches %s for %s, want %s", resource, sub.Mailbox, sub.User, mailbox)
					}
				}
			}
			if !found {
				t.Errorf("%q is not among the subscriptions", resource)
			}
		}
	})
}

func TestSubscribeRefusesResourcesThatAreNone(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		for resource, want := range map[string]struct {
			status int
			code   string
			text   string
		}{
			"me/calendarview":                  {400, codeParseURI, "'calendarview'"},
			"me":                               {400, codeParseURI, ""},
			"groups/x/events":                  {400, codeParseURI, "'groups'"},
			"me/events('x')":                   {400, codeParseURI, "single item"},
			"me/events/x":                      {400, codeParseURI, "'x'"},
			"me/mailfolders('inbox')":          {400, codeParseURI, "messages"},
			"me/mailfolders('inbox')/events":   {400, codeParseURI, "'events'"},
			"me//events":                       {400, codeBadValue, "Resource"},
			"/me/events":                       {400, codeBadValue, "Resource"},
			"me/mailfolders(inbox)/messages":   {400, codeBadValue, "Resource"},
			"users/nobody@contoso.test/events": {404, codeNoUser, "nobody@contoso.test"},
			"users/me/events":                  {404, codeNoUser, "me"},
			"ftp://outlook.office.com/api/beta/me/events":      {400, codeBadValue, "scheme"},
			"https://outlook.office.com/api/v2.0/me/events":    {400, codeBadValue, "not one of this API"},
			"https://u:p@outlook.office.com/api/beta/me/tasks": {400, codeBadValue, "host"},
			"me/events?$top=3":                                {400, codeBadQuery, "$top"},
			"me/events?$select=":                              {400, codeBadQuery, "$select"},
			"me/events?$select=A,,B":                          {400, codeBadQuery, "$select"},
			"me/events?$select=A&$select=B":                   {400, codeBadQuery, "more than once"},
			"me/events?$filter=%zz":                           {400, codeBadQuery, "escaped"},
			"me/events?$filter=":                              {400, codeBadFilter, "missing"},
			"me/events?$filter=Subject":                       {400, codeBadFilter, "incomplete"},
			"me/events?$filter=Subject gt 'a'":                {400, codeBadFilter, "gt"},
			"me/events?$filter=Subject eq 'a":                 {400, codeBadFilter, "not closed"},
			"me/events?$filter=Subject eq a":                  {400, codeBadFilter, "literal"},
			"me/events?$filter=A eq 1 or B eq 2":              {400, codeBadFilter, "or"},
			"me/events?$filter=startswith(A,'b') eq true and": {400, codeBadFilter, "property"},
		} {
			g := f.named(resource)
			g.wantError(g.call("POST", "/api/beta/me/subscriptions", subscribeBody(resource, "Created")), want.status, want.code, want.text)
		}
	})
}

func TestSubscribeNamesWhatIsWrongWithTheBody(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		good := `"@odata.type":"#Microsoft.OutlookServices.StreamingSubscription","Resource":"me/events","ChangeType":"Created"`
		for name, c := range map[string]struct {
			body, code, text string
		}{
			"no JSON":            {"@odata.type: x", codeBadBody, "JSON"},
			"empty":              {" ", codeBadBody, "JSON"},
			"an array":           {"[" + "{" + good + "}" + "]", codeBadBody, "JSON"},
			"not closed":         {"{" + good, codeBadBody, "not closed"},
			"something follows":  {"{" + good + "} {}", codeBadBody, "follows"},
			"without quotes":     {`{Resource:"me/events"}`, codeBadBody, "JSON"},
			"no @odata.type":     {`{"Resource":"me/events","ChangeType":"Created"}`, codeMissing, "'@odata.type'"},
			"push type":          {strings.Replace("{"+good+"}", "Streaming", "Push", 1), codeBadValue, "'@odata.type'"},
			"type without #":     {strings.Replace("{"+good+"}", "#", "", 1), codeBadValue, "'@odata.type'"},
			"no Resource":        {strings.Replace("{"+good+"}", `"Resource":"me/events",`, "", 1), codeMissing, "'Resource'"},
			"Resource null":      {strings.Replace("{"+good+"}", `"me/events"`, "null", 1), codeBadValue, "'Resource'"},
			"no ChangeType":      {strings.Replace("{"+good+"}", `,"ChangeType":"Created"`, "", 1), codeMissing, "'ChangeType'"},
			"unknown ChangeType": {strings.Replace("{"+good+"}", "Created", "Created,Moved", 1), codeBadValue, "'ChangeType'"},
			"only Missed":        {strings.Replace("{"+good+"}", "Created", "Missed", 1), codeBadValue, "'ChangeType'"},
			"a number":           {strings.Replace("{"+good+"}", `"Created"`, "1", 1), codeBadValue, "'ChangeType'"},
			"camel case":         {strings.Replace("{"+good+"}", `"Resource"`, `"resource"`, 1), codeBadBody, "'resource'"},
			"push member":        {"{" + good + `,"NotificationURL":"https://x"}`, codeBadBody, "'NotificationURL'"},
			"twice":              {"{" + good + `,"Resource":"me/tasks"}`, codeBadBody, "more than once"},
		} {
			g := f.named(name)
			g.wantError(g.call("POST", "/api/beta/me/subscriptions", c.body), 400, c.code, c.text)
		}
		if n := len(f.s.Subscriptions()); n != 0 {
			t.Errorf("%d subscriptions were made", n)
		}
	})
}

func TestDeleteTakesBothFormsOfTheID(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		forms := map[string]func(id string) string{
			"key":         func(id string) string { return "subscriptions('" + id + "')" },
			"encoded key": func(id string) string { return "Subscriptions(%27" + url.QueryEscape(id) + "%27)" },
			"segment":     func(id string) string { return "subscriptions/" + id },
			"encoded":     func(id string) string { return "subscriptions/" + strings.ReplaceAll(id, "=", "%3D") },
		}
		for name, form := range forms {
			id := f.subscribe("me/events")
			if a := f.call("DELETE", "/api/beta/me/"+form(id), nil); a.StatusCode != http.StatusNoContent || a.body != "" {
				t.Errorf("%s: status %d, body %q, want 204 and none", name, a.StatusCode, a.body)
			}
			f.wantError(f.call("DELETE", "/api/beta/me/"+form(id), nil), 404, codeNoItem, "")
			f.wantError(f.call("POST", "/api/beta/me/GetNotifications", listenBody(1, 5, id)), 404, codeNoItem, "")
		}
	})
}

func TestSubscribeReachesAnotherMailboxOnlyThroughOnesOwn(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		// A subscription to another mailbox through one's own is possible, going through the other's is not.
		f.subscribe("users/room1@contoso.test/events")
		f.wantError(f.call("POST", "/api/beta/users/room1@contoso.test/subscriptions", subscribeBody("me/events", "Created")),
			403, codeAccessDenied, "")
		f.wantError(f.call("POST", "/api/beta/users/nobody@contoso.test/subscriptions", subscribeBody("me/events", "Created")),
			404, codeNoUser, "nobody")
		if a := f.call("POST", "/api/beta/users('alex@contoso.test')/subscriptions", subscribeBody("me/events", "Created")); a.StatusCode != 201 {
			t.Errorf("one's own mailbox by name: status %d: %s", a.StatusCode, a.body)
		}
	})
}
