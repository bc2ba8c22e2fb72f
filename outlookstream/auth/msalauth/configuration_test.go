package msalauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// Those who share an answer that cannot be used are told the same as the one who asked for it.
func TestABadConfigurationIsTheSameForAll(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"a hotel's page":       {"<html>log in to the hotel's network</html>", transient},
		"no configuration":     {"{}", misconfigured},
		"of somebody else":     {`{"issuer":"https://evil.test/x","authorization_endpoint":"https://evil.test/a","token_endpoint":"https://evil.test/token"}`, misconfigured},
		"that leads elsewhere": {`{"issuer":"https://signin.test/x","authorization_endpoint":"https://signin.test/a","token_endpoint":"https://evil.test/token"}`, misconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, twoAccounts())
				var providers []auth.Provider
				for _, name := range []string{user, "kim@contoso.test"} {
					providers = append(providers, w.Client.Provider(w.signInTo(w.Client, name).ID))
				}
				time.Sleep(30 * time.Hour) // synctest: virtual
				w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
					if resp == nil && r.Method == http.MethodGet {
						time.Sleep(time.Second) // synctest: virtual; so that the others wait for it
						return reply(200, test.body), nil
					}
					return resp, nil
				})
				herd(2, func(i int) {
					_, err := providers[i].Token(t.Context(), auth.Request{Scopes: mail})
					if kindOf(w.saw(err)) != test.want {
						t.Errorf("%d: got a %s error: %v", i, kindOf(err), err)
					}
				})
				w.net.set(nil)
				for _, p := range providers {
					w.tokenOf(p, auth.Request{})
				}
			})
		})
	}
}

// A page of a hotel that came when its caller had gone is not taken for what the authority says.
func TestABadConfigurationThatNobodyWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp == nil && r.Method == http.MethodGet {
				cancel()
				return reply(200, "<html>log in to the hotel's network</html>"), nil
			}
			return resp, nil
		})
		if _, err := w.SignInDeviceCode(ctx, mail, w.approve); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", w.saw(err))
		}
		w.net.set(nil)
		if _, err := w.SignInDeviceCode(t.Context(), mail, w.approve); err != nil && !isTransient(w.saw(err)) {
			t.Errorf("got %v", err)
		}
		w.signIn()
	})
}

func TestWhereThereIsNoConfiguration(t *testing.T) {
	for name, test := range map[string]struct {
		answer *http.Response
		want   string
		texts  []string
	}{
		"not found": {reply(404, "<html>"), misconfigured, []string{"is no authority", "404"}},
		"down":      {nil, transient, []string{"cannot be reached"}},
		"failing":   {reply(503, "<html>"), transient, []string{"overloaded or failing"}},
		"redirect":  {reply(302, ""), transient, []string{"cannot be used"}},
	} {
		w := newWorld(t, nil)
		w.net.set(func(*http.Request, *http.Response) (*http.Response, error) {
			if test.answer == nil {
				return nil, errDown
			}
			return reply(test.answer.StatusCode, "<html>"), nil
		})
		_, byCode := w.SignInDeviceCode(t.Context(), mail, w.approve)
		_, byBrowser := w.SignInBrowser(t.Context(), mail, nil, w.browse)
		_, byItself := w.confidential(msalauth.Secret(w.server.ClientSecret())).Token(t.Context(), auth.Request{Scopes: mail})
		for _, err := range []error{byCode, byBrowser, byItself} {
			if kindOf(w.saw(err)) != test.want {
				t.Errorf("%s: got a %s error: %v", name, kindOf(err), err)
				continue
			}
			for _, text := range append(test.texts, host) {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%s: %q lacks %q", name, err, text)
				}
			}
		}
	}
}

