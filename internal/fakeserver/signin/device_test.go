package signin_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

func TestDeviceCodeSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, &signin.Options{Accounts: []signin.Account{{User: "alex@contoso.test", Name: "Alex"}, {User: "kim@contoso.test"}}})
		d := c.startDevice()
		if d.str("verification_uri") != host+"/device" || d.json["expires_in"] != 900.0 || d.json["interval"] != 5.0 ||
			!strings.Contains(d.str("message"), d.str("user_code")) {
			t.Errorf("unexpected answer: %v", slices.Sorted(mapKeys(d.json)))
		}
		if pending := c.s.PendingUserCodes(); !slices.Equal(pending, []string{d.str("user_code")}) {
			t.Errorf("pending: %v", pending)
		}
		code := d.str("device_code")
		c.refused(c.poll(code), 400, "authorization_pending", 70016)
		c.refused(c.poll(code), 400, "slow_down", 70016)
		time.Sleep(5 * time.Second) // synctest: virtual
		c.refused(c.poll(code), 400, "authorization_pending", 70016)

		dashed := strings.ToLower(d.str("user_code")[:4] + "-" + d.str("user_code")[4:])
		if err := c.s.Approve(dashed, "KIM@contoso.test"); err != nil {
			t.Fatal(err)
		}
		if pending := c.s.PendingUserCodes(); len(pending) != 0 {
			t.Errorf("pending after approval: %v", pending)
		}
		a := c.token(url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {code}, "client_info": {"1"}})
		if a.Code != 200 || a.str("token_type") != "Bearer" || a.json["expires_in"] != 3600.0 || a.json["ext_expires_in"] != 3600.0 ||
			a.str("scope") != mailScope+" openid profile" || a.str("refresh_token") == "" || a.json["refresh_in"] != nil {
			t.Errorf("unexpected answer, status %d, error %q, scope %q", a.Code, a.str("error"), a.str("scope"))
		}
		if a.Header().Get("Cache-Control") != "no-store, no-cache" {
			t.Error("the answer may be cached")
		}
		g, reason := c.s.Inspect(a.str("access_token"))
		if reason != signin.Accepted || g.User != "kim@contoso.test" || !slices.Equal(g.Scopes, []string{"Mail.Read"}) || g.AppOnly ||
			!g.ExpiresOn.Equal(time.Now().Add(time.Hour)) {
			t.Errorf("the token stands for %+v, %s", g, reason)
		}
		kim := c.s.Accounts()[1]
		access, id := payload(t, a.str("access_token")), payload(t, a.str("id_token"))
		if access["aud"] != "https://outlook.office.com" || access["scp"] != "Mail.Read" || access["upn"] != kim.User || access["oid"] != kim.ObjectID {
			t.Errorf("the access token says %v", access)
		}
		if id["oid"] != kim.ObjectID || id["preferred_username"] != kim.User || id["tid"] != c.s.Tenant() || id["name"] != kim.Name {
			t.Errorf("the id token says %v", id)
		}
		var info map[string]string
		raw, err := base64.RawURLEncoding.DecodeString(a.str("client_info"))
		if err != nil || json.Unmarshal(raw, &info) != nil || info["uid"] != kim.ObjectID || info["utid"] != c.s.Tenant() {
			t.Errorf("client_info is %s", raw)
		}
		if c.s.TokenRequests() != 1 {
			t.Errorf("%d token requests counted", c.s.TokenRequests())
		}
		c.refused(c.poll(code), 400, "invalid_grant", 54005) // once only
	})
}

