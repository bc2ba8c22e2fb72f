package signin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/url"
)

// The grant types.
const (
	deviceCodeGrant        = "device_code"                                  // as MSAL writes it
	deviceCodeURN          = "urn:ietf:params:oauth:grant-type:device_code" // RFC 8628
	authorizationCodeGrant = "authorization_code"
	refreshTokenGrant      = "refresh_token"
	clientCredentialsGrant = "client_credentials"
)

// token serves the token endpoint.
func (s *Server) token(c *call) (any, *failure) {
	if f := s.application(c.form); f != nil {
		return nil, f
	}
	grant := c.form.Get("grant_type")
	if grant == clientCredentialsGrant && (c.at.tenant == "" || c.at.tenant == PersonalTenant) {
		return nil, fail(50059, "invalid_request", "No tenant-identifying information found in either the request or implied by any provided credentials.")
	}
	if f := s.authenticate(c); f != nil {
		return nil, f
	}
	switch grant {
	case "":
		return nil, missing("grant_type")
	case deviceCodeGrant, deviceCodeURN:
		return s.redeemDevice(c)
	case authorizationCodeGrant:
		return s.redeemCode(c)
	case refreshTokenGrant:
		return s.redeemRefresh(c)
	case clientCredentialsGrant:
		return s.clientCredentials(c)
	}
	return nil, fail(70003, "unsupported_grant_type", "The app requested an unsupported grant type.")
}

// redeemRefresh exchanges a refresh token for new tokens. Unless the options say otherwise, each can be used once; a second
// use means that somebody has a copy, and ends the sign-in (RFC 9700, section 4.14.2).
func (s *Server) redeemRefresh(c *call) (any, *failure) {
	token := c.form.Get("refresh_token")
	if token == "" {
		return nil, missing("refresh_token")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.refresh[sha256.Sum256([]byte(token))]
	switch {
	case t == nil:
		return nil, fail(70000, "invalid_grant", "Provided grant is invalid or malformed.").withSubcode("bad_token")
	case t.family.confidential && c.credential == "":
		return nil, needCredential()
	case t.family.revoked:
		return nil, fail(50173, "invalid_grant", "The provided grant has expired due to it being revoked, a fresh auth token is needed.").
			withSubcode("bad_token")
	case !t.used.IsZero() && !s.opts.ReusableRefreshTokens:
		t.family.revoked = true
		return nil, fail(70000, "invalid_grant", "Provided grant was used before. It and all that came of it is revoked.").
			withSubcode("bad_token")
	}
	scope := c.form.Get("scope")
	if scope == "" {
		return nil, missing("scope")
	}
	want, f := parseScopes(scope)
	if f != nil {
		return nil, f
	}
	realm, f := s.admit(c.at, t.family.account, refreshTokenGrant)
	if f != nil {
		return nil, f // the token stays good
	}
	t.used = s.now()
	want.offline = true // a used token is always replaced
	return s.answer(c, t.family, want, c.form.Get("claims"), realm), nil
}

// clientCredentials gives the application a token of its own.
func (s *Server) clientCredentials(c *call) (any, *failure) {
	if c.credential == "" {
		return nil, needCredential()
	}
	if c.form.Get("scope") == "" {
		return nil, missing("scope")
	}
	want, f := parseScopes(c.form.Get("scope"))
	if f != nil {
		return nil, f
	}
	if !want.dflt {
		return nil, fail(1002012, "invalid_scope", "The provided value for scope is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.reject(clientCredentialsGrant, ""); f != nil {
		return nil, f
	}
	return s.answer(c, nil, want, c.form.Get("claims"), c.at.tenant), nil
}

// admit returns the tenant in which an account gets tokens by a grant, or why it gets none. s.mu is held.
func (s *Server) admit(at authority, a Account, grant string) (string, *failure) {
	realm, f := s.realm(at, a)
	if f == nil {
		f = s.reject(grant, a.User)
	}
	return realm, f
}

// userOf finds the account a request is for, as far as that is known.
func (s *Server) userOf(form url.Values) string {
	if a, ok := s.account(form.Get("login_hint")); ok && form.Has("login_hint") {
		return a.User
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.refresh[sha256.Sum256([]byte(form.Get("refresh_token")))]; t != nil {
		return t.family.account.User
	}
	if d := s.devices[form.Get("device_code")]; d != nil {
		return d.account.User
	}
	if c := s.codes[form.Get("code")]; c != nil {
		return c.account.User
	}
	return ""
}

// sameSecret compares in constant time.
func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
