package msalauth_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

const user = "alex@contoso.test"

// refusedAs is what a client makes of a rejection.
type refusedAs struct {
	kind   string // for a person
	app    string // for an application; "": does not happen
	advice string // a part of it
	claims bool
	page   bool // in the browser the authority shows a page, and sends nobody back
}

// rejections is what has to come of each that the authority knows.
func rejections() map[int]refusedAs {
	person := func(advice string) refusedAs { return refusedAs{kind: interaction, advice: advice} }
	withClaims := func(advice string) refusedAs { return refusedAs{kind: interaction, advice: advice, claims: true} }
	const consent = "have an administrator agree for everybody at https://" + host + "/organizations/adminconsent?client_id=" + signin.DefaultClientID
	blocked := withClaims("a Conditional Access policy blocks this sign-in")
	blocked.app = misconfigured
	return map[int]refusedAs{
		50034:   person("does not belong to this directory"),
		50053:   person("locked or disabled"),
		50055:   person("password has expired"),
		50057:   person("locked or disabled"),
		50058:   person("sign in again"),
		50076:   withClaims("second factor"),
		50078:   withClaims("second factor"),
		50079:   withClaims("set up a second factor"),
		50105:   person("assign the account to the application"),
		50126:   person("user name or the password"),
		50173:   person("revoked or has expired: sign in again"),
		53003:   blocked,
		65001:   person(consent),
		65004:   person("sign in again"), // they know that they have declined
		70011:   {kind: misconfigured, app: misconfigured, advice: "check the scopes"},
		70043:   person("has expired: sign in again"),
		90072:   person("does not belong to this directory"),
		90094:   person(consent),
		530034:  person("Conditional Access"),
		530035:  person("security defaults block"),
		700016:  {kind: misconfigured, app: misconfigured, advice: "check the client id and the tenant", page: true},
		700082:  person("has expired: sign in again"),
		7000112: {kind: misconfigured, app: misconfigured, advice: "is disabled", page: true},
		7000215: {kind: misconfigured, app: misconfigured, advice: "client secret is wrong"},
		7000222: {kind: misconfigured, app: misconfigured, advice: "client secret has expired"},
	}
}

func TestEveryRejectionIsKnown(t *testing.T) {
	if codes := slices.Sorted(maps.Keys(rejections())); !slices.Equal(codes, signin.RejectionCodes()) {
		t.Errorf("known: %v, the authority's: %v", codes, signin.RejectionCodes())
	}
}

// check says whether err is what has to come of a rejection.
func (r refusedAs) check(t *testing.T, code int, err error, account string) {
	t.Helper()
	if kindOf(err) != r.kind {
		t.Errorf("got a %s error: %v", kindOf(err), err)
		return
	}
	text := err.Error()
	if !strings.Contains(text, r.advice) {
		t.Errorf("%q lacks %q", text, r.advice)
	}
	switch declined := strings.Contains(text, "the sign-in was declined"); {
	case code == 65004 && !declined:
		t.Errorf("%q does not say that somebody declined", text)
	case code != 65004 && (declined || !strings.Contains(text, fmt.Sprintf("AADSTS%d", code))):
		t.Errorf("%q says that somebody declined, or lacks the number", text)
	}
	if r.kind != interaction {
		return
	}
	ie, ok := errors.AsType[*auth.InteractionError](err)
	if !ok || ie.Account != account || !strings.Contains(text, account) || ie.Code == "" || strings.HasSuffix(ie.Advice, ".") {
		t.Errorf("%#v", ie)
	}
	if strings.Contains(ie.Claims, "capolids") != r.claims {
		t.Errorf("claims %q", ie.Claims)
	}
}

// rejecting runs a test for each code that can happen there.
func rejecting(t *testing.T, on string, atLeast int, test func(t *testing.T, w *world, code int, want refusedAs)) {
	happens := 0
	for code, want := range rejections() {
		if signin.New(nil).Reject(signin.Rejection{Code: code, On: on}) != nil {
			continue
		}
		happens++
		t.Run(fmt.Sprintf("AADSTS%d", code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test(t, newWorld(t, nil), code, want)
			})
		})
	}
	if happens < atLeast {
		t.Errorf("%d codes happen on %s", happens, on)
	}
}

func (w *world) reject(code int, on string) {
	w.t.Helper()
	if err := w.server.Reject(signin.Rejection{Code: code, On: on, Times: -1}); err != nil {
		w.t.Fatal(err)
	}
}

func TestRenewalsThatAreRejected(t *testing.T) {
	rejecting(t, "refresh_token", 20, func(t *testing.T, w *world, code int, want refusedAs) {
		w.signIn()
		old := w.token(auth.Request{})
		w.reject(code, "refresh_token")
		want.check(t, code, w.fails(auth.Request{Rejected: old.Value}), user)
		want.check(t, code, w.fails(auth.Request{}), user) // and again: the refused token has not come back
		w.server.Lift("")
		w.server.ForgetRequests()
		if next := w.token(auth.Request{}); next.Value == old.Value || !w.accepted(next) {
			t.Error("the account is of no use after the rejection was lifted")
		}
		if grants := w.server.Grants(); len(grants) != 1 || grants["refresh_token"] != 1 {
			t.Errorf("it took %v", grants)
		}
	})
}

