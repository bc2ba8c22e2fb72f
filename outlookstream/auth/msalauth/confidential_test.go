package msalauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// confidential makes an application on w's network.
func (w *world) confidential(cred msalauth.Credential) *msalauth.Confidential {
	w.t.Helper()
	c, err := msalauth.NewConfidential(msalauth.ConfidentialOptions{
		ClientID: w.server.ClientID(), Authority: "https://" + host + "/" + w.server.Tenant(),
		HTTPClient: &http.Client{Transport: w.net}, Credential: cred,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestClientSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &signin.Options{Fault: func(on, _ string) (*signin.Response, bool) {
			return &signin.Response{Delay: 200 * time.Millisecond}, on == "token"
		}})
		app := w.confidential(msalauth.Secret(w.server.ClientSecret()))
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() { w.tokenOf(app, auth.Request{}) })
		}
		wg.Wait()
		if n := w.net.posts(); n != 1 {
			t.Errorf("%d requests for 200 callers", n)
		}
		old := w.tokenOf(app, auth.Request{})
		w.server.ExpireToken(old.Value)
		for range 200 {
			wg.Go(func() {
				if w.tokenOf(app, auth.Request{Rejected: old.Value}).Value == old.Value {
					t.Error("the refused token came again")
				}
			})
		}
		wg.Wait()
		if n := w.net.posts(); n != 1 {
			t.Errorf("%d requests for 200 refusals", n)
		}
		w.tokenOf(app, auth.Request{Scopes: []string{"https://outlook.office.com/Calendars.Read", "https://outlook.office.com/.default"}})
		w.tokenOf(app, auth.Request{TenantID: w.server.Tenant()})
		if n := w.net.posts(); n != 1 {
			t.Errorf("%d requests for tokens of the same resource, and of a named tenant", n)
		}
		claims := `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`
		if now := w.tokenOf(app, auth.Request{}); w.tokenOf(app, auth.Request{Rejected: now.Value, Claims: claims}).Value == now.Value {
			t.Error("claims bring no new token")
		}
	})
}

func TestAReplacedSecretIsUsedAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	secret := "wrong-secret-1"
	app := w.confidential(msalauth.SecretFrom(func(context.Context) (string, error) { return secret, nil }))
	_, err := app.Token(t.Context(), auth.Request{Scopes: mail})
	if !errors.Is(err, auth.ErrMisconfigured) || !strings.Contains(err.Error(), "AADSTS7000215") || !strings.Contains(err.Error(), "client secret is wrong") || strings.Contains(err.Error(), secret) {
		t.Errorf("wrong secret: %v", err)
	}
	secret = ""
	if _, err = app.Token(t.Context(), auth.Request{Scopes: mail}); !errors.Is(err, auth.ErrMisconfigured) {
		t.Errorf("no secret: %v", err)
	}
	secret = w.server.ClientSecret()
	w.tokenOf(app, auth.Request{})
	gone := errors.New("the vault is sealed")
	app = w.confidential(msalauth.SecretFrom(func(context.Context) (string, error) { return "", gone }))
	if _, err = app.Token(t.Context(), auth.Request{Scopes: mail}); !errors.Is(err, gone) {
		t.Errorf("a failing source: %v", err)
	}
}

func TestConfidentialChecksWhatItIsGiven(t *testing.T) {
	secret := msalauth.Secret("x")
	for _, opts := range []msalauth.ConfidentialOptions{
		{}, {ClientID: "c", TenantID: "contoso.test"}, {ClientID: "c", Credential: secret}, {ClientID: "c", Credential: secret, TenantID: "Organizations"},
		{ClientID: "c", Credential: secret, TenantID: "a/b"},
	} {
		if _, err := msalauth.NewConfidential(opts); !errors.Is(err, auth.ErrMisconfigured) {
			t.Errorf("%+v: %v", opts, err)
		}
	}
	w := newWorld(t, nil)
	app := w.confidential(msalauth.Secret(w.server.ClientSecret()))
	for _, scopes := range [][]string{nil, {"https://outlook.office.com/Mail.Read", "https://graph.microsoft.com/Mail.Read"}, {"Mail.Read", mail[0]}} {
		if _, err := app.Token(t.Context(), auth.Request{Scopes: scopes}); !errors.Is(err, auth.ErrMisconfigured) {
			t.Errorf("%q: %v", scopes, err)
		}
	}
	if w.net.posts() != 0 {
		t.Error("requests were sent")
	}
}

func TestNoPersonIsAskedForWhereThereIsNone(t *testing.T) {
	w := newWorld(t, nil)
	app := w.confidential(msalauth.Secret(w.server.ClientSecret()))
	for code, kind := range map[string]string{"invalid_grant": misconfigured, "interaction_required": misconfigured, "invalid_client": misconfigured, "temporarily_unavailable": transient} {
		w.net.set(answerToken(400, fmt.Sprintf(`{"error":%q,"error_codes":[7000222]}`, code)))
		_, err := app.Token(t.Context(), auth.Request{Scopes: mail})
		if kindOf(err) != kind || kind == misconfigured && !strings.Contains(err.Error(), "has expired: make a new one") {
			t.Errorf("%s: %v", code, w.saw(err))
		}
	}
	w.net.set(down)
	if _, err := app.Token(t.Context(), auth.Request{Scopes: mail}); !isTransient(err) {
		t.Errorf("got %v", w.saw(err))
	}
}

func TestCredentialsShowNoSecret(t *testing.T) {
	w := newWorld(t, nil)
	secret := w.server.ClientSecret()
	cred := msalauth.Secret(secret)
	app := w.confidential(cred)
	w.tokenOf(app, auth.Request{})
	opts := msalauth.ConfidentialOptions{Credential: cred}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{cred, &cred, app, *app, opts, &opts} {
			text := fmt.Sprintf(verb, v)
			for _, secret := range w.server.Secrets() {
				if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
					t.Fatalf("%s of %T shows a secret", verb, v)
				}
			}
		}
	}
}
