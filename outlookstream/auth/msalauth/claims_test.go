package msalauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// claimsAsked collects the claims of all requests to a path's end.
func (w *world) claimsAsked(end string) *[]string {
	asked := &[]string{}
	w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if resp == nil && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, end) {
			*asked = append(*asked, formOf(w.t, r).Get("claims"))
		}
		return resp, nil
	})
	return asked
}

func queryOf(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// wantsPolicy says whether each of the claims, of which there are some, asks for a policy, or whether none does.
func wantsPolicy(t *testing.T, where string, asked []string, want bool) {
	t.Helper()
	for _, claims := range asked {
		if strings.Contains(claims, "capolids") != want || !strings.Contains(claims, "CP1") {
			t.Errorf("%s asked for %q", where, claims)
		}
	}
	if len(asked) == 0 {
		t.Errorf("%s asked for nothing", where)
	}
}

func TestClaimsOfARenewalGoIntoTheNextSignInWithADeviceCode(t *testing.T) {
	for _, code := range []int{50076, 50078, 50079, 53003} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, nil)
			w.signIn()
			w.reject(code, "refresh_token")
			err := w.fails(auth.Request{Rejected: w.token(auth.Request{}).Value})
			if ie, ok := errors.AsType[*auth.InteractionError](err); !ok || !strings.Contains(ie.Claims, "capolids") {
				t.Errorf("%d: %v", code, err)
			}
			w.server.Lift("")
			// A sign-in that came to nothing has not met them.
			if _, err := w.attempt(t.Context(), func(c msalauth.DeviceCode) { w.saw(w.server.Deny(c.UserCode)) }); err == nil {
				t.Error("signed in")
			}
			started, redeemed := w.claimsAsked("/devicecode"), []string{}
			w.signIn()
			wantsPolicy(t, "the sign-in", *started, true)
			for _, r := range w.server.Requests() {
				if r.GrantType == "device_code" && r.Status == http.StatusOK {
					redeemed = append(redeemed, r.Claims)
				}
			}
			wantsPolicy(t, "the last redemption", redeemed[len(redeemed)-1:], true)
			started = w.claimsAsked("/devicecode")
			w.signIn()
			wantsPolicy(t, "the sign-in after it", *started, false)
		})
	}
}

func TestClaimsOfARenewalGoIntoTheNextSignInWithABrowser(t *testing.T) {
	w := newWorld(t, nil)
	signIn := func() (authorize, redeem []string) {
		redeemed := w.claimsAsked("/token")
		_, err := w.SignInBrowser(t.Context(), mail, nil, func(ctx context.Context, address string) error {
			authorize = append(authorize, queryOf(t, address).Get("claims"))
			return w.browse(ctx, address)
		})
		if err != nil {
			t.Fatal(w.saw(err))
		}
		return authorize, *redeemed
	}
	authorize, redeem := signIn()
	wantsPolicy(t, "the first sign-in", authorize, false)
	wantsPolicy(t, "its redemption", redeem, false)
	w.reject(50076, "refresh_token")
	w.fails(auth.Request{Rejected: w.token(auth.Request{}).Value})
	w.server.Lift("")
	authorize, redeem = signIn()
	wantsPolicy(t, "the next sign-in", authorize, true)
	wantsPolicy(t, "its redemption", redeem, true)
	authorize, redeem = signIn()
	wantsPolicy(t, "the sign-in after it", authorize, false)
	wantsPolicy(t, "its redemption", redeem, false)
}

// A policy can also want something of the sign-in itself.
func TestClaimsOfASignInGoIntoTheNextOne(t *testing.T) {
	for _, on := range []string{"device_code", "authorization_code", "authorize"} {
		w := newWorld(t, nil)
		w.reject(50076, on)
		var err error
		if on == "device_code" {
			_, err = w.SignInDeviceCode(t.Context(), mail, w.approve)
		} else {
			_, err = w.SignInBrowser(t.Context(), mail, nil, w.browse)
		}
		if ie, ok := errors.AsType[*auth.InteractionError](w.saw(err)); !ok || !strings.Contains(ie.Claims, "capolids") || ie.SubCode != "basic_action" {
			t.Errorf("%s: %v", on, err)
		}
		w.server.Lift("")
		started := w.claimsAsked("/devicecode")
		w.signIn()
		wantsPolicy(t, "after "+on+" the sign-in", *started, true)
	}
}

