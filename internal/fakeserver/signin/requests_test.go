package signin_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

func TestRequestsAreCounted(t *testing.T) {
	c := newClient(t, twoAccounts())
	in := c.signIn("kim@contoso.test")
	c.reject(signin.Rejection{Code: 50076})
	c.redeem(in.str("refresh_token"))
	c.token(url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {"made up"}})
	c.token(url.Values{"grant_type": {"password"}})
	c.tokenAt("contoso.test", url.Values{"grant_type": {"client_credentials"}, "client_secret": {c.s.ClientSecret()}, "scope": {appScope}, "claims": {"{}"}})
	if want := map[string]int{"device_code": 2, "refresh_token": 1, "other": 1, "client_credentials": 1}; !maps.Equal(c.s.Grants(), want) {
		t.Errorf("grants %v, want %v", c.s.Grants(), want)
	}
	got := c.s.Requests()
	for i := range got {
		if got[i].Time.IsZero() {
			t.Errorf("request %d has no time", i)
		}
		got[i].Time = time.Time{}
	}
	want := []signin.TokenRequest{
		{Tenant: "common", GrantType: "device_code", User: "kim@contoso.test", Status: 200},
		{Tenant: "common", GrantType: "refresh_token", User: "kim@contoso.test", Scope: mailScope + " " + oidcScopes, Status: 400, Code: 50076},
		{Tenant: "common", GrantType: "device_code", Status: 400, Code: 70018},
		{Tenant: "common", GrantType: "other", Status: 400, Code: 70003},
		{Tenant: "contoso.test", GrantType: "client_credentials", Scope: appScope, Claims: "{}", Credential: "secret", Status: 200},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if c.s.TokenRequests() != 2 {
		t.Errorf("%d answers with tokens", c.s.TokenRequests())
	}
	text, err := json.Marshal(c.s.Requests())
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range c.s.Secrets() {
		if strings.Contains(string(text), secret) {
			t.Error("a secret is in the log")
		}
	}
	c.s.ForgetRequests()
	if len(c.s.Requests()) != 0 || len(c.s.Grants()) != 0 || c.s.PeakRequests("kim@contoso.test") != 0 || c.s.TokenRequests() != 2 {
		t.Error("they are not forgotten")
	}
}

func TestPeakOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := twoAccounts()
		opts.ReusableRefreshTokens = true
		opts.Fault = func(on, user string) (*signin.Response, bool) {
			return &signin.Response{Delay: time.Second}, on == "token"
		}
		c := newClient(t, opts)
		alex, kim := c.signIn("").str("refresh_token"), c.signIn("kim@contoso.test").str("refresh_token")
		c.s.ForgetRequests()
		var wg sync.WaitGroup
		for range 7 {
			wg.Go(func() { c.redeem(alex) })
		}
		for range 2 {
			wg.Go(func() { c.redeem(kim); c.redeem(kim); c.redeem(kim) })
		}
		wg.Wait()
		if a, k, none := c.s.PeakRequests("ALEX@contoso.test"), c.s.PeakRequests("kim@contoso.test"), c.s.PeakRequests(""); a != 7 || k != 2 || none != 0 {
			t.Errorf("peaks %d, %d, %d", a, k, none)
		}
	})
}

func TestAFaultThatEndsTheConnectionEndsTheRequest(t *testing.T) {
	aborts := false
	c := newClient(t, &signin.Options{Fault: func(on, _ string) (*signin.Response, bool) {
		if aborts {
			panic("as net/http's ErrAbortHandler")
		}
		return nil, false
	}})
	token := c.signIn("").str("refresh_token")
	aborts = true
	for range 3 {
		func() {
			defer func() { _ = recover() }()
			c.redeem(token)
		}()
	}
	if c.s.PeakRequests("alex@contoso.test") != 1 {
		t.Errorf("%d at once", c.s.PeakRequests("alex@contoso.test"))
	}
	if got := c.s.Requests(); len(got) != 4 || got[3].Status != 0 {
		t.Errorf("%+v", got)
	}
}

func TestFaultsOnConfigurationAndAuthorize(t *testing.T) {
	var asked []string
	c := newClient(t, &signin.Options{Fault: func(on, user string) (*signin.Response, bool) {
		asked = append(asked, on+" "+user)
		return &signin.Response{Status: 503}, true
	}})
	q := c.authorizeQuery()
	for range 2 {
		if a := c.get("/common/oauth2/v2.0/authorize", q); a.Code != 503 {
			t.Errorf("authorize: %d", a.Code)
		}
		q.Set("login_hint", "ALEX@contoso.test")
	}
	if a := c.get("/nowhere/v2.0/.well-known/openid-configuration", nil); a.Code != 503 {
		t.Errorf("configuration: %d", a.Code)
	}
	if a := c.get("/common/discovery/instance", nil); a.Code != 200 {
		t.Errorf("instance discovery: %d", a.Code)
	}
	if want := []string{"authorize ", "authorize alex@contoso.test", "configuration "}; !slices.Equal(asked, want) {
		t.Errorf("asked about %q, want %q", asked, want)
	}
}
