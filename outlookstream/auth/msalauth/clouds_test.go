package msalauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// cloud is an authority that, whatever it is called, says that it is host.
type cloud struct {
	server *signin.Server
	host   string
	mu     sync.Mutex
	asked  []string
}

func (n *cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.asked = append(n.asked, r.Method+" "+r.URL.Host+r.URL.Path)
	n.mu.Unlock()
	in := r.Clone(r.Context())
	in.Host, in.RequestURI = n.host, r.URL.RequestURI()
	w := httptest.NewRecorder()
	n.server.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// Each by all of its names. What was got at a sign-in is found by the next process, and renewed.
func TestEveryCloudOfMicrosofts(t *testing.T) {
	for _, c := range [][2]string{
		{"login.microsoftonline.com", "login.microsoftonline.com"}, {"login.windows.net", "login.microsoftonline.com"},
		{"login.microsoft.com", "login.microsoftonline.com"}, {"sts.windows.net", "login.microsoftonline.com"},
		{"login.microsoftonline.us", "login.microsoftonline.us"}, {"login.usgovcloudapi.net", "login.microsoftonline.us"},
		{"login.partner.microsoftonline.cn", "login.partner.microsoftonline.cn"}, {"login.chinacloudapi.cn", "login.partner.microsoftonline.cn"},
		{"login.sovcloud-identity.fr", "login.sovcloud-identity.fr"},
		{"login.microsoftonline.com:443", "login.microsoftonline.com"},
		{"contoso.ciamlogin.com", "contoso.ciamlogin.com"},
	} {
		for _, tenant := range []string{"common", signin.DefaultTenant} {
			t.Run(c[0]+"/"+tenant, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := signin.New(nil)
					n := &cloud{server: s, host: c[1]}
					dir := storeDir(t)
					mk := func() *msalauth.Client {
						cl, err := msalauth.New(msalauth.Options{ClientID: s.ClientID(), Authority: "https://" + c[0] + "/" + tenant, HTTPClient: &http.Client{Transport: n}, Store: openStore(t, dir)})
						if err != nil {
							t.Fatal(err)
						}
						return cl
					}
					cl := mk()
					a, err := cl.SignInDeviceCode(t.Context(), mail, func(_ context.Context, d msalauth.DeviceCode) error { return s.Approve(d.UserCode, "") })
					if err != nil {
						t.Fatalf("sign-in %v; %q", err, n.asked)
					}
					n.asked = nil
					p := mk().Provider("")
					tok, err := p.Token(t.Context(), auth.Request{Scopes: mail})
					if err != nil {
						t.Fatalf("silent %v %q", err, n.asked)
					}
					if strings.Contains(strings.Join(n.asked, " "), "POST") {
						t.Errorf("cached token not used: %q", n.asked)
					}
					time.Sleep(2 * time.Hour) // synctest: virtual
					tok2, err := p.Token(t.Context(), auth.Request{Scopes: mail})
					if err != nil || tok2.Value == tok.Value {
						t.Fatalf("renewal %v", err)
					}
					tok3, err := mk().Provider(a.ID).Token(t.Context(), auth.Request{Scopes: mail, Rejected: tok2.Value})
					if err != nil || tok3.Value == tok2.Value {
						t.Fatalf("refused %v", err)
					}
					// tenant
					if _, err := p.Token(t.Context(), auth.Request{Scopes: mail, TenantID: signin.DefaultTenant}); err != nil {
						t.Errorf("WithTenantID %v", err)
					}
					if tenant == signin.DefaultTenant {
						cc, err := msalauth.NewConfidential(msalauth.ConfidentialOptions{ClientID: s.ClientID(), Authority: "https://" + c[0] + "/" + tenant, HTTPClient: &http.Client{Transport: n}, Credential: msalauth.Secret(s.ClientSecret())})
						if err != nil {
							t.Fatal(err)
						}
						if _, err := cc.Token(t.Context(), auth.Request{Scopes: mail}); err != nil {
							t.Errorf("confidential %v", err)
						}
					}
				})
			})
		}
	}
}
