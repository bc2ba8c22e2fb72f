package signin_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"maps"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

const (
	verifier = "a-verifier-of-at-least-forty-three-characters~."
	redirect = "http://localhost:1234/done?keep=me"
)

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (c *client) authorizeQuery() url.Values {
	return url.Values{"client_id": {c.s.ClientID()}, "response_type": {"code"}, "redirect_uri": {redirect}, "state": {"s&<>"},
		"scope": {mailScope + " " + oidcScopes}, "code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"}}
}

// authorize returns the parameters of the redirect.
func (c *client) authorize(q url.Values) url.Values {
	c.t.Helper()
	a := c.get("/common/oauth2/v2.0/authorize", q)
	location, err := url.Parse(a.Header().Get("Location"))
	if a.Code != 302 || err != nil || location.Host != "localhost:1234" || location.Path != "/done" || location.Query().Get("keep") != "me" {
		c.t.Fatalf("status %d, location %s", a.Code, location.Redacted())
	}
	if location.Query().Get("state") != q.Get("state") {
		c.t.Error("another state")
	}
	return location.Query()
}

func (c *client) redeemCode(code string, changes ...string) answer {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return c.token(form)
}

func TestAuthorizationCode(t *testing.T) {
	c := newClient(t, &signin.Options{Accounts: []signin.Account{{User: "alex@contoso.test"}, {User: "kim@contoso.test"}}})
	q := c.authorizeQuery()
	q.Set("login_hint", "kim@contoso.test")
	code := c.authorize(q).Get("code")
	a := c.redeemCode(code)
	if user, _, ok := c.s.Check(a.str("access_token")); !ok || user != "kim@contoso.test" {
		t.Errorf("status %d, error %q, user %q", a.Code, a.str("error_description"), user)
	}
	if a := c.redeem(a.str("refresh_token")); a.Code != 200 {
		t.Errorf("the refresh token is answered with %q", a.str("error"))
	}
	c.refused(c.redeemCode(code), 400, "invalid_grant", 54005)
}

func TestCodeReuseEndsTheSignIn(t *testing.T) {
	c := newClient(t, nil)
	code := c.authorize(c.authorizeQuery()).Get("code")
	a := c.redeemCode(code)
	c.refused(c.redeemCode(code), 400, "invalid_grant", 54005)
	c.refused(c.redeem(a.str("refresh_token")), 400, "invalid_grant", 50173)
}

func TestCodeNeedsItsVerifierAndRedirect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, nil)
		code := c.authorize(c.authorizeQuery()).Get("code")
		c.refused(c.redeemCode(code, "code_verifier", verifier+"x"), 400, "invalid_grant", 501481)
		c.refused(c.redeemCode(code, "code_verifier", ""), 400, "invalid_grant", 501471)
		c.refused(c.redeemCode(code, "redirect_uri", "http://localhost:1234/other"), 400, "invalid_grant", 50011)
		c.refused(c.redeemCode(code, "redirect_uri", ""), 400, "invalid_request", 900144)
		c.refused(c.redeemCode("made up"), 400, "invalid_grant", 9002313)
		time.Sleep(10 * time.Minute) // synctest: virtual
		c.refused(c.redeemCode(code), 400, "invalid_grant", 70008)
	})
}

func TestAuthorizeTellsTheRedirectURIWhatIsWrong(t *testing.T) {
	c := newClient(t, nil)
	for _, test := range []struct{ name, value, want string }{
		{"response_type", "token", "unsupported_response_type"},
		{"response_mode", "fragment", "invalid_request"},
		{"scope", "", "invalid_request"},
		{"scope", "https://outlook.office.com/Nothing", "invalid_scope"},
		{"code_challenge", "", "invalid_request"},
		{"code_challenge", "short", "invalid_request"},
		{"code_challenge_method", "plain", "invalid_request"},
		{"login_hint", "nobody@contoso.test", "invalid_request"},
	} {
		q := c.authorizeQuery()
		q.Set(test.name, test.value)
		result := c.authorize(q)
		if result.Get("error") != test.want || result.Get("code") != "" {
			t.Errorf("%s=%q: error %q, want %q", test.name, test.value, result.Get("error"), test.want)
		}
	}
}

func TestAuthorizeNeverRedirectsToStrangers(t *testing.T) {
	c := newClient(t, nil)
	for _, target := range []string{"", "https://evil.test/", "http://evil.test/", "http://localhost.evil.test/", "http://localhost@evil.test/",
		"javascript:alert(1)", "//evil.test", "https://localhost/", "http://127.0.0.1:1/#f", "%zz"} {
		q := c.authorizeQuery()
		q.Set("redirect_uri", target)
		a := c.get("/common/oauth2/v2.0/authorize", q)
		c.refused(a, 400, "invalid_request", 50011)
		if a.Header().Get("Location") != "" {
			t.Errorf("%q is redirected to", target)
		}
	}
	q := c.authorizeQuery()
	q.Set("client_id", "other")
	c.refused(c.get("/common/oauth2/v2.0/authorize", q), 400, "unauthorized_client", 700016)
	for _, target := range []string{"http://127.0.0.1:9/x", "http://[::1]:9", "https://login.microsoftonline.com/common/oauth2/nativeclient"} {
		q := c.authorizeQuery()
		q.Set("redirect_uri", target)
		if a := c.get("/common/oauth2/v2.0/authorize", q); a.Code != 302 {
			t.Errorf("%q is answered with %d", target, a.Code)
		}
	}
}

func TestFormPost(t *testing.T) {
	c := newClient(t, nil)
	q := c.authorizeQuery()
	q.Set("response_mode", "form_post")
	a := c.get("/common/oauth2/v2.0/authorize", q)
	fields := map[string]string{}
	for _, m := range regexp.MustCompile(`name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(a.Body.String(), -1) {
		fields[m[1]] = html.UnescapeString(m[2])
	}
	if a.Code != 200 || !strings.Contains(a.Body.String(), `action="http://localhost:1234/done?keep=me"`) || fields["state"] != "s&<>" {
		t.Fatalf("status %d, fields %v", a.Code, maps.Keys(fields))
	}
	if a := c.redeemCode(fields["code"]); a.Code != 200 {
		t.Errorf("the code is answered with %q", a.str("error_description"))
	}
}

func TestDiscovery(t *testing.T) {
	c := newClient(t, nil)
	for tenant, issuer := range map[string]string{
		"common": "{tenantid}", "organizations": "{tenantid}", c.s.Tenant(): c.s.Tenant(), "contoso.test": c.s.Tenant(),
	} {
		a := c.get("/"+tenant+"/v2.0/.well-known/openid-configuration", nil)
		if a.Code != 200 || a.str("issuer") != host+"/"+issuer+"/v2.0" || a.str("token_endpoint") != host+"/"+tenant+"/oauth2/v2.0/token" ||
			a.str("authorization_endpoint") != host+"/"+tenant+"/oauth2/v2.0/authorize" {
			t.Errorf("%s: %d %s", tenant, a.Code, a.Body)
		}
	}
	c.refused(c.get("/fabrikam.test/v2.0/.well-known/openid-configuration", nil), 400, "invalid_request", 90002)
	a := c.get("/common/discovery/instance", nil)
	if a.Code != 200 || !strings.HasPrefix(a.str("tenant_discovery_endpoint"), host+"/") || !strings.Contains(a.Body.String(), `"aliases":["signin.test"]`) {
		t.Errorf("instance discovery: %d %s", a.Code, a.Body)
	}
	if a := c.get("/nothing", nil); a.Code != 404 {
		t.Errorf("an unknown path is answered with %d", a.Code)
	}
}
