package msalauth_test

import (
	"context"
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

// microsoft is a transport that plays Microsoft's sign-in hosts, and no others.
type microsoft struct {
	t       *testing.T
	network *network
	mu      sync.Mutex
	asked   map[string]int // by host and path
}

func (m *microsoft) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.asked[r.URL.Host+r.URL.Path]++
	m.mu.Unlock()
	if r.URL.Scheme != "https" {
		m.t.Errorf("asked %s", r.URL.Redacted())
	}
	return m.network.RoundTrip(r)
}

func TestTheDefaultAuthorityIsMicrosofts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := signin.New(nil)
		m := &microsoft{t: t, network: &network{server: server}, asked: map[string]int{}}
		client, err := msalauth.New(msalauth.Options{ClientID: server.ClientID(), HTTPClient: &http.Client{Transport: m}})
		if err != nil {
			t.Fatal(err)
		}
		account, err := client.SignInDeviceCode(t.Context(), mail, func(_ context.Context, c msalauth.DeviceCode) error { return server.Approve(c.UserCode, "") })
		if err != nil || account.TenantID != server.Tenant() {
			t.Fatalf("%+v, %v", account, err)
		}
		for range 3 {
			token, err := client.Provider("").Token(t.Context(), auth.Request{Scopes: mail})
			if _, _, ok := server.Check(token.Value); err != nil || !ok {
				t.Errorf("%v, %v", token, err)
			}
			time.Sleep(58 * time.Minute) // synctest: virtual; a background renewal
		}
		synctest.Wait()
		m.mu.Lock()
		defer m.mu.Unlock()
		const at = "login.microsoftonline.com/common/"
		for _, path := range []string{"v2.0/.well-known/openid-configuration", "oauth2/v2.0/token", "oauth2/v2.0/devicecode"} {
			if m.asked[at+path] == 0 {
				t.Errorf("%s was not asked", path)
			}
			delete(m.asked, at+path)
		}
		if len(m.asked) != 0 {
			t.Errorf("these were asked, too: %v", m.asked)
		}
	})
}

// Another cloud's sign-in hosts are Microsoft's as well; anybody else's are not, whatever they are called.
func TestMicrosoftsHostsDoNotServeOthers(t *testing.T) {
	for _, elsewhere := range []string{"https://login.microsoftonline.com.evil.test/token", "https://login.microsoftonline.com:8443/token", "http://login.microsoftonline.com/token"} {
		server := signin.New(nil)
		m := &microsoft{t: t, network: &network{server: server}, asked: map[string]int{}}
		m.network.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp == nil && strings.HasSuffix(r.URL.Path, "/openid-configuration") {
				return reply(200, `{"issuer":"https://login.microsoftonline.com/x","authorization_endpoint":"https://login.microsoftonline.com/a","token_endpoint":"`+elsewhere+`"}`), nil
			}
			return resp, nil
		})
		app, err := msalauth.NewConfidential(msalauth.ConfidentialOptions{ClientID: server.ClientID(), TenantID: server.Tenant(), HTTPClient: &http.Client{Transport: m}, Credential: msalauth.Secret("s")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := app.Token(t.Context(), auth.Request{Scopes: mail}); kindOf(err) != misconfigured || !strings.Contains(err.Error(), "where they are not sent") {
			t.Errorf("%s: %v", elsewhere, err)
		}
		for asked := range m.asked {
			if strings.HasSuffix(asked, "/token") {
				t.Errorf("asked %s", asked)
			}
		}
	}
}
