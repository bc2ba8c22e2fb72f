package signin_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

const (
	fabrikam = "7b2f4c1d-5e6a-4b8c-9d0e-1f2a3b4c5d6e"
	tailspin = "8c3a5d2e-6f7b-4c9d-8e1f-2a3b4c5d6e7f"
)

// someTenants has alex at home in contoso and a guest of fabrikam, kim at home in fabrikam, tailspin, where nobody is, and lee,
// who has a personal account.
func someTenants() *signin.Options {
	return &signin.Options{
		Tenants: []signin.Tenant{
			{ID: strings.ToUpper(fabrikam), Domain: "fabrikam.onmicrosoft.test", Guests: []string{"Alex@contoso.test"}},
			{ID: tailspin, Domain: "tailspin.test"},
		},
		Accounts: []signin.Account{{User: "alex@contoso.test"}, {User: "kim@fabrikam.test", TenantID: fabrikam},
			{User: "lee@outlook.test", TenantID: signin.PersonalTenant}},
	}
}

func (c *client) redeemAt(tenant, refreshToken string) answer {
	return c.tokenAt(tenant, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}, "client_info": {"1"}, "scope": {mailScope + " " + oidcScopes}})
}

func TestWhoGetsTokensWhere(t *testing.T) {
	c := newClient(t, someTenants())
	const stranger, foreigner, notHere = 90072, 50020, 500200
	for user, authorities := range map[string]map[string]int{
		"alex@contoso.test": {"common": 0, "Organizations": 0, signin.DefaultTenant: 0, "contoso.test": 0, fabrikam: 0, "fabrikam.test": 0,
			"fabrikam.onmicrosoft.test": 0, strings.ToUpper(fabrikam): 0, "tailspin.test": stranger, tailspin: stranger, "consumers": stranger},
		"kim@fabrikam.test": {"common": 0, "organizations": 0, fabrikam: 0, "fabrikam.test": 0, "contoso.test": stranger, "consumers": stranger},
		"lee@outlook.test":  {"common": 0, "consumers": 0, signin.PersonalTenant: 0, "organizations": notHere, "contoso.test": foreigner, tailspin: foreigner},
	} {
		token := c.signIn(user).str("refresh_token")
		for authority, want := range authorities {
			q := c.authorizeQuery()
			q.Set("login_hint", user)
			browser := c.get("/"+authority+"/oauth2/v2.0/authorize", q)
			location, _ := url.Parse(browser.Header().Get("Location"))
			a := c.redeemAt(authority, token)
			if want != 0 {
				c.refused(a, 400, "invalid_grant", want)
				if location.Query().Get("error") != "access_denied" {
					t.Errorf("%s at %s: the redirect URI learns %q", user, authority, location.Query().Get("error"))
				}
				continue
			}
			if a.Code != 200 || !location.Query().Has("code") {
				t.Errorf("%s at %s: %s, %s", user, authority, a.str("error_description"), location.Query().Get("error"))
				continue
			}
			token = a.str("refresh_token")
		}
	}
}

func TestAGuestHasAnotherRealmAndTheSameHome(t *testing.T) {
	c := newClient(t, someTenants())
	alex := c.s.Accounts()[0]
	home := c.signIn("")
	abroad := c.redeemAt("fabrikam.test", home.str("refresh_token"))
	var info struct{ UID, UTID string }
	raw, err := base64.RawURLEncoding.DecodeString(abroad.str("client_info"))
	if err != nil || json.Unmarshal(raw, &info) != nil || info.UID != alex.ObjectID || info.UTID != c.s.Tenant() {
		t.Errorf("client_info is %s", raw)
	}
	id, access := payload(t, abroad.str("id_token")), payload(t, abroad.str("access_token"))
	if id["tid"] != fabrikam || id["iss"] != host+"/"+fabrikam+"/v2.0" || id["oid"] == alex.ObjectID || id["preferred_username"] != alex.User ||
		id["idp"] != "https://sts.windows.net/"+c.s.Tenant()+"/" {
		t.Errorf("the id token says %v", id)
	}
	if access["tid"] != fabrikam || access["oid"] != id["oid"] {
		t.Errorf("the access token says %v", access)
	}
	if g, _ := c.s.Inspect(abroad.str("access_token")); g.TenantID != fabrikam || g.User != alex.User {
		t.Errorf("it stands for %+v", g)
	}
	if id := payload(t, home.str("id_token")); id["tid"] != c.s.Tenant() || id["oid"] != alex.ObjectID || id["idp"] != nil {
		t.Errorf("at home the id token says %v", id)
	}
}

func TestPersonalAccounts(t *testing.T) {
	c := newClient(t, someTenants())
	lee := c.s.Accounts()[2]
	if !strings.HasPrefix(lee.ObjectID, "00000000-0000-0000-") || len(lee.ObjectID) != 36 {
		t.Errorf("the object id is %q", lee.ObjectID)
	}
	a := c.get("/consumers/v2.0/.well-known/openid-configuration", nil)
	if a.str("issuer") != host+"/"+signin.PersonalTenant+"/v2.0" || a.str("token_endpoint") != host+"/consumers/oauth2/v2.0/token" {
		t.Errorf("the configuration of consumers: %d %s", a.Code, a.Body)
	}
	if id := payload(t, c.signIn(lee.User).str("id_token")); id["tid"] != signin.PersonalTenant || id["iss"] != host+"/"+signin.PersonalTenant+"/v2.0" {
		t.Errorf("the id token says %v", id)
	}
	c.refused(c.get("/outlook.test/v2.0/.well-known/openid-configuration", nil), 400, "invalid_request", 90002) // a domain of accounts, but no tenant
}

func TestApplicationsGetTokensInATenant(t *testing.T) {
	c := newClient(t, someTenants())
	a := c.tokenAt("tailspin.test", url.Values{"grant_type": {"client_credentials"}, "client_secret": {c.s.ClientSecret()}, "scope": {appScope}})
	if g, _ := c.s.Inspect(a.str("access_token")); g.TenantID != tailspin || payload(t, a.str("access_token"))["tid"] != tailspin {
		t.Errorf("status %d, %+v", a.Code, g)
	}
	for _, unknown := range []string{"nowhere.test", "9d4b6e3f-7a8c-4dad-9f20-3b4c5d6e7f80"} {
		c.refused(c.tokenAt(unknown, nil), 400, "invalid_request", 90002)
	}
}

func TestACodeIsForItsTenant(t *testing.T) {
	c := newClient(t, someTenants())
	redeem := func(issuedAt, at string) answer {
		a := c.get("/"+issuedAt+"/oauth2/v2.0/authorize", c.authorizeQuery())
		location, err := url.Parse(a.Header().Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return c.tokenAt(at, url.Values{"grant_type": {"authorization_code"}, "code": {location.Query().Get("code")}, "redirect_uri": {redirect}, "code_verifier": {verifier}})
	}
	for _, good := range []struct{ issuedAt, at, tenant string }{
		{"fabrikam.test", fabrikam, fabrikam}, {"fabrikam.test", "common", fabrikam}, {"common", "contoso.test", signin.DefaultTenant},
	} {
		a := redeem(good.issuedAt, good.at)
		if g, _ := c.s.Inspect(a.str("access_token")); g.TenantID != good.tenant {
			t.Errorf("%v: %s, tenant %q", good, a.str("error_description"), g.TenantID)
		}
	}
	c.refused(redeem("common", "fabrikam.test"), 400, "invalid_grant", 700005)
	c.refused(redeem("fabrikam.test", "contoso.test"), 400, "invalid_grant", 700005)
}
