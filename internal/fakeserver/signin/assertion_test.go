package signin_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	appScope      = "https://outlook.office.com/.default"
)

// signer has a key and its certificate, valid since an hour and for a day.
type signer struct {
	t    *testing.T
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024) // small, to be quick
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "calwatch test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{t, key, cert}
}

type fields = map[string]any

// sign makes a JWT. A field that is nil is left out.
func (s *signer) sign(header, claims fields) string {
	s.t.Helper()
	part := func(f fields) string {
		f = maps.Clone(f)
		maps.DeleteFunc(f, func(_ string, v any) bool { return v == nil })
		b, err := json.Marshal(f)
		if err != nil {
			s.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	signed := part(header) + "." + part(claims)
	sum := sha256.Sum256([]byte(signed))
	var signature []byte
	var err error
	if header["alg"] == "RS256" {
		signature, err = rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	} else {
		signature, err = rsa.SignPSS(rand.Reader, s.key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// own makes an assertion of the application, good for ten minutes, with changes.
func (s *signer) own(c *client, header, claims fields) string {
	s.t.Helper()
	sum := sha256.Sum256(s.cert.Raw)
	h := fields{"alg": "PS256", "typ": "JWT", "x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])}
	b := fields{"iss": c.s.ClientID(), "sub": c.s.ClientID(), "aud": host + "/" + c.s.Tenant() + "/oauth2/v2.0/token",
		"jti": rand.Text(), "nbf": time.Now().Unix(), "exp": time.Now().Add(10 * time.Minute).Unix()}
	maps.Copy(h, header)
	maps.Copy(b, claims)
	return s.sign(h, b)
}

// assert asks for a token of the application with an assertion.
func (c *client) assert(assertion string) answer {
	return c.tokenAt(c.s.Tenant(), url.Values{"grant_type": {"client_credentials"}, "scope": {appScope},
		"client_assertion": {assertion}, "client_assertion_type": {assertionType}})
}

func TestClientAssertionOfACertificate(t *testing.T) {
	s := newSigner(t)
	c := newClient(t, &signin.Options{Certificates: []*x509.Certificate{newSigner(t).cert, s.cert}})
	short := sha1.Sum(s.cert.Raw)
	long := sha256.Sum256(s.cert.Raw)
	for name, assertion := range map[string]string{
		"PS256, x5t#S256":           s.own(c, nil, nil),
		"padded, as MSAL writes it": s.own(c, fields{"x5t#S256": base64.StdEncoding.EncodeToString(long[:])}, nil),
		"RS256, x5t, as for ADFS":   s.own(c, fields{"alg": "RS256", "x5t": base64.StdEncoding.EncodeToString(short[:]), "x5t#S256": nil}, nil),
		"both thumbprints":          s.own(c, fields{"x5t": base64.RawURLEncoding.EncodeToString(short[:])}, nil),
		"another name of the tenant, one of several audiences": s.own(c, nil,
			fields{"aud": []string{"https://elsewhere.test/", host + "/contoso.test/oauth2/v2.0/token"}}),
		"capital letters":        s.own(c, nil, fields{"iss": strings.ToUpper(c.s.ClientID())}),
		"no identifier, no nbf":  s.own(c, nil, fields{"jti": nil, "nbf": nil}),
		"a fraction of a second": s.own(c, nil, fields{"exp": float64(time.Now().Unix()) + 600.5}),
	} {
		a := c.assert(assertion)
		if g, reason := c.s.Inspect(a.str("access_token")); a.Code != 200 || reason != signin.Accepted || !g.AppOnly {
			t.Errorf("%s: status %d, %s", name, a.Code, a.str("error_description"))
		}
		if !slices.Contains(c.s.Secrets(), assertion) {
			t.Errorf("%s: it is not among the secrets", name)
		}
	}
}

func TestClientAssertionsThatAreNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stranger := newSigner(t), newSigner(t)
		c := newClient(t, &signin.Options{Certificates: []*x509.Certificate{s.cert}})
		good := s.own(c, nil, nil)
		parts := strings.Split(good, ".")
		otherSum := sha256.Sum256(stranger.cert.Raw)
		other := base64.RawURLEncoding.EncodeToString(otherSum[:])
		ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
		for name, test := range map[string]struct {
			assertion string
			code      int
		}{
			"empty":                     {"", 50027},
			"no JWT":                    {"a.b.c", 50027},
			"no signature":              {parts[0] + "." + parts[1], 50027},
			"four parts":                {good + ".x", 50027},
			"padded":                    {parts[0] + "=." + parts[1] + "." + parts[2], 50027},
			"no JSON":                   {"eA." + parts[1] + "." + parts[2], 50027},
			"no issuer":                 {s.own(c, nil, fields{"iss": nil}), 50027},
			"no subject":                {s.own(c, nil, fields{"sub": nil}), 50027},
			"no audience":               {s.own(c, nil, fields{"aud": nil}), 50027},
			"no end":                    {s.own(c, nil, fields{"exp": nil}), 50027},
			"an end that is text":       {s.own(c, nil, fields{"exp": "tomorrow"}), 50027},
			"an end beyond all time":    {s.own(c, nil, fields{"exp": 1e300}), 50027},
			"alg none":                  {s.own(c, fields{"alg": "none"}, nil), 5002738},
			"alg ES256":                 {s.own(c, fields{"alg": "ES256"}, nil), 5002738},
			"no thumbprint":             {s.own(c, fields{"x5t#S256": nil}, nil), 5002723},
			"unknown certificate":       {stranger.own(c, nil, nil), 700027},
			"malformed thumbprint":      {s.own(c, fields{"x5t#S256": "!"}, nil), 700027},
			"thumbprints of two":        {s.own(c, fields{"x5t": other}, nil), 700027},
			"somebody else's signature": {stranger.own(c, fields{"x5t#S256": base64.StdEncoding.EncodeToString(thumbprint(s))}, nil), 700027},
			"other claims than signed":  {parts[0] + "." + strings.Split(s.own(c, nil, nil), ".")[1] + "." + parts[2], 700027},
			"another issuer":            {s.own(c, nil, fields{"iss": "5e0a6c8e-0000-4000-8000-000000000000"}), 700021},
			"another subject":           {s.own(c, nil, fields{"sub": "5e0a6c8e-0000-4000-8000-000000000000"}), 700021},
			"another host's endpoint":   {s.own(c, nil, fields{"aud": "https://login.test/" + c.s.Tenant() + "/oauth2/v2.0/token"}), 700023},
			"another tenant's endpoint": {s.own(c, nil, fields{"aud": host + "/common/oauth2/v2.0/token"}), 700023},
			"no tenant's endpoint":      {s.own(c, nil, fields{"aud": host + "/fabrikam.test/oauth2/v2.0/token"}), 700023},
			"another endpoint":          {s.own(c, nil, fields{"aud": host + "/" + c.s.Tenant() + "/oauth2/v2.0/authorize"}), 700023},
			"over":                      {s.own(c, nil, fields{"exp": ago(5 * time.Minute)}), 700024},
			"not yet":                   {s.own(c, nil, fields{"nbf": ago(-5*time.Minute - time.Second)}), 700024},
		} {
			a := c.assert(test.assertion)
			if test.code == 50027 {
				c.refused(a, 400, "invalid_request", test.code)
			} else {
				c.refused(a, 401, "invalid_client", test.code)
			}
			if t.Failed() {
				t.Fatalf("that was: %s", name)
			}
			if len(test.assertion) > 9 && strings.Contains(a.Body.String(), test.assertion[len(test.assertion)-9:]) {
				t.Errorf("%s: the answer repeats the assertion", name)
			}
		}
		for _, claims := range []fields{{"exp": ago(5*time.Minute - time.Second)}, {"nbf": ago(-5 * time.Minute)}} {
			if a := c.assert(s.own(c, nil, claims)); a.Code != 200 {
				t.Errorf("within the skew of five minutes: %v: %s", claims, a.str("error_description"))
			}
		}
		if a := c.assert(good); a.Code != 200 {
			t.Errorf("the good one is answered with %s", a.str("error_description"))
		}
	})
}

func thumbprint(s *signer) []byte {
	sum := sha256.Sum256(s.cert.Raw)
	return sum[:]
}

func TestAnAssertionIsGoodForOneUse(t *testing.T) {
	s := newSigner(t)
	c := newClient(t, &signin.Options{Certificates: []*x509.Certificate{s.cert}})
	bad := s.own(c, nil, fields{"jti": "one", "aud": host + "/common/oauth2/v2.0/token"})
	c.refused(c.assert(bad), 401, "invalid_client", 700023)
	once := s.own(c, nil, fields{"jti": "one"}) // the refused one did not use it up
	if a := c.assert(once); a.Code != 200 {
		t.Errorf("the first use is answered with %s", a.str("error_description"))
	}
	c.refused(c.assert(once), 401, "invalid_client", 50013)
	c.refused(c.assert(s.own(c, nil, fields{"jti": "one"})), 401, "invalid_client", 50013)
	known := 0
	for _, secret := range c.s.Secrets() {
		if secret == once {
			known++
		}
	}
	if known != 1 {
		t.Errorf("it is %d times among the secrets", known)
	}
}

func TestFederatedAssertions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const issuer, subject = "https://cluster.test/oidc", "system:serviceaccount:ns:calwatch"
		s, other := newSigner(t), newSigner(t)
		c := newClient(t, &signin.Options{Federated: []signin.Federated{{Issuer: issuer, Subject: subject, Key: &s.key.PublicKey}}})
		token := func(s *signer, changes fields) string {
			claims := fields{"iss": issuer, "sub": subject, "aud": []string{"api://AzureADTokenExchange"},
				"exp": time.Now().Add(time.Hour).Unix(), "jti": "the same"}
			maps.Copy(claims, changes)
			return s.sign(fields{"alg": "RS256", "kid": "1"}, claims)
		}
		for range 2 { // a process has one for an hour, and uses it again
			if a := c.assert(token(s, nil)); a.Code != 200 {
				t.Errorf("status %d, %s", a.Code, a.str("error_description"))
			}
		}
		for name, test := range map[string]struct {
			assertion string
			code      int
		}{
			"issuer":    {token(s, fields{"iss": issuer + "/"}), 700211},
			"subject":   {token(s, fields{"sub": strings.ToUpper(subject)}), 700213},
			"audience":  {token(s, fields{"aud": "api://other"}), 700212},
			"signature": {token(other, nil), 50013},
			"end":       {token(s, fields{"exp": time.Now().Add(-time.Hour).Unix()}), 700024},
		} {
			if a := c.assert(test.assertion); a.Code != 401 {
				t.Errorf("%s: status %d", name, a.Code)
			} else {
				c.refused(a, 401, "invalid_client", test.code)
			}
		}
		c.s.AddFederated(signin.Federated{Issuer: issuer, Subject: "else", Audience: "api://other", Key: &other.key.PublicKey})
		if a := c.assert(token(other, fields{"sub": "else", "aud": "api://other"})); a.Code != 200 {
			t.Errorf("a second one: %s", a.str("error_description"))
		}
		c.refused(c.assert(token(other, fields{"sub": subject, "aud": "api://other"})), 401, "invalid_client", 700212)
		if !c.s.RemoveFederated(issuer, subject) || c.s.RemoveFederated(issuer, subject) {
			t.Error("RemoveFederated does not know which there are")
		}
		c.refused(c.assert(token(s, nil)), 401, "invalid_client", 700213)
	})
}