// The person's browser is sent nowhere but to a page with TLS.
func TestTheAuthorizationEndpointHasToBeSafe(t *testing.T) {
	for _, endpoint := range []string{"http://signin.test/a", "javascript:alert(1)", "/a", "https:///a"} {
		w := newWorld(t, nil)
		w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp == nil && r.Method == http.MethodGet {
				return reply(200, fmt.Sprintf(`{"issuer":"https://signin.test/x","authorization_endpoint":%q,"token_endpoint":"https://signin.test/token"}`, endpoint)), nil
			}
			return resp, nil
		})
		_, err := w.SignInBrowser(t.Context(), mail, nil, func(_ context.Context, address string) error {
			t.Errorf("the browser is sent to %s", address)
			return errors.New("opened")
		})
		if kindOf(w.saw(err)) != misconfigured {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// How long a configuration is used: for an hour; for a day, if there is no other; and not at all with the clock put back.
func TestHowLongAConfigurationIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn()
		renew := func() (documents int) {
			t.Helper()
			w.net.documents()
			w.tokenOf(w, auth.Request{Rejected: w.token(auth.Request{}).Value})
			return w.net.documents()
		}
		if n := renew(); n != 0 {
			t.Errorf("%d requests at once", n)
		}
		time.Sleep(59 * time.Minute) // synctest: virtual
		if n := renew(); n != 0 {
			t.Errorf("%d requests after 59 min", n)
		}
		time.Sleep(2 * time.Minute) // synctest: virtual
		if n := renew(); n != 1 {
			t.Errorf("%d requests after 61 min", n)
		}
		failing := func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp == nil && r.Method == http.MethodGet {
				return nil, errDown
			}
			return resp, nil
		}
		time.Sleep(23 * time.Hour) // synctest: virtual
		w.net.set(failing)
		if n := renew(); n == 0 {
			t.Error("an old configuration is used without asking for a new one")
		}
		time.Sleep(2 * time.Hour) // synctest: virtual
		if err := w.fails(auth.Request{}); !isTransient(err) {
			t.Errorf("got %v", err)
		}
	})
}

// Whoever waits for the configuration that somebody else fetches does not wait longer than wanted.
func TestWaitingForTheConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Fault: func(on, _ string) (*signin.Response, bool) {
			return &signin.Response{Delay: 20 * time.Second}, on == "configuration"
		}})
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := w.SignInDeviceCode(t.Context(), mail, w.approve); err != nil {
				t.Error(w.saw(err))
			}
		})
		synctest.Wait()
		cause := errors.New("had enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		start := time.Now()
		if _, err := w.SignInDeviceCode(ctx, mail, w.approve); !errors.Is(err, cause) || time.Since(start) != time.Second {
			t.Errorf("%v after %s", w.saw(err), time.Since(start))
		}
		wg.Wait()
		w.tokenOf(w, auth.Request{})
	})
}

func TestManyWhoStartAtOnceFetchTheConfigurationOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Fault: func(on, _ string) (*signin.Response, bool) {
			return &signin.Response{Delay: time.Second}, on == "configuration"
		}})
		herd(20, func(int) {
			if _, err := w.SignInDeviceCode(t.Context(), mail, w.approve); err != nil {
				t.Error(w.saw(err))
			}
		})
		if n := w.net.documents(); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// An application that goes through the tenants of all its customers does not keep all of their configurations.
func TestManyTenants(t *testing.T) {
	opts := &signin.Options{}
	for i := range 260 {
		opts.Tenants = append(opts.Tenants, signin.Tenant{ID: fmt.Sprintf("11111111-1111-4111-8111-%012d", i)})
	}
	w := newWorld(t, opts)
	app := w.confidential(msalauth.Secret(w.server.ClientSecret()))
	for _, tenant := range opts.Tenants {
		w.tokenOf(app, auth.Request{TenantID: tenant.ID})
	}
	if n := w.net.documents(); n != 260 {
		t.Errorf("%d configurations were fetched", n)
	}
	w.tokenOf(app, auth.Request{TenantID: opts.Tenants[0].ID, Claims: nbf}) // no longer kept
	w.tokenOf(app, auth.Request{TenantID: opts.Tenants[259].ID, Claims: nbf})
	if n := w.net.documents(); n != 1 {
		t.Errorf("%d configurations were fetched again, want that of the first tenant", n)
	}
}

func TestAnAuthorityThatMSALDoesNotTake(t *testing.T) {
	opts := msalauth.Options{ClientID: signin.DefaultClientID, Authority: "https://" + host + "/common", TenantID: "a\x00b"}
	if _, err := msalauth.New(opts); kindOf(err) != misconfigured || !strings.Contains(err.Error(), "https://host/tenant") || strings.Contains(err.Error(), "\x00") {
		t.Errorf("got %v", err)
	}
	app, err := msalauth.NewConfidential(msalauth.ConfidentialOptions{ClientID: opts.ClientID, Authority: opts.Authority, TenantID: opts.TenantID, Credential: msalauth.Secret("x")})
	if err == nil {
		_, err = app.Token(t.Context(), auth.Request{Scopes: mail})
	}
	if kindOf(err) != misconfigured || strings.Contains(err.Error(), "\x00") {
		t.Errorf("got %v", err)
	}
}