// What one account lacks is not forgotten because another lacks something else.
func TestClaimsOfOneAccountOutliveTheTroublesOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Accounts: []signin.Account{{User: user}, {User: "kim@contoso.test"}}})
		alex, kim := w.signInTo(w.Client, user), w.signInTo(w.Client, "kim@contoso.test")
		w.server.Reject(signin.Rejection{Code: 50076, User: user, Times: -1})
		w.server.Revoke("kim@contoso.test")
		for _, id := range []string{alex.ID, kim.ID} {
			p := w.Client.Provider(id)
			token, err := p.Token(t.Context(), auth.Request{Scopes: mail})
			if err != nil {
				t.Fatal(w.saw(err))
			}
			if _, err := p.Token(t.Context(), auth.Request{Scopes: mail, Rejected: token.Value}); kindOf(w.saw(err)) != interaction {
				t.Errorf("got %v", err)
			}
		}
		w.server.Lift("")
		started := w.claimsAsked("/devicecode")
		w.signInTo(w.Client, user)
		wantsPolicy(t, "the sign-in", *started, true)
	})
}

func TestClaimsGoWithTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn()
		w.reject(50076, "refresh_token")
		w.fails(auth.Request{Rejected: w.token(auth.Request{}).Value})
		w.server.Lift("")
		if err := w.SignOut(t.Context(), user); err != nil {
			t.Fatal(w.saw(err))
		}
		started := w.claimsAsked("/devicecode")
		w.signIn()
		wantsPolicy(t, "the sign-in of whoever", *started, false)
	})
}

// MSAL takes claims that are no object for a mistake of its caller's.
func TestClaimsThatMakeNoSense(t *testing.T) {
	for _, claims := range []string{`[]`, `1`, `null`, `"x"`, `{`, strings.Repeat(" ", 9000) + "{}"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, nil)
			w.signIn()
			w.net.set(answerToken(400, fmt.Sprintf(`{"error":"invalid_grant","suberror":"basic_action","error_codes":[50076],"claims":%q}`, claims)))
			err := w.fails(auth.Request{Rejected: w.token(auth.Request{}).Value})
			if ie, ok := errors.AsType[*auth.InteractionError](err); !ok || ie.Claims != "" {
				t.Errorf("%.20q: %v", claims, err)
			}
			w.net.set(nil)
			w.signIn()
			if !w.accepted(w.token(auth.Request{})) {
				t.Errorf("%.20q: not signed in again", claims)
			}
		})
	}
	// The same from the side of the API: it is said that it is the claims.
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn()
		app := w.confidential(msalauth.Secret(w.server.ClientSecret()))
		for _, p := range []auth.Provider{w.Provider, app} {
			for range 2 { // with the authority's configuration in memory, and without
				old := w.tokenOf(p, auth.Request{})
				for _, claims := range []string{"eyJhY2Nlc3NfdG9rZW4iOnt9fQ==", "[]", "{"} {
					_, err := p.Token(t.Context(), auth.Request{Scopes: mail, Rejected: old.Value, Claims: claims})
					if kindOf(w.saw(err)) != misconfigured || !strings.Contains(err.Error(), "claims") {
						t.Errorf("%q: %v", claims, err)
					}
				}
				time.Sleep(30 * time.Hour) // synctest: virtual
			}
		}
	})
}

// Only who says that it understands challenges is sent them (CP1).
func TestAnApplicationAsksForClaims(t *testing.T) {
	w := newWorld(t, nil)
	app := w.confidential(msalauth.Secret(w.server.ClientSecret()))
	old := w.tokenOf(app, auth.Request{})
	w.tokenOf(app, auth.Request{Rejected: old.Value, Claims: nbf})
	requests := w.server.Requests()
	if len(requests) != 2 {
		t.Fatalf("%+v", requests)
	}
	for i, r := range requests {
		if !strings.Contains(r.Claims, "CP1") || strings.Contains(r.Claims, "1604106651") != (i == 1) {
			t.Errorf("request %d asked for %q", i, r.Claims)
		}
	}
}
