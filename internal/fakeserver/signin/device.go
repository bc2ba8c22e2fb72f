package signin

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// deviceState says what became of a device code.
type deviceState int

const (
	devicePending deviceState = iota
	deviceApproved
	deviceDenied
	deviceRedeemed
)

// deviceCode is a sign-in that waits for a person. All fields are guarded by Server.mu.
type deviceCode struct {
	userCode string
	want     request
	claims   string
	started  time.Time
	expires  time.Time
	polled   time.Time
	state    deviceState
	account  Account
}

// PendingUserCodes returns the user codes that wait for somebody to approve them, oldest first.
func (s *Server) PendingUserCodes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pending []*deviceCode
	for _, d := range s.devices {
		if d.state == devicePending && s.now().Before(d.expires) {
			pending = append(pending, d)
		}
	}
	slices.SortFunc(pending, func(a, b *deviceCode) int { return a.started.Compare(b.started) })
	var codes []string
	for _, d := range pending {
		codes = append(codes, d.userCode)
	}
	return codes
}

// Approve signs user in where userCode was shown; "" is the first account. The code may be written in small letters and with
// spaces or dashes. It is an error if no such code is pending or no such account exists.
func (s *Server) Approve(userCode, user string) error {
	a, ok := s.account(user)
	if !ok {
		return fmt.Errorf("approve %q: there is no account %q", userCode, user)
	}
	return s.decide(userCode, func(d *deviceCode) { d.state, d.account = deviceApproved, a })
}

// Deny declines a sign-in. It is an error if no such code is pending.
func (s *Server) Deny(userCode string) error {
	return s.decide(userCode, func(d *deviceCode) { d.state = deviceDenied })
}

func (s *Server) decide(userCode string, do func(*deviceCode)) error {
	plain := strings.NewReplacer(" ", "", "-", "").Replace(strings.ToUpper(userCode))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.devices {
		if d.userCode != plain || d.state != devicePending {
			continue
		}
		if !s.now().Before(d.expires) {
			return fmt.Errorf("user code %q has expired: start the sign-in again", plain)
		}
		do(d)
		return nil
	}
	return fmt.Errorf("user code %q is not waiting for anybody: check it, or start the sign-in again", plain)
}

// deviceAnswer is the body of a successful answer of the device code endpoint.
type deviceAnswer struct {
	UserCode        string `json:"user_code"`
	DeviceCode      string `json:"device_code"`
	VerificationURI string `json:"verification_uri"`
	ExpiresIn       int64  `json:"expires_in"`
	Interval        int64  `json:"interval"`
	Message         string `json:"message"`
}

// startDevice serves the device code endpoint.
func (s *Server) startDevice(c *call) (any, *failure) {
	if f := s.application(c.form); f != nil {
		return nil, f
	}
	if c.form.Get("scope") == "" {
		return nil, missing("scope")
	}
	want, f := parseScopes(c.form.Get("scope"))
	if f != nil {
		return nil, f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	if len(s.devices) >= maxPending {
		return nil, fail(90055, "temporarily_unavailable", "The server terminated an operation because it encountered excessive requests.").
			withStatus(http.StatusTooManyRequests)
	}
	now := s.now()
	code := "GAQABAAEAA" + secret(120)
	d := &deviceCode{
		userCode: userCode(), want: want, claims: c.form.Get("claims"),
		started: now, expires: now.Add(s.opts.DeviceCodeLifetime),
	}
	s.devices[code] = d
	s.remember(code)
	page := c.base + "/device"
	return deviceAnswer{
		UserCode: d.userCode, DeviceCode: code, VerificationURI: page,
		ExpiresIn: int64(s.opts.DeviceCodeLifetime / time.Second),
		Interval:  max(1, int64(s.opts.Interval/time.Second)),
		Message: fmt.Sprintf("To sign in, use a web browser to open the page %s and enter the code %s to authenticate.",
			page, d.userCode),
	}, nil
}

// redeemDevice serves a poll.
func (s *Server) redeemDevice(c *call) (any, *failure) {
	code := c.form.Get("device_code")
	if code == "" {
		return nil, missing("device_code")
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[code]
	if d == nil {
		return nil, fail(70018, "bad_verification_code", "The verification code is not valid.")
	}
	since := now.Sub(d.polled)
	early := !d.polled.IsZero() && since >= 0 && since < s.opts.Interval // negative: the clock was put back
	d.polled = now
	if s.opts.AutoApprove && d.state == devicePending && now.Before(d.expires) {
		d.state, d.account = deviceApproved, s.opts.Accounts[0]
	}
	switch {
	case d.state == deviceRedeemed:
		return nil, fail(54005, "invalid_grant", "OAuth2 device code was already redeemed, please retry with a new valid code.")
	case !now.Before(d.expires):
		return nil, fail(70020, "expired_token", "The provided value for the input parameter 'device_code' is not valid. This device code has expired.")
	case d.state == deviceDenied:
		return nil, fail(65004, "authorization_declined", "User declined to consent to access the app.")
	case d.state == devicePending && early:
		return nil, fail(70016, "slow_down", "OAuth 2.0 device flow error. The client polls too often.")
	case d.state == devicePending:
		return nil, fail(70016, "authorization_pending", "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
	}
	want := d.want
	if c.form.Get("scope") != "" {
		var f *failure
		if want, f = parseScopes(c.form.Get("scope")); f != nil {
			return nil, f
		}
	}
	realm, f := s.admit(c.at, d.account, deviceCodeGrant)
	if f != nil {
		return nil, f
	}
	d.state = deviceRedeemed
	claims := c.form.Get("claims")
	if claims == "" {
		claims = d.claims
	}
	return s.answer(c, &family{account: d.account, confidential: c.credential != ""}, want, claims, realm), nil
}

// userCode has letters and digits that are not mistaken for each other.
func userCode() string {
	const alphabet = "BCDFGHJKLMNPQRSTVWXYZ2346789AEUX" // 32, so that every byte is used evenly
	b := make([]byte, 9)
	rand.Read(b) // never fails
	for i := range b {
		b[i] = alphabet[b[i]%32]
	}
	return string(b)
}
