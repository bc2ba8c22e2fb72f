package azauth_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/azauth"
)

func TestClientSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority()
		p := azauth.New(a.clientSecret(t), nil)
		first := token(t, p, auth.Request{})
		if life := time.Until(first.ExpiresOn); life != time.Hour {
			t.Errorf("the token lives %s, want 1h", life)
		}
		if _, reason, ok := a.server.Check(first.Value); !ok {
			t.Errorf("the token is not accepted: %s", reason)
		}
		if again := token(t, p, auth.Request{}); again != first {
			t.Error("the token was not kept")
		}
		second := token(t, p, auth.Request{Rejected: first.Value})
		third := token(t, p, auth.Request{Rejected: second.Value, Claims: `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`})
		forms := a.asked()
		if len(forms) != 3 || third == second {
			t.Fatalf("%d requests, want 3", len(forms))
		}
		for i, want := range []string{`{"access_token":{"xms_cc":{"values":["CP1"]}}}`, `"nbf":{"essential":true,"value":"946684800"}`, `"acrs":{"essential":true,"value":"c1"}`} {
			form, _ := url.ParseQuery(forms[i])
			if !strings.Contains(form.Get("claims"), want) || !strings.HasPrefix(form.Get("scope"), "https://outlook.office.com/.default") {
				t.Errorf("request %d: scope %q, claims %s, want %s", i, form.Get("scope"), form.Get("claims"), want)
			}
		}
	})
}

func TestRefreshOnIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority()
		a.set(func(_ *http.Request, body string) *http.Response {
			return reply(200, strings.Replace(body, `"expires_in":3600`, `"expires_in":36000,"refresh_in":600`, 1))
		})
		p := azauth.New(a.clientSecret(t), nil)
		first := token(t, p, auth.Request{})
		if time.Until(first.RefreshOn) != 10*time.Minute || time.Until(first.ExpiresOn) != 10*time.Hour {
			t.Errorf("got %v", first)
		}
		time.Sleep(10*time.Minute + time.Second) // synctest: virtual
		if token(t, p, auth.Request{}) != first {
			t.Error("somebody waited for the refresh")
		}
		synctest.Wait()
		if token(t, p, auth.Request{}) == first || len(a.asked()) != 2 {
			t.Error("no refresh in the background")
		}
	})
}

func TestManyRefusalsAreOneRequest(t *testing.T) {
	for _, claims := range []string{"", `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`} {
		synctest.Test(t, func(t *testing.T) {
			a := newAuthority()
			p := azauth.New(a.clientSecret(t), nil)
			first := token(t, p, auth.Request{})
			a.asked()
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() { token(t, p, auth.Request{Rejected: first.Value, Claims: claims}) })
			}
			wg.Wait()
			if n := len(a.asked()); n != 1 {
				t.Errorf("claims %q: %d requests, want 1", claims, n)
			}
		})
	}
}

func TestDeviceCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority()
		cred, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
			ClientOptions: a.options(), TenantID: a.server.Tenant(), ClientID: a.server.ClientID(),
			DisableInstanceDiscovery: true, DisableAutomaticAuthentication: true,
			UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error { return a.server.Approve(m.UserCode, "") },
		})
		if err != nil {
			t.Fatal(err)
		}
		p := azauth.New(cred, &azauth.Options{Delegated: true})
		fails(t, p, auth.Request{}, auth.ErrInteractionRequired, "Authenticate", a.server.Secrets()...)
		if _, err := cred.Authenticate(t.Context(), &tokenRequest{Scopes: scopes, EnableCAE: true}); err != nil {
			t.Fatal(err)
		}
		first := token(t, p, auth.Request{})
		second := token(t, p, auth.Request{Rejected: first.Value})
		if user, _, ok := a.server.Check(second.Value); !ok || user != "alex@contoso.test" {
			t.Errorf("the second token is not accepted, or is %q's", user)
		}
		a.server.Revoke("alex@contoso.test")
		fails(t, p, auth.Request{Rejected: second.Value}, auth.ErrInteractionRequired, "Authenticate", a.server.Secrets()...)
	})
}

// imds is the host's cache of tokens, which knows no claims.
type imds struct{ refusal string }

func (s *imds) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "169.254.169.254" || r.Header.Get("Metadata") != "true" || r.URL.Query().Get("resource") != "https://outlook.office.com" {
		return reply(500, "unexpected request"), nil
	}
	if s.refusal != "" {
		return reply(400, s.refusal), nil
	}
	return reply(200, `{"access_token":"mi-secret","expires_in":"86400","resource":"https://outlook.office.com","token_type":"Bearer"}`), nil
}

func TestManagedIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := &imds{}
		// azidentity shares the tokens of managed identities in the process: each has a name of its own here.
		cred := func(id string) azcore.TokenCredential {
			cred, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{
				ID: azidentity.ClientID(id), ClientOptions: azcore.ClientOptions{Transport: host},
			})
			if err != nil {
				t.Fatal(err)
			}
			return cred
		}
		p := azauth.New(cred("one"), nil)
		first := token(t, p, auth.Request{})
		fails(t, p, auth.Request{Rejected: first.Value}, auth.ErrRejected, "ManagedIdentityCredential", "mi-secret")
		host.refusal = `{"error":"invalid_request","error_description":"Identity not found, mi-secret"}`
		fails(t, azauth.New(cred("two"), nil), auth.Request{}, auth.ErrMisconfigured, "invalid_request", "mi-secret")
	})
}

func TestErrorsOfAzidentity(t *testing.T) {
	whole := func(status int) func(*http.Request, string) *http.Response {
		return func(_ *http.Request, body string) *http.Response { return reply(status, body) }
	}
	oauth := func(status int, code string, more string) func(*http.Request, string) *http.Response {
		return func(_ *http.Request, body string) *http.Response {
			// A service that repeats the tokens in its error is odd, and what a log must not show.
			return reply(status, `{"error":"`+code+`","error_codes":[99999],`+more+`"error_description":`+jsonString(body)+`}`)
		}
	}
	for _, test := range []struct {
		name, want string
		kind       error
		answer     func(*http.Request, string) *http.Response
	}{
		{"secret expired", "check the client id, its secret", auth.ErrMisconfigured, oauth(401, "invalid_client", "")},
		{"unknown application", "signin.test refused the request (status 400, unauthorized_client, AADSTS99999)", auth.ErrMisconfigured, oauth(400, "unauthorized_client", "")},
		{"unknown scope", "check the scopes", auth.ErrMisconfigured, oauth(400, "invalid_scope", "")},
		{"person wanted", "AADSTS99999: auth: sign-in needed (interaction_required, basic_action)", auth.ErrInteractionRequired, oauth(400, "interaction_required", `"suberror":"basic_action","claims":"{}",`)},
		{"grant gone", "invalid_grant", auth.ErrInteractionRequired, oauth(400, "invalid_grant", "")},
		{"throttled", "status 429", transient, oauth(429, "invalid_request", "")},
		{"failing", "status 503", transient, whole(503)},
		{"failing in words", "server_error", transient, oauth(400, "server_error", "")},
		{"tokens with a bad status", "status 400", transient, whole(400)},
		{"redirected", "status 307", transient, whole(307)},
		{"tokens quoted as code", "status 400", transient, func(_ *http.Request, body string) *http.Response {
			return reply(400, `{"error":`+jsonString(body)+`}`)
		}},
		{"broken", "without an answer", transient, func(_ *http.Request, body string) *http.Response { return reply(200, body[:len(body)-10]) }},
		{"no token", "without an answer", transient, func(_ *http.Request, body string) *http.Response {
			return reply(200, strings.Replace(body, `"access_token"`, `"access"`, 1))
		}},
		{"offline", "no such host", transient, func(*http.Request, string) *http.Response { return nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAuthority()
				a.set(test.answer)
				p := azauth.New(a.clientSecret(t), nil)
				err := fails(t, p, auth.Request{}, test.kind, test.want, a.server.Secrets()...)
				fails(t, p, auth.Request{Claims: "{}"}, test.kind, test.want, a.server.Secrets()...)
				if e, ok := asInteraction(err); ok && e.Code == "interaction_required" && (e.SubCode != "basic_action" || e.Claims != "{}") {
					t.Errorf("got %#v", e)
				}
				a.set(nil)
				token(t, p, auth.Request{})
			})
		})
	}
}

func TestATenantThatTheCredentialMayNotAsk(t *testing.T) {
	a := newAuthority()
	fails(t, azauth.New(a.clientSecret(t), nil), auth.Request{TenantID: "fabrikam.test"}, auth.ErrMisconfigured, "add it to AdditionallyAllowedTenants", a.server.Secrets()...)
}

func TestAChainWithNothingInIt(t *testing.T) {
	unavailable := fake(func(context.Context, tokenRequest) (azcore.AccessToken, error) {
		return azcore.AccessToken{}, azidentity.NewCredentialUnavailableError("no identity; the endpoint said secret-body")
	})
	chain, err := azidentity.NewChainedTokenCredential([]azcore.TokenCredential{unavailable, unavailable}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fails(t, azauth.New(chain, nil), auth.Request{}, auth.ErrMisconfigured, "AZURE_SDK_GO_LOGGING", "secret-body")
}
