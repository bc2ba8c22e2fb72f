package signin

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// nativeClient is the redirect URI that the real service registers for programs without a web server.
const nativeClient = "https://login.microsoftonline.com/common/oauth2/nativeclient"

const codeLifetime = 10 * time.Minute

// authCode is an authorization code. All fields are guarded by Server.mu.
type authCode struct {
	account   Account
	want      request
	claims    string
	redirect  string
	challenge string
	expires   time.Time
	family    *family // once redeemed
}

// authorize serves the authorization endpoint. Nobody is asked: the account that login_hint names, or the first one, signs in.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if f := s.client(q); f != nil {
		f.write(w, r)
		return
	}
	redirect := q.Get("redirect_uri")
	if !validRedirect(redirect) {
		// Never sent to an address that is not trusted.
		fail(50011, "invalid_request", "The redirect URI specified in the request does not match the redirect URIs configured for the application.").write(w, r)
		return
	}
	result := url.Values{}
	if q.Get("state") != "" {
		result.Set("state", q.Get("state"))
	}
	if code, f := s.authorizeCode(q); f != nil {
		body := f.body(r, baseURL(r))
		result.Set("error", body.Error)
		result.Set("error_description", body.Description)
		result.Set("error_uri", body.URI)
	} else {
		result.Set("code", code)
	}
	if q.Get("response_mode") == "form_post" {
		s.postBack(w, redirect, result)
		return
	}
	target, err := url.Parse(redirect)
	if err != nil {
		panic("signin: a valid redirect URI cannot be parsed")
	}
	have := target.Query()
	maps.Copy(have, result)
	target.RawQuery = have.Encode()
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, target.String(), http.StatusFound)
}

// authorizeCode checks the request and makes a code.
func (s *Server) authorizeCode(q url.Values) (string, *failure) {
	account, known := s.account(q.Get("login_hint"))
	mode := q.Get("response_mode")
	challenge := q.Get("code_challenge")
	switch {
	case q.Get("response_type") != "code":
		return "", fail(700054, "unsupported_response_type", "response_type must be 'code' for this application.")
	case mode != "" && mode != "query" && mode != "form_post":
		return "", fail(70007, "invalid_request", "The provided value for the input parameter 'response_mode' is not supported.")
	case q.Get("scope") == "":
		return "", missing("scope")
	case challenge == "":
		return "", fail(9002325, "invalid_request", "Proof Key for Code Exchange is required for authorization code redemption.")
	case q.Get("code_challenge_method") != "S256":
		return "", fail(501491, "invalid_request", "Invalid code_challenge_method: only S256 is accepted.")
	case len(challenge) != 43: // base64url of 32 bytes
		return "", fail(501491, "invalid_request", "Invalid size of Code_Challenge parameter.")
	case !known:
		return "", fail(50034, "invalid_request", "The user account does not exist in the directory.")
	}
	want, f := parseScopes(q.Get("scope"))
	if f != nil {
		return "", f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	if len(s.codes) >= maxPending {
		return "", fail(90055, "temporarily_unavailable", "The server terminated an operation because it encountered excessive requests.")
	}
	code := "1.AU" + secret(300)
	s.codes[code] = &authCode{
		account: account, want: want, claims: q.Get("claims"), redirect: q.Get("redirect_uri"),
		challenge: challenge, expires: time.Now().Add(codeLifetime),
	}
	s.remember(code)
	return code, nil
}

// redeemCode exchanges an authorization code for tokens.
func (s *Server) redeemCode(form url.Values, base string) (any, *failure) {
	for _, name := range []string{"code", "redirect_uri"} {
		if form.Get(name) == "" {
			return nil, missing(name)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.codes[form.Get("code")]
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	switch {
	case c == nil:
		return nil, fail(9002313, "invalid_grant", "Invalid request. Request is malformed or invalid.")
	case c.family != nil:
		c.family.revoked = true // RFC 6749, section 4.1.2
		return nil, fail(54005, "invalid_grant", "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.")
	case !time.Now().Before(c.expires):
		return nil, fail(70008, "invalid_grant", "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.")
	case c.redirect != form.Get("redirect_uri"):
		return nil, fail(50011, "invalid_grant", "The redirect URI specified in the request does not match the one the authorization code was issued for.")
	case !validVerifier(form.Get("code_verifier")):
		return nil, fail(501471, "invalid_grant", "Invalid size of Code_Verifier parameter.")
	case !sameSecret(base64.RawURLEncoding.EncodeToString(sum[:]), c.challenge):
		return nil, fail(501481, "invalid_grant", "The Code_Verifier does not match the code_challenge supplied in the authorization request.")
	}
	want := c.want
	if form.Get("scope") != "" {
		var f *failure
		if want, f = parseScopes(form.Get("scope")); f != nil {
			return nil, f
		}
	}
	claims := form.Get("claims")
	if claims == "" {
		claims = c.claims
	}
	c.family = &family{account: c.account}
	return s.answer(c.family, want, claims, form.Get("client_info"), base), nil
}

// validVerifier is RFC 7636, section 4.1.
func validVerifier(v string) bool {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	return len(v) >= 43 && len(v) <= 128 && strings.Trim(v, unreserved) == ""
}

// validRedirect accepts the loopback addresses of RFC 8252, section 7.3, with any port and path, and the native client's.
func validRedirect(redirect string) bool {
	if redirect == nativeClient {
		return true
	}
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
