package oauth2auth_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/oauth2auth"
)

func contextWith(ctx context.Context, client *http.Client) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, client)
}

func TestRefreshTokensThatWorkOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		var saved []string
		p := w.provider(oauth2auth.Options{Save: func(_ context.Context, refreshToken string) error {
			saved = append(saved, refreshToken)
			return nil
		}})
		for range 24 {
			got := token(t, p, auth.Request{})
			if user, reason, ok := w.server.Check(got.Value); !ok || user != alex {
				t.Fatalf("the token is not accepted: %s", reason)
			}
			if life := time.Until(got.ExpiresOn); life != time.Hour {
				t.Errorf("the token lives %s", life)
			}
			if token(t, p, auth.Request{}) != got {
				t.Error("the token was not kept")
			}
			time.Sleep(time.Hour) // synctest: virtual
		}
		forms := w.net.asked()
		if len(forms) != 24 || len(saved) != 24 {
			t.Fatalf("%d requests and %d refresh tokens saved in 24 hours, want 24 of each", len(forms), len(saved))
		}
		for i, form := range forms {
			if want := append([]string{w.first}, saved...)[i]; form.Get("refresh_token") != want {
				t.Errorf("request %d was not made with the refresh token saved last", i)
			}
			if form.Get("grant_type") != "refresh_token" || form.Get("scope") != scopes[0]+" offline_access" || form.Has("claims") {
				t.Errorf("request %d had scope %q and claims %q", i, form.Get("scope"), form.Get("claims"))
			}
		}
	})
}

