package signin_test

import (
	"crypto/x509"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// apart is a server whose clock can be set apart from the client's.
func apart(t *testing.T, opts signin.Options) (c *client, by *time.Duration) {
	by = new(time.Duration)
	opts.Now = func() time.Time { return time.Now().Add(*by) }
	return newClient(t, &opts), by
}

func TestTheAuthoritysClockDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t)
		c, by := apart(t, signin.Options{Certificates: []*x509.Certificate{s.cert}})
		in := c.signIn("")
		check := func(want signin.RefuseReason) {
			t.Helper()
			if _, reason, _ := c.s.Check(in.str("access_token")); reason != want {
				t.Errorf("the token is %q, want %q", reason, want)
			}
		}
		*by = time.Hour - 1
		check(signin.Accepted)
		*by = time.Hour
		check(signin.RefuseExpired)
		*by = -24 * time.Hour
		check(signin.Accepted)
		a := c.redeem(in.str("refresh_token"))
		if exp := payload(t, a.str("access_token"))["exp"]; exp != float64(time.Now().Add(-23*time.Hour).Unix()) || a.json["expires_in"] != 3600.0 {
			t.Errorf("a token issued a day ago by its clock ends at %v, in %v s", exp, a.json["expires_in"])
		}
		c.refused(c.assert(s.own(c, nil, nil)), 401, "invalid_client", 700027) // the certificate is not valid yet
		for _, d := range []time.Duration{16 * time.Minute, -6 * time.Minute} {
			*by = d
			c.refused(c.assert(s.own(c, nil, nil)), 401, "invalid_client", 700024)
		}
		*by = -4 * time.Minute
		if a := c.assert(s.own(c, nil, nil)); a.Code != 200 {
			t.Errorf("within the skew: %s", a.str("error_description"))
		}
	})
}

func TestCodesDieByTheAuthoritysClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, by := apart(t, signin.Options{})
		device, code := c.startDevice(), c.authorize(c.authorizeQuery()).Get("code")
		c.refused(c.poll(device.str("device_code")), 400, "authorization_pending", 70016)
		*by = -time.Hour
		c.refused(c.poll(device.str("device_code")), 400, "authorization_pending", 70016) // put back: that was not too early
		*by = 10 * time.Minute
		c.refused(c.redeemCode(code), 400, "invalid_grant", 70008)
		*by = 15 * time.Minute
		c.refused(c.poll(device.str("device_code")), 400, "expired_token", 70020)
		if len(c.s.PendingUserCodes()) != 0 {
			t.Error("an expired code is pending")
		}
	})
}

func TestSweepingGoesOnAfterTheClockWasPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, by := apart(t, signin.Options{})
		*by = 30 * 24 * time.Hour
		c.signIn("") // sweeps
		*by = 0
		token := c.s.Issue("alex@contoso.test")
		time.Sleep(26 * time.Hour) // synctest: virtual
		c.signIn("")               // sweeps
		if _, reason, _ := c.s.Check(token); reason != signin.RefuseUnknown {
			t.Errorf("a token that was over a day ago is %q", reason)
		}
	})
}

func TestLifetimesCanBeSet(t *testing.T) {
	c := newClient(t, &signin.Options{RefreshIn: 10 * time.Minute})
	var token string
	for _, test := range []struct {
		set       func()
		lives     float64
		refreshIn any
	}{
		{func() {}, 3600, 600.0},
		{func() { c.s.SetTokenLifetime(301 * time.Second) }, 301, 600.0},
		{func() { c.s.SetRefreshIn(100 * time.Second) }, 301, 100.0},
		{func() { c.s.SetRefreshIn(0) }, 301, nil},
		{func() { c.s.SetTokenLifetime(24 * time.Hour) }, 86400, 43200.0},
		{func() { c.s.SetTokenLifetime(0) }, 3600, nil},
	} {
		test.set()
		a := c.signIn("")
		if a.json["expires_in"] != test.lives || a.json["refresh_in"] != test.refreshIn {
			t.Errorf("expires_in %v, refresh_in %v, want %v, %v", a.json["expires_in"], a.json["refresh_in"], test.lives, test.refreshIn)
		}
		token = a.str("access_token")
	}
	if g, _ := c.s.Inspect(token); time.Until(g.ExpiresOn) > time.Hour {
		t.Errorf("it lives until %s", g.ExpiresOn)
	}
}

func TestReusableRefreshTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, &signin.Options{ReusableRefreshTokens: true})
		first := c.signIn("").str("refresh_token")
		var last string
		for range 60 {
			a := c.redeem(first)
			if last = a.str("refresh_token"); a.Code != 200 || last == "" || last == first {
				t.Fatalf("status %d, %s", a.Code, a.str("error_description"))
			}
			time.Sleep(25 * time.Hour) // synctest: virtual
			c.signIn("")               // sweeps
		}
		time.Sleep(91 * 24 * time.Hour) // synctest: virtual
		c.signIn("")                    // sweeps
		c.refused(c.redeem(first), 400, "invalid_grant", 70000)
		c.s.Revoke("alex@contoso.test")
		c.refused(c.redeem(last), 400, "invalid_grant", 50173)
	})
}
