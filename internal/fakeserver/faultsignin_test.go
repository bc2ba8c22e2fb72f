package fakeserver

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestFaultsOnSignIn(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		f.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for on, form := range map[string]url.Values{
			"devicecode": {"client_id": {f.s.SignIn().ClientID()}, "scope": {"https://outlook.office.com/calendars.read"}},
			"token": {"grant_type": {"client_credentials"}, "client_id": {f.s.SignIn().ClientID()}, "client_secret": {f.s.SignIn().ClientSecret()},
				"scope": {"https://outlook.office.com/.default"}},
			"configuration": nil,
			"authorize": {"client_id": {f.s.SignIn().ClientID()}, "response_type": {"code"}, "redirect_uri": {"http://localhost:1"}, "scope": {"openid"},
				"code_challenge": {strings.Repeat("x", 43)}, "code_challenge_method": {"S256"}},
		} {
			good := 200
			request := func() *http.Request {
				r := f.request(t.Context(), "POST", "/"+f.s.SignIn().Tenant()+"/oauth2/v2.0/"+on, form.Encode())
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.GetBody = nil
				return r
			}
			switch on {
			case "configuration":
				request = func() *http.Request {
					return f.request(t.Context(), "GET", "/common/v2.0/.well-known/openid-configuration", nil)
				}
			case "authorize":
				good = 302
				request = func() *http.Request {
					return f.request(t.Context(), "GET", "/common/oauth2/v2.0/authorize?"+form.Encode(), nil)
				}
			}
			for _, c := range []struct {
				fault  Fault
				status int
				text   string
			}{
				{Fault{Do: "status", Status: 503, RetryAfter: "5"}, 503, "temporarily_unavailable"},
				{Fault{Do: "status", Status: 400, Code: "invalid_grant", Message: "AADSTS50173: The grant has expired."}, 400, "[50173]"},
				{Fault{Do: "errorDocument"}, 200, `"error":`},
				{Fault{Do: "html"}, 200, "<html>"},
				{Fault{Do: "redirect"}, 307, ""},
				{Fault{Do: "redirect", Status: 302, Location: "https://elsewhere.example/x"}, 302, ""},
			} {
				c.fault.On = on
				f.arm(c.fault)
				location := c.fault.Location
				if c.fault.Do == "redirect" && location == "" {
					location = "https://outlook365.fake.test" + request().URL.RequestURI()
				}
				a := f.do(request())
				if a.Header.Get("Location") != location {
					t.Errorf("%s %s: it leads to %q, want %q", on, c.fault.Do, a.Header.Get("Location"), location)
				}
				if a.StatusCode != c.status || !strings.Contains(a.body, c.text) || a.Header.Get("Retry-After") != c.fault.RetryAfter {
					t.Errorf("%s %s: status %d, %v, %s", on, c.fault.Do, a.StatusCode, a.Header, a.body)
				}
			}
			start := time.Now()
			f.arm(Fault{On: on, Do: "slow", Delay: 9 * time.Second})
			if a := f.do(request()); a.StatusCode != good || time.Since(start) != 9*time.Second {
				t.Errorf("%s slow: status %d after %v", on, a.StatusCode, time.Since(start))
			}
			f.arm(Fault{On: on, Do: "reset", Times: 3})
			if resp, err := f.http.Do(request()); err == nil {
				t.Errorf("%s reset: status %d", on, resp.StatusCode)
			}
			f.s.Disarm()
			if a := f.do(request()); a.StatusCode != good {
				t.Errorf("%s afterwards: status %d", on, a.StatusCode)
			}
		}
	})
}

func TestAStalledSignInEndsWithTheServer(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		f.arm(Fault{On: "devicecode", Do: "stall"})
		r := f.request(t.Context(), "POST", "/common/oauth2/v2.0/devicecode", url.Values{"client_id": {f.s.SignIn().ClientID()}, "scope": {"x/y"}}.Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		ended := make(chan error, 1)
		go func() {
			resp, err := f.http.Do(r)
			if err == nil {
				err = fmt.Errorf("status %d", resp.StatusCode)
				resp.Body.Close()
			}
			ended <- err
		}()
		wait(time.Hour)
		select {
		case err := <-ended:
			t.Fatalf("it was not stalled: %v", err)
		default:
		}
		if err := f.s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; strings.HasPrefix(err.Error(), "status") {
			t.Errorf("it was answered: %v", err)
		}
	})
}

func TestASignInRedirectionLeadsToTheOtherHostNameOnLoopbackToo(t *testing.T) {
	f := loopback(t, "h1")
	f.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, on := range []string{"token", "devicecode"} {
		f.arm(Fault{On: on, Do: "redirect"})
		path := "/common/oauth2/v2.0/" + on
		r := f.request(t.Context(), "POST", path, url.Values{"client_id": {f.s.SignIn().ClientID()}}.Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		want := strings.Replace(f.e.URL, "127.0.0.1", "localhost", 1) + path
		if a := f.do(r); a.StatusCode != 307 || a.Header.Get("Location") != want {
			t.Errorf("status %d to %s, want %s", a.StatusCode, a.Header.Get("Location"), want)
		}
	}
}
