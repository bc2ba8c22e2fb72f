package fakeserver

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestRequestsAreLoggedWithoutSecrets(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		// A client that puts its token where it does not belong.
		r := f.request(t.Context(), "POST", "/api/beta/me/subscriptions?access_token="+f.token, `{"Resource":"`+f.token+`"}`)
		r.Header.Set("User-Agent", "test/1 "+f.token)
		r.Header.Set("Cookie", "session=sesame; X-BackEndOverrideCookie=one.fake.test~1; x-backendoverridecookie=sesame")
		f.do(r)
		form := url.Values{
			"grant_type": {"client_credentials"}, "client_id": {f.s.SignIn().ClientID()}, "client_secret": {f.s.SignIn().ClientSecret()},
			"scope": {"https://outlook.office.com/.default"},
		}
		r = f.request(t.Context(), "POST", "/"+f.s.SignIn().Tenant()+"/oauth2/v2.0/token", form.Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Del("Authorization")
		if a := f.do(r); a.StatusCode != 200 {
			t.Fatalf("sign-in: status %d: %s", a.StatusCode, a.body)
		}
		log := f.s.Requests()
		if len(log) != 2 {
			t.Fatalf("%d requests are in the log", len(log))
		}
		for _, request := range log {
			text := fmt.Sprint(request)
			for _, secret := range append(f.s.SignIn().Secrets(), "sesame") {
				if strings.Contains(text, secret) {
					t.Errorf("a secret is in the log of %s", request.Method)
				}
			}
		}
		api := log[0]
		if api.Token != Fingerprint(f.token) || len(api.Token) != 12 || api.Status != http.StatusBadRequest || api.Method != "POST" ||
			api.Host != "outlook.fake.test" || api.Conn == "" || !strings.HasPrefix(api.Path, "/api/beta/me/subscriptions?access_token=") {
			t.Errorf("the request is logged as %s %s %s %d %q", api.Method, api.Host, api.Path, api.Status, api.Token)
		}
		if got, want := api.Header.Get("Cookie"), "session=(replaced); X-BackEndOverrideCookie=one.fake.test~1; x-backendoverridecookie=(replaced)"; got != want {
			t.Errorf("its cookies are logged as %q, want %q", got, want)
		}
		if log[1].Body != "" || log[1].Status != 200 || log[1].Token != "" {
			t.Errorf("sign-in is logged with the body %q, status %d", log[1].Body, log[1].Status)
		}
	})
}

func TestRequestLogIsBounded(t *testing.T) {
	l := newRequestLog(func() []string { return nil })
	r, err := http.NewRequest("GET", "https://outlook.fake.test/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	for range maxRequests {
		l.begin(r)
	}
	r.URL.Path = "/2"
	l.begin(r)
	if n := len(l.list); n != maxRequests || l.list[n-1].Path != "/2" {
		t.Errorf("%d requests are kept, the last of %s", n, l.list[n-1].Path)
	}
}

func TestAStreamIsLoggedWhenItStarts(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		f.listen(f.subscribe("me/events")).now()
		log := f.s.Requests()
		if last := log[len(log)-1]; last.Status != 200 || last.Path != "/api/beta/Me/GetNotifications" || !strings.Contains(last.Body, "SubscriptionIds") {
			t.Errorf("the stream is logged as %+v", last)
		}
	})
}