func TestManyRefusalsAreOneRequest(t *testing.T) {
	for _, claims := range []string{"", `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, nil)
			p := w.provider(oauth2auth.Options{})
			first := token(t, p, auth.Request{})
			if claims != "" {
				w.server.RequireClaims(alex, claims)
			}
			w.net.asked()
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() {
					if _, reason, ok := w.server.Check(token(t, p, auth.Request{Rejected: first.Value, Claims: claims}).Value); !ok {
						t.Errorf("the new token is not accepted: %s", reason)
					}
				})
			}
			wg.Wait()
			if forms := w.net.asked(); len(forms) != 1 || forms[0].Get("claims") != claims {
				t.Errorf("claims %q: %d requests", claims, len(forms))
			}
		})
	}
}

func TestOneRequestAtATimeForAllScopes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Fault: func(string, string) (*signin.Response, bool) {
			return &signin.Response{Delay: time.Second}, true
		}})
		counted := &counting{base: w.net}
		p := oauth2auth.FromConfig(w.cfg, w.first, &oauth2auth.Options{HTTPClient: &http.Client{Transport: counted}})
		var wg sync.WaitGroup
		for _, scope := range []string{"Calendars.Read", "Mail.Read", "Contacts.Read", "Tasks.Read"} {
			wg.Go(func() { token(t, p, auth.Request{Scopes: []string{"https://outlook.office.com/" + scope}}) })
		}
		wg.Wait()
		if n := len(w.net.asked()); counted.most != 1 || n != 4 {
			t.Errorf("%d requests, up to %d at a time", n, counted.most)
		}
	})
}

// counting counts requests under way.
type counting struct {
	base         http.RoundTripper
	mu           sync.Mutex
	active, most int
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.active++
	c.most = max(c.most, c.active)
	c.mu.Unlock()
	defer func() { c.mu.Lock(); c.active--; c.mu.Unlock() }()
	return c.base.RoundTrip(r)
}

func TestARevokedSignIn(t *testing.T) {
	w := newWorld(t, nil)
	p := w.provider(oauth2auth.Options{})
	first := token(t, p, auth.Request{})
	w.server.Revoke(alex)
	err := fails(t, p, auth.Request{Rejected: first.Value}, auth.ErrInteractionRequired,
		"AADSTS50173: auth: sign-in needed (invalid_grant, bad_token): the sign-in was revoked", w.server.Secrets()...)
	if e, ok := errors.AsType[*auth.InteractionError](err); !ok || e.Code != "invalid_grant" || e.SubCode != "bad_token" {
		t.Errorf("got %#v", e)
	}
}

func TestAFailingSaveLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Fault: func(string, string) (*signin.Response, bool) {
			return &signin.Response{Delay: 50 * time.Second}, true // of the 60 s that a request has
		}})
		full := errors.New("disk full")
		var offered, stored []string
		var reported []error
		fail := true
		p := w.provider(oauth2auth.Options{
			Save: func(ctx context.Context, refreshToken string) error {
				if until, ok := ctx.Deadline(); !ok || time.Until(until) != 30*time.Second {
					t.Errorf("Save has until %s", until)
				}
				offered = append(offered, refreshToken)
				if fail {
					return full
				}
				stored = append(stored, refreshToken)
				return nil
			},
			OnSaveError: func(err error) { reported = append(reported, err) },
		})
		first := token(t, p, auth.Request{})
		second := token(t, p, auth.Request{Rejected: first.Value})
		if len(offered) != 3 || offered[0] != offered[1] || !slices.Equal(reported, []error{full, full, full}) {
			t.Fatalf("%d offered, %d errors reported", len(offered), len(reported))
		}
		fail = false
		token(t, p, auth.Request{Rejected: second.Value})
		if len(stored) != 2 || stored[0] != offered[2] {
			t.Errorf("%d stored: the one that failed must be stored before it is used, then the new one", len(stored))
		}
		if w.net.asked()[2].Get("refresh_token") != stored[0] {
			t.Error("a refresh token was used that had not been stored")
		}
	})
}

func TestOptionsThatCannotWork(t *testing.T) {
	for name, tokenURL := range map[string]string{
		"plain": "http://signin.test/token", "relative": "/token", "empty": "", "malformed": "https://%zz/secret-1", "mail": "mailto:alex@contoso.test",
	} {
		cfg := &oauth2.Config{Endpoint: oauth2.Endpoint{TokenURL: tokenURL}}
		t.Run(name, func(t *testing.T) {
			fails(t, oauth2auth.FromConfig(cfg, "secret-1", nil), auth.Request{}, auth.ErrMisconfigured, "TokenURL must be", "secret-1")
		})
	}
	fails(t, oauth2auth.FromConfig(nil, "secret-1", nil), auth.Request{}, auth.ErrMisconfigured, "no configuration", "secret-1")
	w := newWorld(t, nil)
	fails(t, w.provider(oauth2auth.Options{}), auth.Request{TenantID: "fabrikam.test"}, auth.ErrMisconfigured, "tenant", w.server.Secrets()...)
	w.first = ""
	fails(t, w.provider(oauth2auth.Options{}), auth.Request{}, auth.ErrInteractionRequired, "pass the refresh token")
	if n := len(w.net.asked()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestPlainHTTPToThisMachine(t *testing.T) {
	for _, host := range []string{"localhost:8080", "127.0.0.1", "[::1]:8080"} {
		w := newWorld(t, nil)
		w.cfg.Endpoint.TokenURL = strings.Replace(w.cfg.Endpoint.TokenURL, "https://signin.test", "http://"+host, 1)
		token(t, w.provider(oauth2auth.Options{}), auth.Request{})
	}
}

func TestRefreshOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{TokenLifetime: 24 * time.Hour})
		got := token(t, w.provider(oauth2auth.Options{}), auth.Request{})
		if time.Until(got.RefreshOn) != 12*time.Hour || time.Until(got.ExpiresOn) != 24*time.Hour {
			t.Errorf("got %v", got)
		}
	})
}

func TestWithoutScopesTheServerChooses(t *testing.T) {
	w := newWorld(t, nil)
	w.net.set(always(200, func(string) string { return `{"access_token":"t1"}` }))
	token(t, w.provider(oauth2auth.Options{}), auth.Request{Scopes: []string{}})
	if form := w.net.asked()[0]; form.Has("scope") {
		t.Errorf("scope %q was asked for", form.Get("scope"))
	}
}

func TestImpatientCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := false
		w := newWorld(t, &signin.Options{Fault: func(string, string) (*signin.Response, bool) {
			return &signin.Response{Delay: time.Hour}, hang
		}})
		p := w.provider(oauth2auth.Options{})
		hang = true
		start := time.Now()
		impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := p.Token(impatient, auth.Request{Scopes: scopes}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 50*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		// Somebody who wants other scopes waits for the same refresh token, and not longer than anybody.
		synctest.Wait()
		fails(t, p, auth.Request{Scopes: []string{"https://outlook.office.com/Mail.Read"}}, transient, "no token within 1m", w.server.Secrets()...)
		if time.Since(start) != time.Minute+50*time.Millisecond {
			t.Errorf("waited %s", time.Since(start))
		}
	})
}
