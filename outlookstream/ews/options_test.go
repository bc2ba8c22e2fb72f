package ews

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestNewSaysWhichOptionIsWrong(t *testing.T) {
	for say, o := range map[string]Options{
		"ConnectionTimeout must be whole minutes from 1 to 30, not 1m30s":  {ConnectionTimeout: 90 * time.Second},
		"ConnectionTimeout must be whole minutes from 1 to 30, not 31m0s":  {ConnectionTimeout: 31 * time.Minute},
		"ConnectionTimeout must be whole minutes from 1 to 30, not 1s":     {ConnectionTimeout: time.Second},
		"ConnectionTimeout must be whole minutes from 1 to 30, not -1m0s":  {ConnectionTimeout: -time.Minute},
		"a number in Options is negative":                                  {MaxEnvelope: -1},
		"a number in Options is negative ":                                 {Backoff: outlookstream.Backoff{Initial: -1}},
		"Options.UserAgent has a control character":                        {UserAgent: "a\r\nX-Other: b"},
		"a number in Options is negative  ":                                {Heartbeat: -1},
		`URL "mail.contoso.test" is not an absolute URL, such as https://`: {URL: "mail.contoso.test"},
		`URL "/EWS" is not an absolute URL`:                                {URL: "/EWS"},
		`credentials are sent over https only`:                             {URL: "http://mail.contoso.test/EWS/Exchange.asmx"},
		`must not carry a user name or password`:                           {URL: "https://user:s3cret@mail.contoso.test/EWS/Exchange.asmx"},
		`must not have a query or fragment`:                                {URL: wireURL + "?x"},
		`must not have a query or fragment `:                               {URL: wireURL + "#x"},
		`URL: parse`:                                                       {URL: "https://mail contoso"},
	} {
		if _, err := New(Bearer(auth.Static("x")), &o); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(say)) || strings.Contains(err.Error(), "s3cret") || !strings.HasPrefix(err.Error(), "ews: ") {
			t.Errorf("%s: %v", say, err)
		}
	}
	if _, err := New(nil, nil); err == nil {
		t.Error("no Authenticator, and no error")
	}
}

func TestZeroOptionsAreTheDefaults(t *testing.T) {
	c, err := New(Bearer(auth.Static("x")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.url.String() != OnlineURL || *c.versionAt(c.url).Load() != "Exchange2013_SP1" || c.opts.ConnectionTimeout != 29*time.Minute || c.opts.MaxEnvelope != 4<<20 || c.timeout != time.Minute ||
		c.opts.Backoff != (outlookstream.Backoff{Initial: 500 * time.Millisecond, Max: time.Minute, ResetAfter: time.Minute}) || c.opts.UserAgent == "" {
		t.Errorf("%+v", c.opts)
	}
	transport, ok := c.template.Transport.(*http.Transport)
	if !ok || transport.Protocols == nil || !transport.Protocols.HTTP1() || transport.Protocols.HTTP2() || !transport.DisableCompression {
		t.Errorf("%+v", c.template.Transport)
	}
	for _, u := range []string{"http://127.0.0.1:8080/EWS/Exchange.asmx", "http://localhost/EWS/Exchange.asmx", wireURL} {
		if _, err := New(Bearer(auth.Static("x")), &Options{URL: u}); err != nil {
			t.Error(err)
		}
	}
}

func TestTheCallersHTTPClientIsLeftAsItIs(t *testing.T) {
	own := &http.Client{Timeout: time.Second}
	c, err := New(Bearer(auth.Static("x")), &Options{HTTPClient: own})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Session("")
	if own.Timeout != time.Second || own.Jar != nil || own.Transport != nil || own.CheckRedirect != nil {
		t.Errorf("%+v", own)
	}
}

func TestAMailboxIsChecked(t *testing.T) {
	for say, m := range map[string]Mailbox{
		`"room1" is not an SMTP address`:                 {Address: "room1"},
		`"a@b c" is not an SMTP address`:                 {Address: "a@b c"},
		"of me needs either an ID or a Distinguished":    {Folders: []Folder{{}}},
		"of a@b.c needs either an ID or a Distinguished": {Address: "a@b.c", Folders: []Folder{{ID: "x", Distinguished: "inbox"}}},
		`there is no event type "StatusEvent"`:           {Events: []EventType{"StatusEvent"}},
	} {
		s := servedBy(t, Options{}, func(r *http.Request) (*http.Response, error) {
			t.Error("a request was made")
			return answered(r, 500, ""), nil
		}).Session("")
		if _, err := s.Subscribe(t.Context(), m); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %v", say, err)
		}
	}
	if err := (Mailbox{}).validate(true); err == nil {
		t.Error("nobody to act as, and no error")
	}
}

// To all folders the service subscribes who signs in: to be told of the wrong
// mailbox's changes would be worse than of none.
func TestAllFoldersOfAnotherPersonNeedImpersonation(t *testing.T) {
	m := Mailbox{Address: "room1@contoso.test"}
	if err := m.validate(false); err == nil || !strings.Contains(err.Error(), "Options.Impersonate") {
		t.Errorf("%v", err)
	}
	if err := m.validate(true); err != nil {
		t.Error(err)
	}
}
