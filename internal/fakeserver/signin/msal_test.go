package signin_test

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// inProcess is a transport without a network.
type inProcess struct{ c *client }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host = r.URL.Host
	if in.Host != "signin.test" {
		p.c.t.Errorf("%s was asked", in.Host)
	}
	w := httptest.NewRecorder()
	p.c.s.ServeHTTP(w, in)
	return w.Result(), nil
}

func (c *client) msal() *http.Client { return &http.Client{Transport: inProcess{c}} }

// msalApp is MSAL's client of an application with a credential, in the one tenant.
func (c *client) msalApp(cred confidential.Credential, err error) confidential.Client {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
	app, err := confidential.New(host+"/"+c.s.Tenant(), c.s.ClientID(), cred,
		confidential.WithHTTPClient(c.msal()), confidential.WithInstanceDiscovery(false))
	if err != nil {
		c.t.Fatal(err)
	}
	return app
}

func (c *client) lastRequest() signin.TokenRequest {
	all := c.s.Requests()
	return all[len(all)-1]
}

func TestMSALGetsTokensOfAnApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const issuer = "https://cluster.test"
		s := newSigner(t)
		c := newClient(t, &signin.Options{
			Certificates: []*x509.Certificate{s.cert},
			Federated:    []signin.Federated{{Issuer: issuer, Subject: "calwatch", Key: &s.key.PublicKey}},
		})
		federated := func(_ context.Context, o confidential.AssertionRequestOptions) (string, error) {
			if o.ClientID != c.s.ClientID() || o.TokenEndpoint != host+"/"+c.s.Tenant()+"/oauth2/v2.0/token" {
				t.Errorf("MSAL says %+v", o)
			}
			return s.sign(fields{"alg": "RS256"}, fields{"iss": issuer, "sub": "calwatch", "aud": signin.DefaultAudience, "exp": time.Now().Add(time.Hour).Unix()}), nil
		}
		own := func(context.Context, confidential.AssertionRequestOptions) (string, error) {
			return s.own(c, nil, nil), nil
		}
		bySecret := c.msalApp(confidential.NewCredFromSecret(c.s.ClientSecret()))
		for _, test := range []struct {
			credential string
			app        confidential.Client
		}{
			{"secret", bySecret},
			{"certificate", c.msalApp(confidential.NewCredFromCert([]*x509.Certificate{s.cert}, s.key))},
			{"certificate", c.msalApp(confidential.NewCredFromAssertionCallback(own), nil)},
			{"federated", c.msalApp(confidential.NewCredFromAssertionCallback(federated), nil)},
		} {
			for range 2 {
				result, err := test.app.AcquireTokenByCredential(t.Context(), []string{appScope})
				if err != nil {
					t.Fatalf("%s: %v", test.credential, c.lastRequest())
				}
				if g, reason := c.s.Inspect(result.AccessToken); reason != signin.Accepted || !g.AppOnly || c.lastRequest().Credential != test.credential {
					t.Errorf("%s: %+v, %s, %+v", test.credential, g, reason, c.lastRequest())
				}
				time.Sleep(time.Hour) // synctest: virtual
			}
		}
		if n := c.s.Grants()["client_credentials"]; n != 8 {
			t.Errorf("%d requests", n)
		}

		c.s.ExpireSecret(c.s.ClientSecret())
		if _, err := bySecret.AcquireTokenByCredential(t.Context(), []string{appScope}); err == nil || c.lastRequest().Code != 7000222 {
			t.Errorf("with an expired secret: %+v", c.lastRequest())
		}
		stranger := newSigner(t)
		app := c.msalApp(confidential.NewCredFromCert([]*x509.Certificate{stranger.cert}, stranger.key))
		if _, err := app.AcquireTokenByCredential(t.Context(), []string{appScope}); err == nil || c.lastRequest().Code != 700027 {
			t.Errorf("with an unknown certificate: %+v", c.lastRequest())
		}
	})
}

