package fakeserver

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/go-ntlmssp"

	"github.com/calwatch/calwatch/internal/fakeserver/httpauth"
)

const ewsSubscribe = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
	`<soap:Header><t:RequestServerVersion Version="Exchange2013_SP1"/></soap:Header><soap:Body>` +
	`<m:Subscribe><m:StreamingSubscriptionRequest SubscribeToAllFolders="true"><t:EventTypes><t:EventType>NewMailEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>` +
	`</soap:Body></soap:Envelope>`

// ews makes a Subscribe; authorize adds what says who asks.
func (f *fixture) ews(client *http.Client, authorize func(*http.Request)) answer {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.e.EWS(), strings.NewReader(ewsSubscribe))
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	authorize(r)
	resp, err := client.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return answer{resp, string(body)}
}

func withPassword(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

func withToken(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func TestExchangeTakesTokensAndPasswords(t *testing.T) {
	opts := &Options{Passwords: []httpauth.Account{{User: "room1@contoso.test", Password: "own"}}}
	inMemory(t, "h1", opts, func(t *testing.T, f *fixture) {
		owners := func() string {
			var names []string
			for _, sub := range f.s.Exchange().Subscriptions() {
				names = append(names, sub.Owner)
			}
			return strings.Join(names, " ")
		}
		for name, authorize := range map[string]func(*http.Request){
			"no credentials": func(*http.Request) {}, "no token": withToken("x"), "wrong password": withPassword("alex@contoso.test", "x"),
			"default where another is set": withPassword("room1@contoso.test", DefaultPassword),
			"a person without a mailbox":   withToken(f.s.Token("nobody@contoso.test")),
		} {
			a := f.ews(f.http, authorize)
			if got := a.Header.Values("WWW-Authenticate"); a.StatusCode != 401 || len(got) != 4 || got[0] != "Negotiate" || got[1] != "NTLM" {
				t.Errorf("%s: status %d, %q", name, a.StatusCode, got)
			}
		}
		f.ews(f.http, withToken(f.token))
		f.ews(f.http, withPassword("alex", DefaultPassword))
		f.ews(f.http, withPassword("room1@contoso.test", "own"))
		ntlm := f.e.Client("h1")
		ntlm.Transport = ntlmssp.Negotiator{RoundTripper: ntlm.Transport}
		for range 2 {
			f.ews(ntlm, withPassword(`CONTOSO\room1`, "own"))
		}
		if got := owners(); got != "alex@contoso.test alex@contoso.test room1@contoso.test room1@contoso.test room1@contoso.test" || f.s.Authentication().Handshakes() != 1 {
			t.Errorf("subscriptions of %s; %d handshakes", got, f.s.Authentication().Handshakes())
		}
		if a := f.ews(f.http, withToken(f.s.Token(""))); a.StatusCode != 500 || !strings.Contains(a.body, "ErrorImpersonationRequired") {
			t.Errorf("an application as itself: status %d: %s", a.StatusCode, a.body)
		}
		f.s.SignIn().ExpireToken(f.token)
		if a := f.ews(f.http, withToken(f.token)); a.StatusCode != 401 || !strings.HasPrefix(a.Header.Get("x-ms-diagnostics"), "2000002;") {
			t.Errorf("an expired token: status %d, %s", a.StatusCode, a.Header.Get("x-ms-diagnostics"))
		}
	})
}

func TestNTLMIsForHTTP1(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		a := f.ews(f.http, func(*http.Request) {})
		if got := a.Header.Values("WWW-Authenticate"); a.StatusCode != 401 || len(got) != 2 || !strings.HasPrefix(got[0], "Basic ") {
			t.Errorf("status %d, %q", a.StatusCode, got)
		}
	})
}

func TestAutodiscoverIsServed(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		a := f.call("GET", "/autodiscover/autodiscover.json/v1.0/room1@contoso.test?Protocol=EWS", nil)
		if want := `{"Protocol":"EWS","Url":"https://outlook.fake.test/EWS/Exchange.asmx"}`; strings.TrimSpace(a.body) != want {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
		if a := f.call("POST", "/Autodiscover/Autodiscover.svc", "x"); a.StatusCode != 500 || !strings.Contains(a.body, "s:Client") {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
		f.token = "x"
		if a := f.call("POST", "/autodiscover/autodiscover.xml", "x"); a.StatusCode != 401 {
			t.Errorf("status %d without credentials", a.StatusCode)
		}
		if log := f.s.Requests(); len(log) != 3 || log[2].Status != 401 {
			t.Errorf("the log has %+v", log)
		}
	})
}