func mapKeys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// payload reads the claims of something that looks like a JWT.
func payload(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(parts[2]) < 100 {
		t.Fatalf("a token has %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		t.Fatal("the payload is no JSON")
	}
	return claims
}

func TestDeviceCodeThatNobodyApproves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, nil)
		d := c.startDevice()
		time.Sleep(15*time.Minute - 1) // synctest: virtual
		c.refused(c.poll(d.str("device_code")), 400, "authorization_pending", 70016)
		time.Sleep(time.Nanosecond) // synctest: virtual
		c.refused(c.poll(d.str("device_code")), 400, "expired_token", 70020)
		if err := c.s.Approve(d.str("user_code"), ""); err == nil {
			t.Error("an expired code can be approved")
		}
		if len(c.s.PendingUserCodes()) != 0 {
			t.Error("an expired code is pending")
		}
		time.Sleep(2 * time.Hour) // synctest: virtual
		c.startDevice()           // sweeps
		c.refused(c.poll(d.str("device_code")), 400, "bad_verification_code", 70018)
	})
}

func TestDeniedDeviceCode(t *testing.T) {
	c := newClient(t, nil)
	d := c.startDevice()
	if err := c.s.Deny(d.str("user_code")); err != nil {
		t.Fatal(err)
	}
	c.refused(c.poll(d.str("device_code")), 400, "authorization_declined", 65004)
	if c.s.Deny(d.str("user_code")) == nil || c.s.Approve(d.str("user_code"), "") == nil {
		t.Error("a decision can be taken twice")
	}
}

func TestApproveNeedsACodeAndAnAccount(t *testing.T) {
	c := newClient(t, nil)
	d := c.startDevice()
	if c.s.Approve("NOSUCHCOD", "") == nil || c.s.Approve(d.str("user_code"), "nobody@contoso.test") == nil {
		t.Error("approved")
	}
	c.refused(c.poll(d.str("device_code")), 400, "authorization_pending", 70016)
}

func TestAutoApprove(t *testing.T) {
	c := newClient(t, &signin.Options{AutoApprove: true})
	if a := c.poll(c.startDevice().str("device_code")); a.Code != 200 {
		t.Errorf("the first poll is answered with %d %s", a.Code, a.str("error"))
	}
}

func TestDeviceCodesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, nil)
		for range 1000 {
			c.startDevice()
		}
		c.refused(c.post("/common/oauth2/v2.0/devicecode", c.with(url.Values{"scope": {mailScope}})), 429, "temporarily_unavailable", 90055)
		time.Sleep(3 * time.Hour) // synctest: virtual
		c.startDevice()
	})
}

func TestDevicePage(t *testing.T) {
	c := newClient(t, &signin.Options{Accounts: []signin.Account{{User: "alex@contoso.test", Name: `<b>"Alex"</b>`}}})
	d := c.startDevice()
	page := c.get("/device", url.Values{"user_code": {`"><script>alert(1)</script>`}})
	body := page.Body.String()
	if page.Code != 200 || !strings.Contains(body, `name="user_code"`) || strings.Contains(body, "<script>") || strings.Contains(body, "<b>") {
		t.Errorf("status %d, page:\n%s", page.Code, body)
	}
	if !strings.Contains(page.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("no content security policy")
	}
	if bad := c.post("/device", url.Values{"user_code": {"<i>NO"}, "action": {"approve"}}); bad.Code != 400 || strings.Contains(bad.Body.String(), "<i>") {
		t.Errorf("a wrong code is answered with %d:\n%s", bad.Code, bad.Body)
	}
	if bad := c.post("/device", url.Values{"user_code": {d.str("user_code")}, "action": {"other"}}); bad.Code != 400 {
		t.Errorf("a wrong action is answered with %d", bad.Code)
	}
	if done := c.post("/device", url.Values{"user_code": {d.str("user_code")}, "user": {"alex@contoso.test"}, "action": {"approve"}}); done.Code != 200 {
		t.Errorf("approving is answered with %d:\n%s", done.Code, done.Body)
	}
	if a := c.poll(d.str("device_code")); a.Code != 200 {
		t.Errorf("after approval the poll is answered with %d", a.Code)
	}
	d = c.startDevice()
	if done := c.post("/device", url.Values{"user_code": {d.str("user_code")}, "action": {"deny"}}); done.Code != 200 {
		t.Errorf("declining is answered with %d", done.Code)
	}
	c.refused(c.poll(d.str("device_code")), 400, "authorization_declined", 65004)
}
