package fakeserver

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

func TestControlShowsPendingUserCodes(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		if a := f.call("GET", "/_fake/codes", nil); a.body != "[]" {
			t.Errorf("before there is a code: %s", a.body)
		}
		var shown []string
		for range 2 {
			r := f.request(t.Context(), "POST", "/common/oauth2/v2.0/devicecode",
				url.Values{"client_id": {f.s.SignIn().ClientID()}, "scope": {"https://outlook.office.com/calendars.read"}}.Encode())
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			var code controlCode
			if a := f.do(r); json.Unmarshal([]byte(a.body), &code) != nil || code.UserCode == "" {
				t.Fatalf("no device code: status %d", a.StatusCode)
			}
			shown = append(shown, code.UserCode)
			wait(1)
		}
		var codes []controlCode
		f.control("GET", "codes", nil, &codes)
		if !slices.Equal(codes, []controlCode{{shown[0]}, {shown[1]}}) {
			t.Errorf("codes %v, want %v", codes, shown)
		}
		f.control("POST", "approve", codes[0], nil)
		f.control("GET", "codes", nil, &codes)
		if !slices.Equal(codes, []controlCode{{shown[1]}}) {
			t.Errorf("codes %v, want the second of %v", codes, shown)
		}
	})
}

func TestControlRevokesSignIns(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		room := f.s.Token("room1@contoso.test")
		check := func(token string, want signin.RefuseReason) {
			t.Helper()
			if _, reason, _ := f.s.SignIn().Check(token); reason != want {
				t.Errorf("the token is %q, want %q", reason, want)
			}
		}
		f.control("POST", "revoke", nil, nil)
		check(f.token, signin.RefuseRevoked)
		check(room, signin.Accepted)
		f.control("POST", "revoke", `{"user":"room1@contoso.test"}`, nil)
		check(room, signin.RefuseRevoked)
	})
}

func TestControlRequiresClaims(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		const claims = `{"access_token":{"nbf":{"essential":true}}}`
		f.control("POST", "claims", map[string]string{"user": "me", "claims": claims}, nil)
		if grant, reason := f.s.SignIn().Inspect(f.token); reason != signin.RefuseClaims || grant.Claims != claims {
			t.Errorf("the token is %q with claims %s", reason, grant.Claims)
		}
		a := f.call("POST", "/api/beta/me/subscriptions", subscribeBody("me/events", "Created"))
		if a.StatusCode != 401 || !strings.Contains(a.Header.Get("WWW-Authenticate"), "insufficient_claims") {
			t.Errorf("status %d, %v", a.StatusCode, a.Header)
		}
		f.control("POST", "claims", `{"claims":""}`, nil)
		f.subscribe("me/events")
	})
}

func TestControlCountsStreams(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		f.listen(f.subscribe("me/events"))
		if a := f.call("GET", "/_fake/streams", nil); a.body != `{"streams":1}` {
			t.Errorf("streams: %s", a.body)
		}
		f.control("POST", "expire", `{"subscription":"all"}`, nil)
		wait(1)
		if a := f.call("GET", "/_fake/streams", nil); a.body != `{"streams":0}` {
			t.Errorf("streams: %s", a.body)
		}
	})
}
