package msalauth_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/tokencache"
)

// clientAt makes a Client that signs in at another tenant.
func (w *world) clientAt(tenant string, store *tokencache.Store) *msalauth.Client {
	w.t.Helper()
	c, err := msalauth.New(msalauth.Options{
		ClientID: w.server.ClientID(), Authority: "https://" + host + "/" + tenant, HTTPClient: &http.Client{Transport: w.net}, Store: store,
		OnStoreError: func(err error) { w.saw(err) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestPersonalAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Accounts: []signin.Account{{User: "pat@outlook.test", TenantID: signin.PersonalTenant}}})
		for _, tenant := range []string{"common", "consumers", "Consumers", signin.PersonalTenant} {
			dir := storeDir(t)
			client := w.clientAt(tenant, openStore(t, dir))
			account := w.signInTo(client, "")
			if account.TenantID != signin.PersonalTenant || account.Username != "pat@outlook.test" {
				t.Errorf("%s: %+v", tenant, account)
			}
			time.Sleep(2 * time.Hour) // synctest: virtual
			w.tokenOf(client.Provider(""), auth.Request{})
			if accounts, err := client.Accounts(t.Context()); err != nil || len(accounts) != 1 || accounts[0].TenantID != signin.PersonalTenant {
				t.Errorf("%s: %+v, %v", tenant, accounts, err)
			}
			if stored, err := msalauth.Stored(openStore(t, dir)); err != nil || len(stored) != 1 || stored[0].TenantID != signin.PersonalTenant {
				t.Errorf("%s: %+v, %v", tenant, stored, err)
			}
		}
		w.signInFails(w.clientAt("organizations", nil), "AADSTS500200")
		w.signInFails(w.clientAt(w.server.Tenant(), nil), "AADSTS50020", "have an administrator invite it")
	})
}

// signInFails signs the first account in where it may not.
func (w *world) signInFails(c *msalauth.Client, wants ...string) {
	w.t.Helper()
	_, err := c.SignInDeviceCode(w.t.Context(), mail, w.approve)
	if kindOf(w.saw(err)) != interaction {
		w.t.Errorf("got %v", err)
		return
	}
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			w.t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestGuests(t *testing.T) {
	// One sorts before every word, the other behind: MSAL's cache has entries of both tenants, by name.
	const first, last = "00000000-1111-4111-8111-111111111111", "ffffffff-1111-4111-8111-111111111111"
	for partner, tenants := range map[string][]string{first: {"common", signin.DefaultTenant}, last: {"organizations"}} {
		for _, tenant := range tenants {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, &signin.Options{Tenants: []signin.Tenant{{ID: partner, Guests: []string{user}}}})
				dir := storeDir(t)
				client := w.clientAt(tenant, openStore(t, dir))
				w.signInTo(client, "")
				p := client.Provider("")
				for range 2 {
					for _, in := range []string{"", partner, w.server.Tenant(), strings.ToUpper(partner)} {
						token := w.tokenOf(p, auth.Request{TenantID: in})
						home := w.server.Tenant()
						if in != "" {
							home = strings.ToLower(in)
						}
						if g, _ := w.server.Inspect(token.Value); g.TenantID != home || g.User != user {
							t.Errorf("asked for %q at %s, got one of %q", in, tenant, g.TenantID)
						}
						if again := w.tokenOf(p, auth.Request{TenantID: in, Rejected: token.Value}); again.Value == token.Value {
							t.Error("a refused token came again")
						}
					}
					time.Sleep(2 * time.Hour) // synctest: virtual
				}
				// It is one account, and its own directory is what it was.
				accounts, err := client.Accounts(t.Context())
				if err != nil || len(accounts) != 1 || accounts[0].TenantID != w.server.Tenant() || accounts[0].Username != user {
					t.Errorf("%s: %+v, %v", tenant, accounts, err)
				}
				stored, err := msalauth.Stored(openStore(t, dir))
				if err != nil || len(stored) != 1 || stored[0].TenantID != w.server.Tenant() {
					t.Errorf("%s: %+v, %v", tenant, stored, err)
				}
				if w.server.PeakRequests(user) != 1 {
					t.Error("two requests at once")
				}
			})
		}
	}
}

func TestAnAccountOfAnotherTenant(t *testing.T) {
	const partner = "11111111-1111-4111-8111-111111111111"
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Tenants: []signin.Tenant{{ID: partner, Domain: "fabrikam.test"}}})
		for _, tenant := range []string{partner, "fabrikam.test"} {
			w.signInFails(w.clientAt(tenant, nil), "AADSTS90072", "name its own tenant")
		}
		w.signIn()
		err := w.fails(auth.Request{TenantID: partner})
		if kindOf(err) != interaction || !strings.Contains(err.Error(), "AADSTS90072") || !strings.Contains(err.Error(), user) {
			t.Errorf("got %v", err)
		}
		if !w.accepted(w.token(auth.Request{})) {
			t.Error("its own tenant is of no use any more")
		}
	})
}

// The accounts of one authority are not those of another, as their refresh tokens may not be good there. But how its name is
// written does not matter.
func TestTheNameOfAnAuthorityHasNoCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		account := w.signInTo(w.clientAt("Contoso.Test", openStore(t, dir)), "")
		if accounts, err := w.clientAt("contoso.test", openStore(t, dir)).Accounts(t.Context()); err != nil || len(accounts) != 1 || accounts[0].ID != account.ID {
			t.Errorf("the same tenant has %+v, %v", accounts, err)
		}
		shouted, err := msalauth.New(msalauth.Options{
			ClientID: w.server.ClientID(), Authority: "HTTPS://" + strings.ToUpper(host) + "/CONTOSO.TEST/", HTTPClient: &http.Client{Transport: w.net}, Store: openStore(t, dir),
		})
		if err != nil {
			t.Fatal(err)
		}
		if accounts, err := shouted.Accounts(t.Context()); err != nil || len(accounts) != 1 || accounts[0].ID != account.ID {
			t.Errorf("the same authority has %+v, %v", accounts, err)
		}
		if accounts, err := w.client(openStore(t, dir)).Accounts(t.Context()); err != nil || len(accounts) != 0 {
			t.Errorf("another tenant has %+v, %v", accounts, err)
		}
	})
}

func TestAnApplicationInSeveralTenants(t *testing.T) {
	const partner = "11111111-1111-4111-8111-111111111111"
	w := newWorld(t, &signin.Options{Tenants: []signin.Tenant{{ID: partner}}})
	app := w.confidential(msalauth.Secret(w.server.ClientSecret()))
	for _, tenant := range []string{"", w.server.Tenant(), partner} {
		token := w.tokenOf(app, auth.Request{TenantID: tenant})
		want := tenant
		if want == "" {
			want = w.server.Tenant()
		}
		if g, _ := w.server.Inspect(token.Value); g.TenantID != want || !g.AppOnly {
			t.Errorf("asked for %q, got %+v", tenant, g)
		}
	}
	for tenant, want := range map[string]string{"fabrikam.test": "AADSTS90002", "organizations": "general one", "consumers": "general one"} {
		_, err := app.Token(t.Context(), auth.Request{Scopes: mail, TenantID: tenant})
		if kindOf(w.saw(err)) != misconfigured || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", tenant, err)
		}
	}
}
