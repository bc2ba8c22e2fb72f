package signin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"time"
)

const deviceCodeURN = "urn:ietf:params:oauth:grant-type:device_code" // RFC 8628; MSAL writes "device_code"

// token serves the token endpoint.
func (s *Server) token(form url.Values, base string) (any, *failure) {
	if f := s.client(form); f != nil {
		return nil, f
	}
	switch form.Get("grant_type") {
	case "":
		return nil, missing("grant_type")
	case "device_code", deviceCodeURN:
		return s.redeemDevice(form, base)
	case "authorization_code":
		return s.redeemCode(form, base)
	case "refresh_token":
		return s.redeemRefresh(form, base)
	case "client_credentials":
		return s.clientCredentials(form, base)
	}
	return nil, fail(70003, "unsupported_grant_type", "The app requested an unsupported grant type.")
}

// redeemRefresh exchanges a refresh token for new tokens. Each can be used once; a second use means that somebody has a
// copy, and ends the sign-in (RFC 9700, section 4.14.2).
func (s *Server) redeemRefresh(form url.Values, base string) (any, *failure) {
	token := form.Get("refresh_token")
	if token == "" {
		return nil, missing("refresh_token")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.refresh[sha256.Sum256([]byte(token))]
	switch {
	case t == nil:
		return nil, fail(70000, "invalid_grant", "Provided grant is invalid or malformed.").withSubcode("bad_token")
	case t.family.revoked:
		return nil, fail(50173, "invalid_grant", "The provided grant has expired due to it being revoked, a fresh auth token is needed.").
			withSubcode("bad_token")
	case !t.used.IsZero():
		t.family.revoked = true
		return nil, fail(70000, "invalid_grant", "Provided grant was used before. It and all that came of it is revoked.").
			withSubcode("bad_token")
	}
	scope := form.Get("scope")
	if scope == "" {
		return nil, missing("scope")
	}
	want, f := parseScopes(scope)
	if f != nil {
		return nil, f
	}
	t.used = time.Now()
	want.offline = true // a used token is always replaced
	return s.answer(t.family, want, form.Get("claims"), form.Get("client_info"), base), nil
}

// clientCredentials gives the application a token of its own.
func (s *Server) clientCredentials(form url.Values, base string) (any, *failure) {
	if !form.Has("client_secret") {
		return nil, fail(7000218, "invalid_client", "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.").
			withStatus(http.StatusUnauthorized)
	}
	if form.Get("scope") == "" {
		return nil, missing("scope")
	}
	want, f := parseScopes(form.Get("scope"))
	if f != nil {
		return nil, f
	}
	if !want.dflt {
		return nil, fail(1002012, "invalid_scope", "The provided value for scope is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answer(nil, want, form.Get("claims"), "", base), nil
}

// userOf finds the account a request is for, as far as that is known.
func (s *Server) userOf(form url.Values) string {
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
