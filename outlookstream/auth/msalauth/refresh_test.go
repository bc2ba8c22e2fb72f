package msalauth_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestManyRefusalsMakeOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Fault: func(on, _ string) (*signin.Response, bool) {
			return &signin.Response{Delay: 200 * time.Millisecond}, on == "token"
		}})
		w.signIn()
		old := w.token(auth.Request{})
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 2 * time.Millisecond) // synctest: virtual
				if token := w.token(auth.Request{Rejected: old.Value}); token.Value == old.Value || !w.accepted(token) {
					t.Error("not a new token")
				}
			})
		}
		wg.Wait()
		if n := w.net.posts(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestExpiredTokenIsRenewedOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn()
		w.token(auth.Request{})
		time.Sleep(2 * time.Hour) // synctest: virtual
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				if !w.accepted(w.token(auth.Request{})) {
					t.Error("not a good token")
				}
			})
		}
		wg.Wait()
		if n := w.net.posts(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestRotatedRefreshTokensSurviveConcurrencyOverScopes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Fault: func(on, _ string) (*signin.Response, bool) {
			return &signin.Response{Delay: 200 * time.Millisecond}, on == "token"
		}})
		w.signIn()
		scopes := []string{"Mail.Read", "Calendars.Read", "Contacts.Read", "Tasks.Read", "Mail.ReadWrite", "Calendars.ReadWrite"}
		for range 3 {
			var wg sync.WaitGroup
			for i := range 60 {
				wg.Go(func() {
					scope := "https://outlook.office.com/" + scopes[i%len(scopes)]
					if !w.accepted(w.token(auth.Request{Scopes: []string{scope}})) {
						t.Error("not a good token")
					}
				})
			}
			wg.Wait()
			w.server.ExpireTokens()
			time.Sleep(2 * time.Hour) // synctest: virtual
		}
		if n := w.net.posts(); n > 3*len(scopes) {
			t.Errorf("%d requests for %d tokens", n, 3*len(scopes))
		}
	})
}

func TestRefusedTokenIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		wide := []string{mail[0], "https://outlook.office.com/Calendars.Read"}
		w.signIn(wide...)
		seen := map[string]bool{}
		// Tokens for other scopes that include the wanted ones: MSAL may choose any of them.
		for range 20 {
			for _, scopes := range [][]string{mail, wide} {
				token := w.token(auth.Request{Scopes: scopes})
				seen[token.Value] = true
				w.server.ExpireToken(token.Value)
				next := w.token(auth.Request{Scopes: scopes, Rejected: token.Value})
				if seen[next.Value] {
					t.Error("a token that was refused came again")
				}
				if again := w.token(auth.Request{Scopes: scopes}); again.Value != next.Value {
					t.Error("the new token was not kept")
				}
			}
		}
	})
}

func TestRefusedTokenStaysGoneThroughAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn()
		old := w.token(auth.Request{})
		w.net.set(down)
		if err := w.fails(auth.Request{Rejected: old.Value}); !isTransient(err) || !strings.Contains(err.Error(), host) {
			t.Errorf("got %v", err)
		}
		if err := w.fails(auth.Request{}); !isTransient(err) {
			t.Errorf("got %v", err)
		}
		w.net.set(nil)
		if token := w.token(auth.Request{}); token.Value == old.Value || !w.accepted(token) {
			t.Error("not a new token")
		}
	})
}

func TestRevokedSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn()
		old := w.token(auth.Request{})
		w.server.Revoke("alex@contoso.test")
		err := w.fails(auth.Request{Rejected: old.Value})
		ie, ok := errors.AsType[*auth.InteractionError](err)
		if !ok || ie.Code != "invalid_grant" || ie.SubCode != "bad_token" || !strings.Contains(err.Error(), "AADSTS50173") {
			t.Errorf("got %v", err)
		}
		w.signIn()
		if !w.accepted(w.token(auth.Request{})) {
			t.Error("signing in again does not help")
		}
	})
}

func TestFailedEarlyRenewalIsHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{TokenLifetime: 4 * time.Hour})
		w.signIn()
		old := w.token(auth.Request{})
		if want := time.Now().Add(2 * time.Hour); old.RefreshOn.Sub(want).Abs() > time.Minute {
			t.Errorf("%v: want RefreshOn in 2 h", old)
		}
		w.net.set(down)
		time.Sleep(2*time.Hour + time.Minute) // synctest: virtual
		for range 10 {
			if w.token(auth.Request{}).Value != old.Value {
				t.Error("another token")
			}
			synctest.Wait()
			time.Sleep(time.Minute) // synctest: virtual
		}
		if w.net.posts() == 0 {
			t.Error("no early renewal was tried")
		}
		w.net.set(nil)
		w.token(auth.Request{})
		synctest.Wait()
		if token := w.token(auth.Request{}); token.Value == old.Value || !w.accepted(token) {
			t.Error("not renewed after the outage")
		}
	})
}

func TestFailedEarlyRenewalAtTheFirstCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{TokenLifetime: 4 * time.Hour})
		w.signIn()
		time.Sleep(3 * time.Hour) // synctest: virtual
		w.net.set(down)
		if !w.accepted(w.token(auth.Request{})) || w.net.posts() != 1 {
			t.Error("the token that MSAL has is good for another hour, and was not used")
		}
	})
}

func TestWithoutRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.net.set(rewrite(200, func(body string) string { return strings.Replace(body, `"refresh_token"`, `"other"`, 1) }))
		w.signIn()
		old := w.token(auth.Request{})
		if !w.accepted(old) {
			t.Error("not a good token")
		}
		if err := w.fails(auth.Request{Rejected: old.Value}); !errors.Is(err, auth.ErrInteractionRequired) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTokenOfANamedTenant(t *testing.T) {
	w := newWorld(t, nil)
	w.signIn()
	common, named := w.token(auth.Request{}), w.token(auth.Request{TenantID: w.server.Tenant()})
	if !w.accepted(named) || named.Value == common.Value || w.net.posts() != 1 {
		t.Error("no token of the tenant's own")
	}
	if err := w.fails(auth.Request{TenantID: "fabrikam.test"}); !errors.Is(err, auth.ErrMisconfigured) {
		t.Errorf("another tenant: %v", err)
	}
}

func TestShortLivedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{TokenLifetime: 2 * time.Minute}) // MSAL itself caches none of these
		w.signIn()
		for range 600 {
			if !w.accepted(w.token(auth.Request{})) {
				t.Error("not a good token")
			}
			synctest.Wait()
			time.Sleep(time.Second) // synctest: virtual
		}
		if n := w.net.posts(); n > 11 {
			t.Errorf("%d requests in 10 minutes", n)
		}
	})
}

func TestAWeekOfTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn()
		for range 7 * 24 * 30 {
			if !w.accepted(w.token(auth.Request{})) {
				t.Fatal("not a good token")
			}
			synctest.Wait()
			time.Sleep(2 * time.Minute) // synctest: virtual
		}
		if n := w.net.posts(); n != (7*24*60-1)/56 { // each in the first call after 55 min
			t.Errorf("%d requests in 168 hours", n)
		}
	})
}

func TestAnImpatientCallerSpoilsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := false
		w := newWorld(t, &signin.Options{Fault: func(on, _ string) (*signin.Response, bool) {
			return &signin.Response{Delay: 5 * time.Second}, slow && on == "token"
		}})
		w.signIn()
		old := w.token(auth.Request{})
		slow = true
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		if _, err := w.Token(ctx, auth.Request{Scopes: mail, Rejected: old.Value}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 50*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if !w.accepted(w.token(auth.Request{Rejected: old.Value})) || w.net.posts() != 1 {
			t.Error("the second caller did not get the first one's token")
		}
		// A scope that waits for its turn honours its own context too.
		go w.Token(t.Context(), auth.Request{Scopes: []string{"https://outlook.office.com/Tasks.Read"}})
		synctest.Wait()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.SignOut(ctx, ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("SignOut did not wait: %v", err)
		}
		time.Sleep(time.Minute) // synctest: virtual
	})
}
