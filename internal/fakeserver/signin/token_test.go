package signin_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

func TestRefreshTokensAreGoodForOneUse(t *testing.T) {
	c := newClient(t, nil)
	first := c.signIn("").str("refresh_token")
	a := c.redeem(first)
	second := a.str("refresh_token")
	if a.Code != 200 || second == "" || second == first {
		t.Fatalf("refresh: status %d, error %q", a.Code, a.str("error"))
	}
	c.refused(c.redeem(first), 400, "invalid_grant", 70000)
	c.refused(c.redeem(second), 400, "invalid_grant", 50173) // the reuse ended the sign-in
	if _, _, ok := c.s.Check(a.str("access_token")); !ok {
		t.Error("the access token, which nobody copied, is refused too")
	}
	c.refused(c.redeem("made up"), 400, "invalid_grant", 70000)
}

func TestUsedRefreshTokensAreForgottenAndUnusedOnesKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, nil)
		used := c.signIn("").str("refresh_token")
		next := c.redeem(used).str("refresh_token")
		time.Sleep(30 * 24 * time.Hour) // synctest: virtual
		c.signIn("")                    // sweeps
		a := c.redeem(used)
		c.refused(a, 400, "invalid_grant", 70000)
		if strings.Contains(a.str("error_description"), "used before") {
			t.Error("a token used a month ago is remembered")
		}
		if a := c.redeem(next); a.Code != 200 {
			t.Errorf("the unused token is answered with %q", a.str("error"))
		}
	})
}

func TestConcurrentRefreshSucceedsOnce(t *testing.T) {
	c := newClient(t, nil)
	token := c.signIn("").str("refresh_token")
	var mu sync.Mutex
	good := 0
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if c.redeem(token).Code == 200 {
				mu.Lock()
				good++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if good != 1 {
		t.Errorf("%d of 20 uses succeeded", good)
	}
}

func TestRefreshForOtherScopes(t *testing.T) {
	c := newClient(t, nil)
	a := c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {c.signIn("").str("refresh_token")},
		"scope": {"https://outlook.office365.com/Calendars.ReadWrite https://outlook.office.com/Tasks.Read"}})
	g, reason := c.s.Inspect(a.str("access_token"))
	if reason != signin.Accepted || !slices.Equal(g.Scopes, []string{"Calendars.ReadWrite", "Tasks.Read"}) {
		t.Errorf("got %v, %s; error %q", g.Scopes, reason, a.str("error_description"))
	}
	if a.str("id_token") != "" {
		t.Error("an id token that was not asked for")
	}
}

func TestExpiryOnCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, &signin.Options{TokenLifetime: 2 * time.Hour})
		in := c.signIn("")
		if in.json["refresh_in"] != 3600.0 {
			t.Errorf("refresh_in is %v, want half of the life", in.json["refresh_in"])
		}
		one, two := in.str("access_token"), c.s.Issue("alex@contoso.test")
		if !c.s.ExpireToken(one) || c.s.ExpireToken("made up") {
			t.Error("ExpireToken does not know which tokens there are")
		}
		if c.s.ExpireToken(one) {
			t.Error("a token expired twice")
		}
		reasons := func(want ...signin.RefuseReason) {
			t.Helper()
			for i, token := range []string{one, two} {
				if _, reason, ok := c.s.Check(token); reason != want[i] || ok != (reason == signin.Accepted) {
					t.Errorf("token %d: %q, want %q", i+1, reason, want[i])
				}
			}
		}
		reasons(signin.RefuseExpired, signin.Accepted)
		c.s.ExpireTokens()
		reasons(signin.RefuseExpired, signin.RefuseExpired)
		if a := c.redeem(in.str("refresh_token")); a.Code != 200 {
			t.Errorf("the refresh token died too: %s", a.str("error"))
		}
		two = c.s.Issue("alex@contoso.test")
		time.Sleep(2*time.Hour - 1) // synctest: virtual
		reasons(signin.RefuseExpired, signin.Accepted)
		time.Sleep(time.Nanosecond) // synctest: virtual
		reasons(signin.RefuseExpired, signin.RefuseExpired)
		time.Sleep(25 * time.Hour) // synctest: virtual
		c.signIn("")               // sweeps
		reasons(signin.RefuseUnknown, signin.RefuseUnknown)
	})
}

