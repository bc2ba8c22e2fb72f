package fakeserver

import (
	"net/url"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// appToken asks for a token of the application.
func (f *fixture) appToken(secret string) answer {
	f.t.Helper()
	r := f.request(f.t.Context(), "POST", "/"+f.s.SignIn().Tenant()+"/oauth2/v2.0/token", url.Values{"grant_type": {"client_credentials"},
		"client_id": {f.s.SignIn().ClientID()}, "client_secret": {secret}, "scope": {"https://outlook.office.com/.default"}}.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return f.do(r)
}

func TestControlRejectsAndLifts(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		secret := f.s.SignIn().ClientSecret()
		check := func(status int, text string) {
			t.Helper()
			if a := f.appToken(secret); a.StatusCode != status || !strings.Contains(a.body, text) {
				t.Errorf("status %d, want %d with %q", a.StatusCode, status, text)
			}
		}
		f.control("POST", "reject", `{"code":53003,"user":"me","times":-1}`, nil)
		check(200, "")
		f.control("POST", "reject", `{"code":53003,"on":"client_credentials","times":2}`, nil)
		check(400, "AADSTS53003: ")
		check(400, `"suberror":"message_only"`)
		check(200, "")
		f.control("POST", "reject", `{"code":700016,"times":-1}`, nil)
		f.control("POST", "lift", `{"user":"me"}`, nil)
		check(400, "AADSTS700016: ")
		f.control("POST", "lift", nil, nil)
		check(200, "")
		var log []signin.TokenRequest
		f.control("GET", "grants", nil, &log)
		if len(log) != 6 || log[1].Code != 53003 || log[1].Credential != "secret" || log[5].Status != 200 {
			t.Errorf("the log is %+v", log)
		}
	})
}