func TestDeviceCodesThatAreRejected(t *testing.T) {
	rejecting(t, "device_code", 20, func(t *testing.T, w *world, code int, want refusedAs) {
		w.reject(code, "device_code")
		_, err := w.attempt(t.Context(), func(c msalauth.DeviceCode) { w.saw(w.server.Approve(c.UserCode, user)) })
		want.check(t, code, err, "")
		if w.only().ID != "" {
			t.Error("somebody is signed in")
		}
	})
}

func TestCodesOfTheBrowserThatAreRejected(t *testing.T) {
	for _, on := range []string{"authorization_code", "authorize"} {
		t.Run(on, func(t *testing.T) {
			for code, want := range rejections() {
				w := newWorld(t, nil)
				if want.page && on == "authorize" || w.server.Reject(signin.Rejection{Code: code, On: on, Times: -1}) != nil {
					continue
				}
				_, err := w.SignInBrowser(t.Context(), mail, &msalauth.BrowserOptions{Username: user}, w.browse)
				want.check(t, code, w.saw(err), "")
				w.server.Lift("")
				if _, err := w.SignInBrowser(t.Context(), mail, &msalauth.BrowserOptions{Username: user}, w.browse); err != nil {
					t.Errorf("AADSTS%d lifted: %v", code, w.saw(err))
				}
			}
		})
	}
}

// What the authority shows on a page of its own, it does not tell the program.
func TestARejectionOnAPage(t *testing.T) {
	w := newWorld(t, nil)
	w.reject(700016, "authorize")
	gaveUp := errors.New("the person closed the window")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := w.SignInBrowser(ctx, mail, nil, func(context.Context, string) error { cancel(gaveUp); return nil })
	if !errors.Is(err, gaveUp) {
		t.Errorf("got %v", w.saw(err))
	}
}

func TestApplicationsThatAreRejected(t *testing.T) {
	rejecting(t, "client_credentials", 5, func(t *testing.T, w *world, code int, want refusedAs) {
		app := w.confidential(msalauth.Secret(w.server.ClientSecret()))
		old := w.tokenOf(app, auth.Request{})
		w.reject(code, "client_credentials")
		_, err := app.Token(t.Context(), auth.Request{Scopes: mail, Rejected: old.Value})
		want.kind = want.app
		want.check(t, code, w.saw(err), "")
		w.server.Lift("")
		w.tokenOf(app, auth.Request{Rejected: old.Value})
	})
}

func TestConsentIsAskedForWhereItIsMissing(t *testing.T) {
	const partner = "11111111-1111-4111-8111-111111111111"
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Tenants: []signin.Tenant{{ID: partner, Guests: []string{user}}}})
		page := func(tenant string) string {
			return "at https://" + host + "/" + tenant + "/adminconsent?client_id=" + signin.DefaultClientID
		}
		for tenant, want := range map[string]string{
			"common": "organizations", "COMMON": "organizations", "consumers": "organizations", "organizations": "organizations", "contoso.test": "contoso.test",
			w.server.Tenant(): w.server.Tenant(), strings.ToUpper(w.server.Tenant()): w.server.Tenant(),
		} {
			w.server.Lift("")
			if tenant == "consumers" {
				continue // there is no account of theirs here
			}
			client := w.clientAt(tenant, nil)
			w.signInTo(client, "")
			for _, code := range []int{65001, 90094} {
				w.server.Lift("")
				w.reject(code, "refresh_token")
				time.Sleep(2 * time.Hour) // synctest: virtual
				_, err := client.Provider("").Token(t.Context(), auth.Request{Scopes: mail})
				if kindOf(w.saw(err)) != interaction || !strings.HasSuffix(err.Error(), page(want)) {
					t.Errorf("%s, %d: %v", tenant, code, err)
				}
				// Elsewhere it is elsewhere that somebody has to agree.
				_, err = client.Provider("").Token(t.Context(), auth.Request{Scopes: mail, TenantID: partner})
				if kindOf(w.saw(err)) != interaction || !strings.HasSuffix(err.Error(), page(partner)) {
					t.Errorf("%s as a guest, %d: %v", tenant, code, err)
				}
			}
		}
	})
}

func TestAnApplicationsConsentIsGivenInItsTenant(t *testing.T) {
	const partner = "11111111-1111-4111-8111-111111111111"
	w := newWorld(t, &signin.Options{Tenants: []signin.Tenant{{ID: partner}}})
	app := w.confidential(msalauth.Secret(w.server.ClientSecret()))
	w.net.set(answerToken(400, `{"error":"invalid_grant","suberror":"consent_required","error_codes":[65001]}`))
	for request, want := range map[string]string{"": w.server.Tenant(), partner: partner} {
		_, err := app.Token(t.Context(), auth.Request{Scopes: mail, TenantID: request})
		if kindOf(w.saw(err)) != misconfigured || !strings.HasSuffix(err.Error(), "https://"+host+"/"+want+"/adminconsent?client_id="+signin.DefaultClientID) {
			t.Errorf("%q: %v", request, err)
		}
	}
}
