package fakeserver

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRefusedTokensGetTheServicesOwn401(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		const claims = `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`
		for name, c := range map[string]struct {
			token     func() string
			challenge string
			category  string
		}{
			"none":    {func() string { return "" }, `error="invalid_token"`, `2000001;`},
			"unknown": {func() string { return "made.up" }, `error="invalid_token"`, `2000001;reason="The token is invalid.";error_category="invalid_token"`},
			"expired": {func() string {
				token := f.s.Token("me")
				f.s.SignIn().ExpireToken(token)
				return token
			}, `error="invalid_token"`, `2000002;reason="The token has expired.";error_category="token_expired"`},
			"revoked": {func() string {
				token := f.s.Token("room1@contoso.test")
				f.s.SignIn().Revoke("room1@contoso.test")
				return token
			}, `error="invalid_token"`, `2000001;`},
			"nobody's": {func() string { return f.s.SignIn().Issue("gone@contoso.test") }, `error="invalid_token"`, `2000001;`},
			"claims": {func() string {
				token := f.s.Token("me")
				f.s.SignIn().RequireClaims("alex@contoso.test", claims)
				return token
			}, `error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte(claims)) + `"`, `2000001;`},
		} {
			g := f.named(name)
			r := g.request(t.Context(), "POST", "/api/beta/me/subscriptions", subscribeBody("me/events", "Created"))
			if token := c.token(); token == "" {
				r.Header.Del("Authorization")
			} else {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			a := g.do(r)
			f.s.SignIn().RequireClaims("alex@contoso.test", "")
			values := a.Header.Values("WWW-Authenticate")
			if a.StatusCode != 401 || a.body != "" || a.ContentLength != 0 || len(values) != 2 {
				t.Fatalf("status %d, body %q, length %d, WWW-Authenticate %q", a.StatusCode, a.body, a.ContentLength, values)
			}
			const start = `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="`
			if !strings.HasPrefix(values[0], start) || !strings.HasSuffix(values[0], c.challenge) || values[1] != `Basic Realm=""` {
				t.Errorf("WWW-Authenticate %q", values)
			}
			if got := a.Header.Get("x-ms-diagnostics"); !strings.HasPrefix(got, c.category) {
				t.Errorf("x-ms-diagnostics %q, want %q", got, c.category)
			}
		}
	})
}

func TestTokenExpiresByItself(t *testing.T) {
	inMemory(t, "h2", &Options{TokenLifetime: 10 * time.Minute}, func(t *testing.T, f *fixture) {
		f.subscribe("me/events")
		wait(10 * time.Minute)
		a := f.call("POST", "/api/beta/me/subscriptions", subscribeBody("me/events", "Created"))
		if a.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(a.Header.Get("x-ms-diagnostics"), "2000002;") {
			t.Errorf("status %d, diagnostics %q", a.StatusCode, a.Header.Get("x-ms-diagnostics"))
		}
	})
}

func TestScopesDecideWhatCanBeWatched(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		scopes := map[string]string{"events": "calendars", "messages": "mail", "contacts": "contacts", "tasks": "tasks"}
		for collection, scope := range scopes {
			for _, have := range scopes {
				for _, form := range []string{have + ".read", "https://outlook.office.com/" + have + ".ReadWrite", strings.ToUpper(have) + ".Read"} {
					f.token = f.s.Token("me", form)
					a := f.call("POST", "/api/beta/me/subscriptions", subscribeBody("me/"+collection, "Created"))
					if have == scope && a.StatusCode != 201 {
						t.Errorf("%s with %s: status %d", collection, form, a.StatusCode)
					}
					if have != scope {
						f.wantError(a, 403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
					}
				}
			}
		}
	})
}

func TestListeningNeedsTheScopeToo(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		f.token = f.s.Token("me", "mail.read")
		f.wantError(f.call("POST", "/api/beta/me/GetNotifications", listenBody(1, 5, id)), 403, codeAccessDenied, "")
	})
}

func TestAppOnlyTokensReachMailboxesByName(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		f.token = f.s.Token("")
		f.wantError(f.call("POST", "/api/beta/me/subscriptions", subscribeBody("me/events", "Created")), 400, "BadRequest", "/me")
		a := f.call("POST", "/api/beta/users/room1@contoso.test/subscriptions", subscribeBody("users/room1@contoso.test/events", "Created"))
		if a.StatusCode != 201 || !strings.Contains(a.body, "$metadata#Users(") {
			t.Fatalf("status %d: %s", a.StatusCode, a.body)
		}
		id := f.s.Subscriptions()[0].ID
		f.wantError(f.call("POST", "/api/beta/users/alex@contoso.test/GetNotifications", listenBody(1, 5, id)), 404, codeNoItem, "")
		f.change(Change{User: "room1@contoso.test", Resource: "me/events", ChangeType: "Created", ID: "x"})
		r, err := f.http.Do(f.request(t.Context(), "POST", "/api/beta/Users('room1@contoso.test')/GetNotifications", listenBody(1, 60, id)))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if r.StatusCode != 200 {
			t.Errorf("listening: status %d", r.StatusCode)
		}
	})
}
