package outlookstream

import (
	"net/url"
	"strings"
	"testing"
)

func TestResourceURL(t *testing.T) {
	endpoint, err := url.Parse("https://outlook.example/api/beta")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		user     string
		resource Resource
		want     string
	}{
		{"relative", "me", Resource{Path: "me/events"}, "https://outlook.example/api/beta/me/events"},
		{"leading slash", "me", Resource{Path: "/me/events/"}, "https://outlook.example/api/beta/me/events"},
		{"me is the user of the client", "users/room1@contoso.test", Resource{Path: "Me/events"}, "https://outlook.example/api/beta/users/room1@contoso.test/events"},
		{"another mailbox", "me", Resource{Path: "users/room1@contoso.test/events"}, "https://outlook.example/api/beta/users/room1@contoso.test/events"},
		{"folder with a space", "me", Resource{Path: "me/mailfolders('My Mail')/messages"}, "https://outlook.example/api/beta/me/mailfolders('My%20Mail')/messages"},
		{"absolute", "me", Resource{Path: "HTTPS://outlook.office365.com/api/beta/me/events"}, "HTTPS://outlook.office365.com/api/beta/me/events"},
		{
			"query", "me",
			Resource{Path: "me/messages", Filter: "Subject eq 'A+B & C'", Select: []string{"Subject", "From"}, Expand: "Attachments"},
			"https://outlook.example/api/beta/me/messages?$filter=Subject%20eq%20%27A%2BB%20%26%20C%27&$select=Subject%2CFrom&$expand=Attachments",
		},
		{
			"query in the path", "me", Resource{Path: "me/messages?$top=1", Filter: "IsRead eq false"},
			"https://outlook.example/api/beta/me/messages?$top=1&$filter=IsRead%20eq%20false",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.resource.url(endpoint, tt.user); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestResourceScopeIsTheReadPermissionOfItsItems(t *testing.T) {
	for path, want := range map[string]string{
		"me/events":                          "https://outlook.office.com/calendars.read",
		"me/Calendars('x')/Events":           "https://outlook.office.com/calendars.read",
		"me/mailfolders('inbox')/Messages":   "https://outlook.office.com/mail.read",
		"users/a@b/contacts?$select=Surname": "https://outlook.office.com/contacts.read",
		"me/taskfolders('x')/tasks/":         "https://outlook.office.com/tasks.read",
		"me/photos":                          "",
	} {
		if got := (Resource{Path: path}).scope(); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestResourceRefusesWhatCannotBeMeant(t *testing.T) {
	for name, tt := range map[string]struct {
		resource Resource
		says     string
	}{
		"no path":            {Resource{}, "needs a Path"},
		"only a slash":       {Resource{Path: "/"}, "needs a Path"},
		"control characters": {Resource{Path: "me/events\r\nX: y"}, "control characters"},
		"unknown changes":    {Resource{Path: "me/events", Changes: 64}, "unknown bits"},
	} {
		err := tt.resource.validate()
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
	}
}

func TestChangesAreWrittenAsOnTheWire(t *testing.T) {
	for changes, want := range map[Changes]string{
		0:                             "Created,Updated,Deleted",
		ChangeDeleted:                 "Deleted",
		ChangeCreated | ChangeUpdated: "Created,Updated",
	} {
		if got := changes.String(); got != want {
			t.Errorf("%d: %s, want %s", changes, got, want)
		}
	}
}
