package ews

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// userSettings is an answer about one mailbox.
func userSettings(inner string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover">` +
		`<Response><ErrorCode>NoError</ErrorCode><UserResponses><UserResponse>` + inner + `</UserResponse></UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`
}

const foundHere = `<ErrorCode>NoError</ErrorCode><UserSettings>` +
	`<UserSetting><Name>ExternalEwsUrl</Name><Value>https://mail.contoso.com/EWS/Exchange.asmx</Value></UserSetting>` +
	`<UserSetting><Name>GroupingInformation</Name><Value>CONTOSO-1</Value></UserSetting></UserSettings>`

func answerSettings(inner string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = io.WriteString(w, userSettings(inner))
	}
}

// autodiscoverClient returns a Client that asks the server at url.
func autodiscoverClient(t *testing.T, a Authenticator, url string, trace *Trace) *Client {
	t.Helper()
	c, err := New(a, &Options{Autodiscover: AutodiscoverOptions{Servers: []string{url}}, Trace: trace})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAutodiscoverTellsWhereAMailboxIs(t *testing.T) {
	var anchor, agent, content string
	server := newNTLMServer(t)
	server.answer = func(w http.ResponseWriter, r *http.Request) {
		anchor, agent, content = r.Header.Get("X-AnchorMailbox"), r.Header.Get("User-Agent"), r.Header.Get("Content-Type")
		answerSettings(foundHere)(w, r)
	}
	var traced []string
	c := autodiscoverClient(t, NTLM(testUser, fixed(testPassword)), server.URL, &Trace{Answered: func(a TraceAnswered) {
		traced = append(traced, fmt.Sprint(a.Op, " ", a.Mailbox, " ", a.Status, " ", a.Err))
	}})
	got, err := c.Autodiscover(t.Context(), "a@contoso.com")
	if want := (UserSettings{URL: "https://mail.contoso.com/EWS/Exchange.asmx", Grouping: "CONTOSO-1"}); err != nil || got["a@contoso.com"] != want {
		t.Errorf("%+v, %v", got, err)
	}
	if anchor != "a@contoso.com" || agent != defaultUserAgent || content != "text/xml; charset=utf-8" {
		t.Errorf("%q %q %q", anchor, agent, content)
	}
	if want := "[Autodiscover a@contoso.com 200 <nil>]"; fmt.Sprint(traced) != want {
		t.Errorf("traced %v", traced)
	}
	server.expect(t, "1 handshakes, 0 refused, 0 broken, 0 with a body, 1 served")
}

func TestWhatAutodiscoverSaysOfAMailboxIsAnError(t *testing.T) {
	for code, is := range map[string]error{"InvalidUser": outlookstream.ErrMailboxUnavailable, "ServerBusy": outlookstream.ErrThrottled} {
		server := httptest.NewServer(answerSettings("<ErrorCode>" + code + "</ErrorCode><ErrorMessage>said so</ErrorMessage>"))
		defer server.Close()
		got, err := autodiscoverClient(t, Basic("svc", fixed("right one")), server.URL, nil).Autodiscover(t.Context(), "a@contoso.com")
		if err != nil {
			t.Fatal(err)
		}
		said := got["a@contoso.com"].Err
		if !errors.Is(said, is) || said.Error() != "ews: Autodiscover for a@contoso.com: "+code+": said so" {
			t.Errorf("%v", said)
		}
		if isMailboxFatal(said) != (code == "InvalidUser") {
			t.Errorf("%v: the end for the mailbox: %v", said, isMailboxFatal(said))
		}
	}
}

func TestRefusedCredentialsEndAutodiscover(t *testing.T) {
	server := newBasicServer(t, "right one")
	c := autodiscoverClient(t, Basic("svc@contoso.com", fixed("wrong one")), server.URL, nil)
	if _, err := c.Autodiscover(t.Context(), "a@contoso.com", "b@contoso.com"); !errors.Is(err, outlookstream.ErrUnauthorized) {
		t.Error(err)
	}
	if _, err := c.Autodiscover(t.Context(), "a@contoso.com"); !errors.Is(err, auth.ErrRejected) {
		t.Error(err)
	}
	if server.refused != 1 {
		t.Errorf("%d attempts", server.refused)
	}
}

func TestACookieOfAutodiscoverStaysThere(t *testing.T) {
	var cookies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies = append(cookies, r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "X-BackEndCookie", Value: "a", Path: "/"})
		answerSettings(foundHere)(w, r)
	}))
	defer server.Close()
	c := autodiscoverClient(t, Basic("svc", fixed("right one")), server.URL, nil)
	for range 2 {
		if _, err := c.Autodiscover(t.Context(), "a@contoso.com"); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Join(cookies, "") != "" {
		t.Errorf("cookies: %q", cookies)
	}
}

func TestAServerWithTooMuchToSayIsNotHeardOut(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, err := io.WriteString(w, "<a>"); err == nil; _, err = io.WriteString(w, strings.Repeat("<b/>", 1<<12)) {
		}
	}))
	defer server.Close()
	c, err := New(Basic("svc", fixed("right one")), &Options{MaxEnvelope: 1 << 16, Autodiscover: AutodiscoverOptions{Servers: []string{server.URL}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Autodiscover(t.Context(), "a@contoso.com")
	if err != nil || !errors.Is(got["a@contoso.com"].Err, outlookstream.ErrMalformed) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestWhomAutodiscoverAsksDependsOnWhoWouldTakeTheCredentials(t *testing.T) {
	for _, tt := range []struct {
		a       Authenticator
		url     string
		servers []string
		want    string // an error begins with "!"
	}{
		{Bearer(auth.Static("t")), "", nil, "[https://outlook.office365.com]"},
		{Bearer(auth.Static("t")), "https://mail.contoso.com/EWS/Exchange.asmx", nil, "[]"},
		{Basic("svc", fixed("x")), "", nil, "[]"},
		{Bearer(auth.Static("t")), "", []string{"https://mail.contoso.com", "http://127.0.0.1:1"}, "[https://mail.contoso.com http://127.0.0.1:1]"},
		{Basic("svc", fixed("x")), "", []string{"http://mail.contoso.com"}, "!"},
		{Basic("svc", fixed("x")), "", []string{"mail.contoso.com"}, "!"},
	} {
		c, err := New(tt.a, &Options{URL: tt.url, Autodiscover: AutodiscoverOptions{Servers: tt.servers}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.autodiscoverServers()
		text := fmt.Sprint(got)
		if err != nil {
			text = "!"
		}
		if text != tt.want {
			t.Errorf("%s %v: %s", tt.a.scheme(), tt.servers, text)
		}
	}
}

func TestAutodiscoverEndsWithItsContext(t *testing.T) {
	here := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(here)
		<-r.Context().Done()
	}))
	defer server.Close()
	c := autodiscoverClient(t, Basic("svc", fixed("right one")), server.URL, nil)
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-here; cancel(why) }()
	if _, err := c.Autodiscover(ctx, "a@contoso.com"); !errors.Is(err, why) {
		t.Error(err)
	}
}
