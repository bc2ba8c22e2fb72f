package msalauth_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// signed makes a JWT.
func signed(t *testing.T, key *rsa.PrivateKey, header, claims map[string]any) string {
	t.Helper()
	var parts []string
	for _, part := range []map[string]any{header, claims} {
		content, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(content))
	}
	text := strings.Join(parts, ".")
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestAnAssertionOfTheApplicationsOwn(t *testing.T) {
	key := rsaKey(t)
	cert := certificateOf(t, key)
	w := newWorld(t, &signin.Options{})
	w.server.AddCertificate(cert)
	calls := 0
	sum := sha256.Sum256(cert.Raw)
	app := w.confidential(msalauth.Assertion(func(_ context.Context, r msalauth.AssertionRequest) (string, error) {
		calls++
		if r.ClientID != w.server.ClientID() || r.TokenEndpoint != "https://"+host+"/"+w.server.Tenant()+"/oauth2/v2.0/token" {
			t.Errorf("asked for %+v", r)
		}
		return signed(t, key, map[string]any{"alg": "RS256", "typ": "JWT", "x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])}, map[string]any{
			"iss": r.ClientID, "sub": r.ClientID, "aud": r.TokenEndpoint, "jti": rand.Text(),
			"nbf": time.Now().Unix(), "exp": time.Now().Add(10 * time.Minute).Unix(),
		}), nil
	}))
	old := w.tokenOf(app, auth.Request{})
	w.tokenOf(app, auth.Request{Rejected: old.Value}) // the authority takes each assertion once
	if r := w.server.Requests(); calls != 2 || len(r) != 2 || r[0].Credential != "certificate" {
		t.Errorf("%d assertions for %+v", calls, r)
	}
}

func TestAnAssertionOfAnotherIdentityProvider(t *testing.T) {
	key := rsaKey(t)
	issuer := signin.Federated{Issuer: "https://cluster.test/", Subject: "system:serviceaccount:calwatch:watch", Key: &key.PublicKey}
	claims := func() map[string]any {
		return map[string]any{
			"iss": issuer.Issuer, "sub": issuer.Subject, "aud": signin.DefaultAudience,
			"nbf": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		}
	}
	header := map[string]any{"alg": "RS256", "kid": "1"}
	w := newWorld(t, &signin.Options{Federated: []signin.Federated{issuer}})
	// A cluster hands out the same assertion for an hour.
	same := signed(t, key, header, claims())
	app := w.confidential(msalauth.Assertion(func(context.Context, msalauth.AssertionRequest) (string, error) { return same, nil }))
	old := w.tokenOf(app, auth.Request{})
	w.tokenOf(app, auth.Request{Rejected: old.Value})
	if r := w.server.Requests(); len(r) != 2 || r[0].Credential != "federated" {
		t.Errorf("the authority saw %+v", r)
	}
	other := rsaKey(t)
	for name, test := range map[string]struct {
		change func(claims map[string]any)
		key    *rsa.PrivateKey
		want   []string
	}{
		"issuer":    {func(c map[string]any) { c["iss"] = "https://evil.test/" }, key, []string{"AADSTS700211", "federated credential"}},
		"subject":   {func(c map[string]any) { c["sub"] = "system:serviceaccount:default:default" }, key, []string{"AADSTS700213", "federated credential"}},
		"audience":  {func(c map[string]any) { c["aud"] = "api://other" }, key, []string{"AADSTS700212", "federated credential"}},
		"signature": {func(map[string]any) {}, other, []string{"AADSTS50013", "signed"}},
		"old":       {func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }, key, []string{"AADSTS700024", "clock"}},
		"early":     {func(c map[string]any) { c["nbf"] = time.Now().Add(time.Hour).Unix() }, key, []string{"AADSTS700024", "clock"}},
	} {
		c := claims()
		test.change(c)
		assertion := signed(t, test.key, header, c)
		app := w.confidential(msalauth.Assertion(func(context.Context, msalauth.AssertionRequest) (string, error) { return assertion, nil }))
		_, err := app.Token(t.Context(), auth.Request{Scopes: mail})
		if kindOf(w.saw(err)) != misconfigured {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q lacks %q", name, err, want)
			}
		}
	}
}

func TestAnAssertionThatCannotBeMade(t *testing.T) {
	w := newWorld(t, nil)
	sealed := errors.New("the vault is sealed")
	var assertion string
	var fails error
	app := w.confidential(msalauth.Assertion(func(context.Context, msalauth.AssertionRequest) (string, error) { return assertion, fails }))
	fails = sealed
	if _, err := app.Token(t.Context(), auth.Request{Scopes: mail}); !errors.Is(err, sealed) || !strings.Contains(err.Error(), "client assertion") {
		t.Errorf("a failing callback: %v", w.saw(err))
	}
	// With an error, what else comes is of no interest.
	assertion = "not-to-be-sent-or-shown"
	if _, err := app.Token(t.Context(), auth.Request{Scopes: mail}); !errors.Is(err, sealed) || strings.Contains(err.Error(), assertion) {
		t.Errorf("a failing callback: %v", w.saw(err))
	}
	assertion, fails = "", nil
	if _, err := app.Token(t.Context(), auth.Request{Scopes: mail}); err == nil || !strings.Contains(err.Error(), "client assertion: it returned nothing") {
		t.Errorf("nothing: %v", w.saw(err))
	}
	if n := w.net.posts(); n != 0 {
		t.Errorf("%d requests without an assertion", n)
	}
	assertion = "not-a-jwt-but-secret-all-the-same"
	_, err := app.Token(t.Context(), auth.Request{Scopes: mail})
	if kindOf(err) != misconfigured || strings.Contains(err.Error(), assertion) {
		t.Errorf("no JWT: %v", w.saw(err))
	}
	// A failure is not remembered: the next call is on its own.
	fails = sealed
	if _, err := app.Token(t.Context(), auth.Request{Scopes: mail}); !errors.Is(err, sealed) {
		t.Errorf("a failing callback: %v", w.saw(err))
	}
	fails = nil
	if _, err := app.Token(t.Context(), auth.Request{Scopes: mail}); errors.Is(err, sealed) {
		t.Errorf("the error of the call before: %v", w.saw(err))
	}
}

// A vault may take long. The callers do not wait longer than they want, and the vault is told when nobody is left.
func TestAnAssertionThatIsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		ended := make(chan struct{})
		app := w.confidential(msalauth.Assertion(func(ctx context.Context, _ msalauth.AssertionRequest) (string, error) {
			<-ctx.Done()
			close(ended)
			return "", ctx.Err()
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := app.Token(ctx, auth.Request{Scopes: mail}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %s", w.saw(err), time.Since(start))
		}
		<-ended
		if waited := time.Since(start); waited > time.Minute {
			t.Errorf("the vault was told after %s", waited)
		}
	})
}
