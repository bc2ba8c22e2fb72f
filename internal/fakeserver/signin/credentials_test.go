package signin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

func TestCertificatesComeAndGoAndExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newSigner(t), newSigner(t)
		c := newClient(t, nil)
		c.refused(c.assert(first.own(c, nil, nil)), 401, "invalid_client", 700027)
		c.s.AddCertificate(first.cert)
		c.s.AddCertificate(second.cert)
		for _, s := range []*signer{first, second} {
			if a := c.assert(s.own(c, nil, nil)); a.Code != 200 {
				t.Errorf("status %d, %s", a.Code, a.str("error_description"))
			}
		}
		if !c.s.RemoveCertificate(first.cert) || c.s.RemoveCertificate(first.cert) {
			t.Error("RemoveCertificate does not know which there are")
		}
		c.refused(c.assert(first.own(c, nil, nil)), 401, "invalid_client", 700027)
		time.Sleep(25 * time.Hour) // synctest: virtual
		a := c.assert(second.own(c, nil, nil))
		c.refused(a, 401, "invalid_client", 700027)
		if !strings.Contains(a.str("error_description"), "The key used is expired") {
			t.Errorf("it says %q", a.str("error_description"))
		}
	})
}

func TestHowACredentialIsPresented(t *testing.T) {
	s := newSigner(t)
	c := newClient(t, &signin.Options{Certificates: []*x509.Certificate{s.cert}})
	form := func(changes ...string) url.Values {
		form := url.Values{"grant_type": {"client_credentials"}, "scope": {appScope}, "client_assertion": {s.own(c, nil, nil)}, "client_assertion_type": {assertionType}}
		for i := 0; i < len(changes); i += 2 {
			if form.Set(changes[i], changes[i+1]); changes[i+1] == "" {
				form.Del(changes[i])
			}
		}
		return form
	}
	c.refused(c.tokenAt("contoso.test", form("client_assertion_type", "")), 400, "invalid_request", 900144)
	c.refused(c.tokenAt("contoso.test", form("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")), 400, "invalid_request", 9002313)
	c.refused(c.tokenAt("contoso.test", form("client_secret", c.s.ClientSecret())), 400, "invalid_request", 9002313)
	if a := c.tokenAt("contoso.test", form()); a.Code != 200 {
		t.Errorf("as it ought to be: %s", a.str("error_description"))
	}
}

func TestSecretsRotate(t *testing.T) {
	c := newClient(t, &signin.Options{ClientSecret: "the first"})
	ask := func(secret string) answer {
		return c.tokenAt("contoso.test", url.Values{"grant_type": {"client_credentials"}, "scope": {appScope}, "client_secret": {secret}})
	}
	second, third := c.s.AddSecret(""), c.s.AddSecret("the third")
	for i, secret := range []string{"the first", second, third} {
		if a := ask(secret); a.Code != 200 || !slices.Contains(c.s.Secrets(), secret) {
			t.Errorf("secret %d: status %d, %s", i+1, a.Code, a.str("error_description"))
		}
	}
	if !c.s.ExpireSecret("the first") || c.s.ExpireSecret("another") || !c.s.RemoveSecret(third) || c.s.RemoveSecret(third) {
		t.Error("the server does not know which secrets there are")
	}
	c.refused(ask("the first"), 401, "invalid_client", 7000222)
	c.refused(ask(third), 401, "invalid_client", 7000215)
	if a := ask(second); a.Code != 200 {
		t.Errorf("the second: %s", a.str("error_description"))
	}
	if c.s.AddSecret("the first"); ask("the first").Code != 200 {
		t.Error("a secret that was added again has expired")
	}
}

func TestAWebApplicationMustShowWhoItIs(t *testing.T) {
	const web = "https://app.test/signed-in"
	c := newClient(t, &signin.Options{WebRedirects: []string{web}})
	q := c.authorizeQuery()
	q.Set("redirect_uri", web)
	q.Set("response_mode", "form_post")
	page := c.get("/common/oauth2/v2.0/authorize", q).Body.String()
	_, code, _ := strings.Cut(page, `name="code" value="`)
	code, _, _ = strings.Cut(code, `"`)
	c.refused(c.redeemCode(code, "redirect_uri", web), 401, "invalid_client", 7000218)
	a := c.redeemCode(code, "redirect_uri", web, "client_secret", c.s.ClientSecret())
	if a.Code != 200 {
		t.Fatalf("with its secret: %s", a.str("error_description"))
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.str("refresh_token")}, "scope": {mailScope}}
	c.refused(c.token(refresh), 401, "invalid_client", 7000218)
	refresh.Set("client_secret", "wrong")
	c.refused(c.token(refresh), 401, "invalid_client", 7000215)
	refresh.Set("client_secret", c.s.ClientSecret())
	if a := c.token(refresh); a.Code != 200 { // the refused ones did not use it up
		t.Errorf("with its secret: %s", a.str("error_description"))
	}
	for _, other := range []string{web + "/", "https://app.test/"} {
		q.Set("redirect_uri", other)
		c.refused(c.get("/common/oauth2/v2.0/authorize", q), 400, "invalid_request", 50011)
	}
}

func TestOnlyRSAKeysSign(t *testing.T) {
	s := newSigner(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, s.cert, s.cert, key.Public(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, &signin.Options{Certificates: []*x509.Certificate{curve}})
	sum := sha256.Sum256(curve.Raw)
	c.refused(c.assert(s.own(c, fields{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])}, nil)), 401, "invalid_client", 700027)
}

func TestTokensOfAConfidentialSignInNeedTheCredential(t *testing.T) {
	s := newSigner(t)
	c := newClient(t, &signin.Options{Certificates: []*x509.Certificate{s.cert}})
	aud := fields{"aud": host + "/common/oauth2/v2.0/token"}
	a := c.redeemCode(c.authorize(c.authorizeQuery()).Get("code"), "client_assertion", s.own(c, nil, aud), "client_assertion_type", assertionType)
	if a.Code != 200 {
		t.Fatal(a.str("error_description"))
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.str("refresh_token")}, "scope": {mailScope}}
	c.refused(c.token(refresh), 401, "invalid_client", 7000218)
	refresh.Set("client_assertion_type", assertionType)
	refresh.Set("client_assertion", s.own(c, nil, nil)) // for the tenant's own authority
	c.refused(c.token(refresh), 401, "invalid_client", 700023)
	refresh.Set("client_assertion", s.own(c, nil, fields{"aud": host + "/organizations/oauth2/v2.0/token"}))
	c.refused(c.token(refresh), 401, "invalid_client", 700023)
	refresh.Set("client_assertion", s.own(c, nil, aud))
	if a := c.token(refresh); a.Code != 200 {
		t.Errorf("with its certificate: %s", a.str("error_description"))
	}
}
