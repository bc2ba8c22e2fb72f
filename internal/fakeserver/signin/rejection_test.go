package signin_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

func (c *client) reject(r signin.Rejection) {
	c.t.Helper()
	if err := c.s.Reject(r); err != nil {
		c.t.Fatal(err)
	}
}

func twoAccounts() *signin.Options {
	return &signin.Options{Accounts: []signin.Account{{User: "alex@contoso.test"}, {User: "kim@contoso.test"}}}
}

func TestEveryRejection(t *testing.T) {
	c := newClient(t, nil)
	token := c.signIn("").str("refresh_token")
	app := url.Values{"grant_type": {"client_credentials"}, "client_secret": {c.s.ClientSecret()}, "scope": {appScope}}
	withClaims := []int{50076, 50078, 50079, 53003}
	suberrors := map[int]string{50055: "user_password_expired", 50076: "basic_action", 50078: "basic_action", 50079: "basic_action",
		50173: "bad_token", 53003: "message_only", 65001: "consent_required", 70043: "token_expired"}
	codes := signin.RejectionCodes()
	for _, wanted := range []int{50034, 50055, 50057, 50058, 50076, 50079, 50105, 50126, 50173, 53003, 65001, 70011, 90072, 530034, 700016, 7000215, 7000222} {
		if !slices.Contains(codes, wanted) {
			t.Errorf("there is no %d", wanted)
		}
	}
	for _, code := range codes {
		c.reject(signin.Rejection{Code: code, Times: -1})
		status, oauth := 400, "invalid_grant"
		switch code {
		case 7000215, 7000222:
			status, oauth = 401, "invalid_client"
		case 700016, 7000112:
			oauth = "unauthorized_client"
		case 70011:
			oauth = "invalid_scope"
		}
		if code == 65004 {
			if a := c.redeem(token); a.Code != 200 {
				t.Errorf("what a person at a browser declines happens without one: %s", a.str("error"))
			} else {
				token = a.str("refresh_token")
			}
		} else {
			a := c.redeem(token)
			c.refused(a, status, oauth, code)
			if !strings.HasPrefix(a.str("error_description"), fmt.Sprintf("AADSTS%d: ", code)) || strings.ContainsAny(a.str("error_description"), "{}") &&
				!strings.Contains(a.str("error_description"), "{EmailHidden}") {
				t.Errorf("%d: the description is %q", code, a.str("error_description"))
			}
			if a.str("suberror") != suberrors[code] {
				t.Errorf("%d: suberror %q, want %q", code, a.str("suberror"), suberrors[code])
			}
			var claims map[string]map[string]any
			if has := a.str("claims") != ""; has != slices.Contains(withClaims, code) || has && json.Unmarshal([]byte(a.str("claims")), &claims) != nil ||
				has && claims["access_token"]["capolids"] == nil {
				t.Errorf("%d: claims %q", code, a.str("claims"))
			}
		}
		forApps := slices.Contains([]int{53003, 70011, 700016, 7000112, 7000215, 7000222}, code)
		if a := c.tokenAt("contoso.test", app); (a.Code != 200) != forApps {
			t.Errorf("%d: an application is answered with %d", code, a.Code)
		}
		c.s.Lift("")
		a := c.redeem(token)
		if a.Code != 200 {
			t.Fatalf("%d: lifted: %s", code, a.str("error_description"))
		}
		token = a.str("refresh_token")
	}
}

func TestRejectionsOfEveryGrant(t *testing.T) {
	c := newClient(t, twoAccounts())
	alex, kim := c.signIn("").str("refresh_token"), c.signIn("kim@contoso.test").str("refresh_token")
	code := c.authorize(c.authorizeQuery()).Get("code")
	device := c.startDevice()
	if err := c.s.Approve(device.str("user_code"), ""); err != nil {
		t.Fatal(err)
	}
	grants := map[string]func() answer{
		"refresh_token":      func() answer { return c.redeem(alex) },
		"authorization_code": func() answer { return c.redeemCode(code) },
		"device_code":        func() answer { return c.poll(device.str("device_code")) },
	}
	for on, ask := range grants {
		c.reject(signin.Rejection{Code: 50057, User: "ALEX@contoso.test", On: on, Times: 2})
		for range 2 {
			c.refused(ask(), 400, "invalid_grant", 50057)
		}
		if a := c.redeem(kim); a.Code != 200 {
			t.Errorf("%s: somebody else is answered with %s", on, a.str("error"))
		} else {
			kim = a.str("refresh_token")
		}
		a := ask() // nothing was used up
		if a.Code != 200 {
			t.Errorf("%s: the third request is answered with %s", on, a.str("error_description"))
		}
	}
	alex = c.signIn("").str("refresh_token")
	c.reject(signin.Rejection{Code: 50126, On: "authorization_code"})
	if a := c.redeem(alex); a.Code != 200 {
		t.Errorf("another grant is answered with %s", a.str("error"))
	}
}

