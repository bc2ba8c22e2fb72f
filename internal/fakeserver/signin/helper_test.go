package signin_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

const (
	host       = "https://signin.test"
	mailScope  = "https://outlook.office.com/Mail.Read"
	oidcScopes = "openid offline_access profile"
)

// client talks to a Server without a network.
type client struct {
	t *testing.T
	s *signin.Server
}

func newClient(t *testing.T, opts *signin.Options) *client {
	return &client{t, signin.New(opts)}
}

// answer is one answer of the server, with its JSON.
type answer struct {
	*httptest.ResponseRecorder
	json map[string]any
}

func (a answer) str(name string) string { s, _ := a.json[name].(string); return s }

func (c *client) do(r *http.Request) answer {
	w := httptest.NewRecorder()
	c.s.ServeHTTP(w, r)
	a := answer{ResponseRecorder: w}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(w.Body.Bytes(), &a.json); err != nil {
			c.t.Errorf("%s %s: the answer is no JSON", r.Method, r.URL.Path)
		}
	}
	return a
}

func (c *client) get(path string, query url.Values) answer {
	return c.do(httptest.NewRequest("GET", host+path+"?"+query.Encode(), nil))
}

func (c *client) post(path string, form url.Values) answer {
	r := httptest.NewRequest("POST", host+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(r)
}

// token asks the token endpoint; the client id is added.
func (c *client) token(form url.Values) answer {
	return c.post("/common/oauth2/v2.0/token", c.with(form))
}

// tokenAt is token at the authority of a tenant.
func (c *client) tokenAt(tenant string, form url.Values) answer {
	return c.post("/"+tenant+"/oauth2/v2.0/token", c.with(form))
}

func (c *client) with(form url.Values) url.Values {
	all := url.Values{"client_id": {c.s.ClientID()}}
	maps.Copy(all, form)
	return all
}

// startDevice gets a device code for reading mail.
func (c *client) startDevice() answer {
	c.t.Helper()
	a := c.post("/common/oauth2/v2.0/devicecode", c.with(url.Values{"scope": {mailScope + " " + oidcScopes}}))
	if a.Code != 200 {
		c.t.Fatalf("device code: %d %s", a.Code, a.Body)
	}
	return a
}

func (c *client) poll(deviceCode string) answer {
	return c.token(url.Values{"grant_type": {"device_code"}, "device_code": {deviceCode}, "client_info": {"1"}})
}

// signIn goes through the device flow as user.
func (c *client) signIn(user string) answer {
	c.t.Helper()
	d := c.startDevice()
	if err := c.s.Approve(d.str("user_code"), user); err != nil {
		c.t.Fatal(err)
	}
	a := c.poll(d.str("device_code"))
	if a.Code != 200 {
		c.t.Fatalf("sign-in: %d %s", a.Code, a.str("error"))
	}
	return a
}

func (c *client) redeem(refreshToken string) answer {
	return c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}, "scope": {mailScope + " " + oidcScopes}})
}

// refused checks status, OAuth code and AADSTS number of an error answer, and its form.
func (c *client) refused(a answer, status int, code string, aadsts int) {
	c.t.Helper()
	if a.Code != status || a.str("error") != code {
		c.t.Errorf("got status %d, error %q (%s), want %d, %q", a.Code, a.str("error"), a.str("error_description"), status, code)
		return
	}
	codes, _ := a.json["error_codes"].([]any)
	if len(codes) != 1 || codes[0] != float64(aadsts) {
		c.t.Errorf("%s: error_codes is %v, want %d", code, codes, aadsts)
	}
	for _, part := range []string{"AADSTS", " Trace ID: ", " Correlation ID: ", " Timestamp: "} {
		if !strings.Contains(a.str("error_description"), part) {
			c.t.Errorf("%s: the description lacks %q", code, part)
		}
	}
	for _, name := range []string{"timestamp", "trace_id", "correlation_id", "error_uri"} {
		if a.str(name) == "" {
			c.t.Errorf("%s: %s is missing", code, name)
		}
	}
}