func TestMSALSignsAPersonInForAnApplicationWithACertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const web = "https://app.test/signed-in"
		s := newSigner(t)
		c := newClient(t, &signin.Options{Certificates: []*x509.Certificate{s.cert}, WebRedirects: []string{web}})
		app := c.msalApp(confidential.NewCredFromCert([]*x509.Certificate{s.cert}, s.key))
		scopes := []string{mailScope}
		address, err := app.AuthCodeURL(t.Context(), c.s.ClientID(), web, scopes)
		if err != nil {
			t.Fatal(err)
		}
		result, err := app.AcquireTokenByAuthCode(t.Context(), c.browse(address), web, scopes, confidential.WithChallenge(verifier))
		if err != nil {
			t.Fatalf("%+v", c.lastRequest())
		}
		time.Sleep(time.Hour) // synctest: virtual
		again, err := app.AcquireTokenSilent(t.Context(), scopes, confidential.WithSilentAccount(result.Account))
		if err != nil || again.AccessToken == result.AccessToken || c.lastRequest().GrantType != "refresh_token" || c.lastRequest().Credential != "certificate" {
			t.Errorf("%+v", c.lastRequest())
		}
	})
}

// browse goes to an address for signing in, as a browser would, and returns the code that comes of it.
func (c *client) browse(address string) string {
	c.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		c.t.Fatal(err)
	}
	q := u.Query()
	q.Set("code_challenge", challenge(verifier))
	q.Set("code_challenge_method", "S256")
	u.RawQuery = q.Encode()
	a := c.do(httptest.NewRequest("GET", u.String(), nil))
	location, err := url.Parse(a.Header().Get("Location"))
	if a.Code != 302 || err != nil || !location.Query().Has("code") {
		c.t.Fatalf("status %d, error %q", a.Code, location.Query().Get("error_description"))
	}
	return location.Query().Get("code")
}

func TestMSALSignsAPersonInWithPKCEAndMeetsMisfortune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, someTenants())
		app, err := public.New(c.s.ClientID(), public.WithAuthority(host+"/common"), public.WithHTTPClient(c.msal()), public.WithInstanceDiscovery(false))
		if err != nil {
			t.Fatal(err)
		}
		scopes := []string{mailScope}
		address, err := app.AuthCodeURL(t.Context(), c.s.ClientID(), redirect, scopes, public.WithLoginHint("alex@contoso.test"))
		if err != nil {
			t.Fatal(err)
		}
		result, err := app.AcquireTokenByAuthCode(t.Context(), c.browse(address), redirect, scopes, public.WithChallenge(verifier))
		if err != nil {
			t.Fatalf("%+v", c.lastRequest())
		}
		alex := c.s.Accounts()[0]
		if result.Account.HomeAccountID != alex.ObjectID+"."+alex.TenantID || result.Account.PreferredUsername != alex.User {
			t.Errorf("the account is %+v", result.Account)
		}
		silent := func(opts ...public.AcquireSilentOption) (public.AuthResult, error) {
			return app.AcquireTokenSilent(t.Context(), scopes, append(opts, public.WithSilentAccount(result.Account))...)
		}
		abroad, err := silent(public.WithTenantID(fabrikam))
		if g, _ := c.s.Inspect(abroad.AccessToken); err != nil || g.TenantID != fabrikam || abroad.Account.HomeAccountID != result.Account.HomeAccountID {
			t.Errorf("as a guest: %+v", c.lastRequest())
		}
		if _, err := silent(public.WithTenantID(tailspin)); err == nil || c.lastRequest().Code != 90072 {
			t.Errorf("where nobody is: %+v", c.lastRequest())
		}
		time.Sleep(time.Hour) // synctest: virtual
		c.reject(signin.Rejection{Code: 50076, User: alex.User})
		if _, err := silent(); err == nil || !strings.Contains(err.Error(), "capolids") || !strings.Contains(err.Error(), `"suberror":"basic_action"`) {
			t.Errorf("a policy: %+v", c.lastRequest())
		}
		if _, err := silent(); err != nil {
			t.Errorf("afterwards: %+v", c.lastRequest())
		}
	})
}