func TestRevoke(t *testing.T) {
	c := newClient(t, &signin.Options{Accounts: []signin.Account{{User: "alex@contoso.test"}, {User: "kim@contoso.test"}}})
	alex, kim := c.signIn("alex@contoso.test"), c.signIn("kim@contoso.test")
	c.s.Revoke("alex@contoso.test")
	if _, reason, _ := c.s.Check(alex.str("access_token")); reason != signin.RefuseRevoked {
		t.Errorf("the access token is %q", reason)
	}
	if c.s.ExpireToken(alex.str("access_token")) {
		t.Error("a revoked token passes for one that was alive")
	}
	c.refused(c.redeem(alex.str("refresh_token")), 400, "invalid_grant", 50173)
	if _, _, ok := c.s.Check(kim.str("access_token")); !ok || c.redeem(kim.str("refresh_token")).Code != 200 {
		t.Error("somebody else's tokens died too")
	}
	if again := c.signIn("alex@contoso.test"); again.Code != 200 {
		t.Error("signing in again does not help")
	}
}

func TestClaimsChallenge(t *testing.T) {
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`
	const merged = `{"access_token":{"xms_cc":{"values":["CP1"]},"nbf":{"essential":true,"value":"1604106651"}}}`
	c := newClient(t, nil)
	in := c.signIn("")
	check := func(token string, want signin.RefuseReason) {
		t.Helper()
		g, reason := c.s.Inspect(token)
		if reason != want || (g.Claims == claims) != (want == signin.RefuseClaims) {
			t.Errorf("reason %q with claims %q, want %q", reason, g.Claims, want)
		}
	}
	c.s.RequireClaims("alex@contoso.test", claims)
	check(in.str("access_token"), signin.RefuseClaims)
	check(c.s.Issue("alex@contoso.test"), signin.RefuseClaims)
	check(c.s.Issue(""), signin.Accepted) // an application is not a user
	plain := c.redeem(in.str("refresh_token"))
	check(plain.str("access_token"), signin.RefuseClaims)
	asked := c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {plain.str("refresh_token")},
		"scope": {mailScope}, "claims": {merged}})
	check(asked.str("access_token"), signin.Accepted)
	check(c.redeem(asked.str("refresh_token")).str("access_token"), signin.Accepted)
	c.s.RequireClaims("alex@contoso.test", claims)
	check(asked.str("access_token"), signin.RefuseClaims)
	c.s.RequireClaims("alex@contoso.test", "")
	check(asked.str("access_token"), signin.Accepted)
}

func TestIssue(t *testing.T) {
	c := newClient(t, nil)
	for _, test := range []struct {
		user   string
		scopes []string
		want   signin.Grant
	}{
		{"alex@contoso.test", []string{"https://outlook.office.com/Mail.Read", "Calendars.Read"}, signin.Grant{User: "alex@contoso.test", Scopes: []string{"Calendars.Read", "Mail.Read"}}},
		{"other@contoso.test", []string{"Mail.Read"}, signin.Grant{User: "other@contoso.test", Scopes: []string{"Mail.Read"}}},
		{"", nil, signin.Grant{AppOnly: true, Scopes: []string{"Calendars.ReadWrite", "Contacts.ReadWrite", "EWS.AccessAsUser.All", "Mail.ReadWrite", "Tasks.ReadWrite"}}},
	} {
		g, reason := c.s.Inspect(c.s.Issue(test.user, test.scopes...))
		if reason != signin.Accepted || g.User != test.want.User || g.AppOnly != test.want.AppOnly || !slices.Equal(g.Scopes, test.want.Scopes) {
			t.Errorf("%q %v: got %+v, %q", test.user, test.scopes, g, reason)
		}
	}
	if _, reason := c.s.Inspect(""); reason != signin.RefuseMissing {
		t.Errorf("no token: %q", reason)
	}
	token := c.s.Issue("alex@contoso.test")
	if _, reason := c.s.Inspect(token[:len(token)-1]); reason != signin.RefuseUnknown {
		t.Errorf("a token with another signature: %q", reason)
	}
	if c.s.TokenRequests() != 0 {
		t.Error("Issue counts as a request")
	}
}

func TestClientCredentials(t *testing.T) {
	c := newClient(t, nil)
	form := url.Values{"grant_type": {"client_credentials"}, "client_secret": {c.s.ClientSecret()},
		"scope": {"https://outlook.office.com/.default " + oidcScopes}}
	a := c.post("/"+c.s.Tenant()+"/oauth2/v2.0/token", c.with(form))
	g, reason := c.s.Inspect(a.str("access_token"))
	if a.Code != 200 || reason != signin.Accepted || !g.AppOnly || g.User != "" || a.str("refresh_token") != "" || a.str("id_token") != "" {
		t.Errorf("status %d, %+v, %q", a.Code, g, reason)
	}
	if g.TenantID != c.s.Tenant() {
		t.Errorf("it is of tenant %q", g.TenantID)
	}
	for _, general := range []string{"common", "organizations", "consumers", signin.PersonalTenant} { // whose would it be?
		c.refused(c.tokenAt(general, form), 400, "invalid_request", 50059)
	}
	form.Set("scope", mailScope)
	c.refused(c.tokenAt("contoso.test", form), 400, "invalid_scope", 1002012)
	form.Del("scope")
	c.refused(c.tokenAt("contoso.test", form), 400, "invalid_request", 900144)
	form.Set("client_secret", "wrong")
	c.refused(c.tokenAt("contoso.test", form), 401, "invalid_client", 7000215)
	form.Del("client_secret")
	c.refused(c.tokenAt("contoso.test", form), 401, "invalid_client", 7000218)
}

func TestTokenOfAnotherResourceIsRefused(t *testing.T) {
	c := newClient(t, &signin.Options{AutoApprove: true})
	d := c.post("/common/oauth2/v2.0/devicecode", c.with(url.Values{"scope": {"Calendars.Read"}})) // means Microsoft Graph's
	if _, reason := c.s.Inspect(c.poll(d.str("device_code")).str("access_token")); reason != signin.RefuseAudience {
		t.Errorf("got %q", reason)
	}
}

func TestMistakesOfTheClient(t *testing.T) {
	c := newClient(t, nil)
	good := func(changes ...string) url.Values {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {c.signIn("").str("refresh_token")}, "scope": {mailScope}}
		for i := 0; i < len(changes); i += 2 {
			form.Set(changes[i], changes[i+1])
		}
		return form
	}
	without := func(name string) url.Values { form := good(); form.Del(name); return form }
	c.refused(c.token(good("client_id", "5e0a6c8e-0000-4000-8000-000000000000")), 400, "unauthorized_client", 700016)
	c.refused(c.post("/common/oauth2/v2.0/token", good()), 400, "invalid_request", 900144)
	c.refused(c.post("/fabrikam.test/oauth2/v2.0/token", c.with(good())), 400, "invalid_request", 90002)
	c.refused(c.token(good("grant_type", "password")), 400, "unsupported_grant_type", 70003)
	c.refused(c.token(without("grant_type")), 400, "invalid_request", 900144)
	c.refused(c.token(without("refresh_token")), 400, "invalid_request", 900144)
	c.refused(c.token(without("scope")), 400, "invalid_request", 900144)
	c.refused(c.token(good("scope", "https://outlook.office.com/Calenders.Read")), 400, "invalid_scope", 70011)
	c.refused(c.token(good("scope", mailScope+" https://graph.microsoft.com/Mail.Read")), 400, "invalid_request", 28000)
	c.refused(c.token(good("scope", mailScope+" https://outlook.office.com/.default")), 400, "invalid_scope", 70011)
	c.refused(c.token(url.Values{"grant_type": {"device_code"}}), 400, "invalid_request", 900144)
	c.refused(c.token(url.Values{"grant_type": {"device_code"}, "device_code": {"made up"}}), 400, "bad_verification_code", 70018)
	c.refused(c.post("/common/oauth2/v2.0/devicecode", c.with(nil)), 400, "invalid_request", 900144)
	twice := good()
	twice.Add("scope", mailScope)
	c.refused(c.token(twice), 400, "invalid_request", 9002313)
	c.refused(c.get("/common/oauth2/v2.0/token", nil), 405, "invalid_request", 900561)
	c.refused(c.post("/common/oauth2/v2.0/authorize", nil), 405, "invalid_request", 900561)
	c.refused(c.post("/common/v2.0/.well-known/openid-configuration", nil), 405, "invalid_request", 900561)
	c.refused(c.token(url.Values{"grant_type": {strings.Repeat("x", 70<<10)}}), 413, "invalid_request", 9002313)
	for _, kind := range []string{"", "application/json", "multipart/form-data; boundary=x"} {
		r := httptest.NewRequest("POST", host+"/common/oauth2/v2.0/token", strings.NewReader(c.with(good()).Encode()))
		r.Header.Set("Content-Type", kind)
		c.refused(c.do(r), 415, "invalid_request", 9002313)
	}
	r := httptest.NewRequest("POST", host+"/common/oauth2/v2.0/token?"+c.with(good()).Encode(), nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	c.refused(c.do(r), 400, "invalid_request", 900144) // parameters in the URL do not count
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var next *signin.Response
		var asked []string
		c := newClient(t, &signin.Options{Fault: func(on, user string) (*signin.Response, bool) {
			asked = append(asked, on+" "+user)
			return next, next != nil
		}})
		in := c.signIn("")
		next = &signin.Response{Status: 503, Header: http.Header{"Retry-After": {"7"}}, Body: []byte("<html>down"), Delay: time.Minute}
		start := time.Now()
		a := c.redeem(in.str("refresh_token"))
		if a.Code != 503 || a.Header().Get("Retry-After") != "7" || a.Body.String() != "<html>down" || time.Since(start) != time.Minute {
			t.Errorf("got status %d after %s", a.Code, time.Since(start))
		}
		next = &signin.Response{Delay: time.Minute}
		start = time.Now()
		if a := c.redeem(in.str("refresh_token")); a.Code != 200 || time.Since(start) != time.Minute {
			t.Errorf("delayed: got status %d after %s", a.Code, time.Since(start))
		}
		if want := []string{"devicecode ", "token alex@contoso.test", "token alex@contoso.test", "token alex@contoso.test"}; !slices.Equal(asked, want) {
			t.Errorf("asked about %q, want %q", asked, want)
		}
	})
}

func TestSecretsNamesEverySecret(t *testing.T) {
	c := newClient(t, nil)
	d := c.startDevice()
	if err := c.s.Approve(d.str("user_code"), ""); err != nil {
		t.Fatal(err)
	}
	a := c.poll(d.str("device_code"))
	b := c.redeem(a.str("refresh_token"))
	secrets := c.s.Secrets()
	for i, s := range []string{c.s.ClientSecret(), d.str("device_code"), a.str("access_token"), a.str("refresh_token"), a.str("id_token"),
		b.str("access_token"), b.str("refresh_token"), b.str("id_token"), c.s.Issue("")} {
		if i < 8 && !slices.Contains(secrets, s) || s == "" {
			t.Errorf("secret %d is not named", i)
		}
	}
	if len(secrets) != 8 || len(c.s.Secrets()) != 9 {
		t.Errorf("%d, then %d secrets", len(secrets), len(c.s.Secrets()))
	}
}
