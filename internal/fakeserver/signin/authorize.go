package signin

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// nativeClient is the redirect URI that the real service registers for programs without a web server.
const nativeClient = "https://login.microsoftonline.com/common/oauth2/nativeclient"

// onAuthorize is the authorization endpoint as a rejection names it.
const onAuthorize = "authorize"

const codeLifetime = 10 * time.Minute

// authCode is an authorization code. All fields are guarded by Server.mu.
type authCode struct {
	account   Account
	realm     string // the tenant that its tokens are for
	want      request
	claims    string
	redirect  string
	challenge string
	expires   time.Time
	family    *family // once redeemed
}

// authorize serves the authorization endpoint. Nobody is asked: the account that login_hint names, or the first one, signs in.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, at authority) {
	q := r.URL.Query()
	if f := s.application(q); f != nil {
		s.refuse(w, r, f)
		return
	}
	redirect := q.Get("redirect_uri")
	if !s.validRedirect(redirect) {
		// Never sent to an address that is not trusted.
		s.refuse(w, r, fail(50011, "invalid_request", "The redirect URI specified in the request does not match the redirect URIs configured for the application."))
		return
	}
	result := url.Values{}
	if q.Get("state") != "" {
		result.Set("state", q.Get("state"))
	}
	if code, f := s.authorizeCode(q, at); f != nil && f.code == "unauthorized_client" {
		s.refuse(w, r, f) // the real service shows a page
		return
	} else if f != nil {
		s.setFailure(result, f, r, q.Get("prompt"))
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

// setFailure adds what a redirect URI learns of a failure.
func (s *Server) setFailure(result url.Values, f *failure, r *http.Request, prompt string) {
	body := s.failureBody(f, r)
	code := cmp.Or(f.redirect, body.Error)
	if prompt == "none" && code == "access_denied" {
		code = "interaction_required" // nobody was there who could have been denied anything
	}
	result.Set("error", code)
	result.Set("error_description", body.Description)
	result.Set("error_uri", body.URI)
	for name, value := range map[string]string{"suberror": body.Suberror, "claims": body.Claims} {
		if value != "" {
			result.Set(name, value)
		}
	}
}

// authorizeCode checks the request and makes a code.
func (s *Server) authorizeCode(q url.Values, at authority) (string, *failure) {
	account, known := s.account(q.Get("login_hint"))
	mode, prompt := q.Get("response_mode"), q.Get("prompt")
	challenge := q.Get("code_challenge")
	switch {
	case q.Get("response_type") != "code":
		return "", fail(700054, "unsupported_response_type", "response_type must be 'code' for this application.")
	case mode != "" && mode != "query" && mode != "form_post":
		return "", fail(70007, "invalid_request", "The provided value for the input parameter 'response_mode' is not supported.")
	case !slices.Contains([]string{"", "login", "none", "consent", "select_account", "create"}, prompt):
		return "", fail(90023, "invalid_request", "Unsupported 'prompt' value.")
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
	if prompt == "none" && !s.sessions[account.User] {
		return "", s.rejection(50058, account.User)
	}
	realm, f := s.admit(at, account, onAuthorize)
	if f != nil {
		return "", f
	}
	s.sessions[account.User] = true
	code := "1.AU" + secret(300)
	s.codes[code] = &authCode{
		account: account, realm: realm, want: want, claims: q.Get("claims"), redirect: q.Get("redirect_uri"),
		challenge: challenge, expires: s.now().Add(codeLifetime),
	}
	s.remember(code)
	return code, nil
}

// redeemCode exchanges an authorization code for tokens.
func (s *Server) redeemCode(c *call) (any, *failure) {
	for _, name := range []string{"code", "redirect_uri"} {
		if c.form.Get(name) == "" {
			return nil, missing(name)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	code := s.codes[c.form.Get("code")]
	if f := s.checkCode(code, c); f != nil {
		return nil, f
	}
	want := code.want
	if c.form.Get("scope") != "" {
		var f *failure
		if want, f = parseScopes(c.form.Get("scope")); f != nil {
			return nil, f
		}
	}
	if f := s.reject(authorizationCodeGrant, code.account.User); f != nil {
		return nil, f
	}
	code.family = &family{account: code.account, confidential: c.credential != ""}
	return s.answer(c, code.family, want, cmp.Or(c.form.Get("claims"), code.claims), code.realm), nil
}

// checkCode says why a code cannot be redeemed by a call. s.mu is held.
func (s *Server) checkCode(code *authCode, c *call) *failure {
	sum := sha256.Sum256([]byte(c.form.Get("code_verifier")))
	switch {
	case code == nil:
		return fail(9002313, "invalid_grant", "Invalid request. Request is malformed or invalid.")
	case slices.Contains(s.opts.WebRedirects, code.redirect) && c.credential == "":
		return needCredential()
	case code.family != nil:
		code.family.revoked = true // RFC 6749, section 4.1.2
		return fail(54005, "invalid_grant", "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.")
	case !s.now().Before(code.expires):
		return fail(70008, "invalid_grant", "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.")
	case c.at.tenant != "" && c.at.tenant != code.realm:
		return fail(700005, "invalid_grant", "Provided Authorization Code is intended to use against other tenant, thus rejected.")
	case code.redirect != c.form.Get("redirect_uri"):
		return fail(50011, "invalid_grant", "The redirect URI specified in the request does not match the one the authorization code was issued for.")
	case !validVerifier(c.form.Get("code_verifier")):
		return fail(501471, "invalid_grant", "Invalid size of Code_Verifier parameter.")
	case !sameSecret(base64.RawURLEncoding.EncodeToString(sum[:]), code.challenge):
		return fail(501481, "invalid_grant", "The Code_Verifier does not match the code_challenge supplied in the authorization request.")
	}
	return nil
}

// validVerifier is RFC 7636, section 4.1.
func validVerifier(v string) bool {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	return len(v) >= 43 && len(v) <= 128 && strings.Trim(v, unreserved) == ""
}

// validRedirect accepts the loopback addresses of RFC 8252, section 7.3, with any port and path, the native client's, and those
// of the options.
func (s *Server) validRedirect(redirect string) bool {
	if redirect == nativeClient || slices.Contains(s.opts.WebRedirects, redirect) {
		return true
	}
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