func TestRejectionsInTheirOrder(t *testing.T) {
	c := newClient(t, twoAccounts())
	token := c.signIn("").str("refresh_token")
	c.reject(signin.Rejection{Code: 50057, User: "kim@contoso.test", Times: -1})
	c.reject(signin.Rejection{Code: 50076})
	c.reject(signin.Rejection{Code: 65001, Times: -1})
	c.refused(c.redeem(token), 400, "invalid_grant", 50076)
	c.refused(c.redeem(token), 400, "invalid_grant", 65001)
	c.s.Lift("kim@contoso.test")
	c.refused(c.redeem(token), 400, "invalid_grant", 65001)
	c.s.Lift("")
	if a := c.redeem(token); a.Code != 200 {
		t.Errorf("lifted: %s", a.str("error"))
	}
}

func TestRejectIsStrict(t *testing.T) {
	c := newClient(t, nil)
	for _, test := range []struct {
		r    signin.Rejection
		says string
	}{
		{signin.Rejection{}, "50076"},
		{signin.Rejection{Code: 1}, "50076"},
		{signin.Rejection{Code: 50076, On: "password"}, "refresh_token"},
		{signin.Rejection{Code: 50076, On: "client_credentials"}, "does not happen"},
		{signin.Rejection{Code: 7000215, On: "authorize"}, "does not happen"},
		{signin.Rejection{Code: 65004, On: "refresh_token"}, "does not happen"},
		{signin.Rejection{Code: 50076, User: "nobody@contoso.test"}, "nobody"},
		{signin.Rejection{Code: 50076, Times: -2}, "-1"},
	} {
		if err := c.s.Reject(test.r); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v", test.r, err)
		}
	}
	if a := c.redeem(c.signIn("").str("refresh_token")); a.Code != 200 {
		t.Errorf("one of them was armed: %s", a.str("error"))
	}
}

func TestRejectionsReachTheRedirectURI(t *testing.T) {
	c := newClient(t, nil)
	for code, want := range map[int]string{50076: "interaction_required", 65001: "consent_required", 50105: "access_denied", 70011: "invalid_scope", 65004: "access_denied"} {
		c.reject(signin.Rejection{Code: code})
		result := c.authorize(c.authorizeQuery())
		if result.Get("error") != want || !strings.HasPrefix(result.Get("error_description"), fmt.Sprintf("AADSTS%d: ", code)) || result.Has("code") ||
			(result.Get("claims") != "") != (code == 50076) || result.Get("error_uri") == "" {
			t.Errorf("%d: %v", code, result)
		}
		if !c.authorize(c.authorizeQuery()).Has("code") {
			t.Errorf("%d: the next one is not let in", code)
		}
	}
	c.reject(signin.Rejection{Code: 700016}) // the real service shows a page
	c.refused(c.get("/common/oauth2/v2.0/authorize", c.authorizeQuery()), 400, "unauthorized_client", 700016)
	c.s.DenyNext()
	if a := c.redeem(c.signIn("").str("refresh_token")); a.Code != 200 {
		t.Errorf("without a browser: %s", a.str("error"))
	}
	if result := c.authorize(c.authorizeQuery()); result.Get("error") != "access_denied" {
		t.Errorf("the person cancelled: %v", result)
	}
}

func TestPromptNone(t *testing.T) {
	c := newClient(t, twoAccounts())
	silent := func(user string) url.Values {
		q := c.authorizeQuery()
		q.Set("prompt", "none")
		q.Set("login_hint", user)
		return c.authorize(q)
	}
	if result := silent("alex@contoso.test"); result.Get("error") != "login_required" || !strings.HasPrefix(result.Get("error_description"), "AADSTS50058: ") {
		t.Errorf("nobody has signed in: %v", result)
	}
	c.authorize(c.authorizeQuery()) // as alex
	if !silent("alex@contoso.test").Has("code") {
		t.Error("who has signed in is not known")
	}
	if result := silent("kim@contoso.test"); result.Get("error") != "login_required" {
		t.Errorf("kim has not signed in: %v", result)
	}
	for code, want := range map[int]string{50079: "interaction_required", 65001: "consent_required", 50105: "interaction_required"} {
		c.reject(signin.Rejection{Code: code})
		if result := silent("alex@contoso.test"); result.Get("error") != want {
			t.Errorf("%d: %v", code, result)
		}
	}
	c.s.Revoke("alex@contoso.test")
	if result := silent("alex@contoso.test"); result.Get("error") != "login_required" {
		t.Errorf("revoked: %v", result)
	}
	q := c.authorizeQuery()
	q.Set("prompt", "please")
	if result := c.authorize(q); result.Get("error") != "invalid_request" {
		t.Errorf("an unknown prompt: %v", result)
	}
}
