package oauth2auth_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/oauth2auth"
)

func TestErrorsAreSortedAndHaveNoSecrets(t *testing.T) {
	oauth := func(status int, code, more string) func(*http.Request, string) (*http.Response, error) {
		// A service that repeats the tokens in its error is odd, and what a log must not show.
		return always(status, func(b string) string {
			return `{"error":"` + code + `","error_codes":[999999],` + more + `"error_description":` + jsonString(b) + `,"error_uri":` + jsonString(b) + `}`
		})
	}
	broken := func(err error) func(*http.Request, string) (*http.Response, error) {
		return func(*http.Request, string) (*http.Response, error) { return nil, err }
	}
	for _, test := range []struct {
		name, want string
		kind       error
		answer     func(*http.Request, string) (*http.Response, error)
	}{
		{"grant gone", "AADSTS999999: auth: sign-in needed (invalid_grant)", auth.ErrInteractionRequired, oauth(400, "invalid_grant", "")},
		{"grant gone, with a good status", "AADSTS999999: auth: sign-in needed (invalid_grant)", auth.ErrInteractionRequired, oauth(200, "invalid_grant", "")},
		{"person wanted", "basic_action", auth.ErrInteractionRequired, oauth(400, "interaction_required", `"suberror":"basic_action","claims":"{}",`)},
		{"consent wanted", "consent_required", auth.ErrInteractionRequired, oauth(400, "consent_required", "")},
		{"secret expired", "its secret", auth.ErrMisconfigured, oauth(401, "invalid_client", "")},
		{"unknown client", "the client id and the tenant", auth.ErrMisconfigured, oauth(400, "unauthorized_client", "")},
		{"unknown scope", "check the scopes", auth.ErrMisconfigured, oauth(400, "invalid_scope", "")},
		{"something new", "check the client id, the tenant and the scopes", auth.ErrMisconfigured, oauth(400, "unheard_of", "")},
		{"throttled", "status 429", transient, oauth(429, "invalid_request", "")},
		{"failing", "status 503", transient, oauth(503, "invalid_grant", "")},
		{"failing in words", "temporarily_unavailable", transient, oauth(400, "temporarily_unavailable", "")},
		{"redirected", "status 307", transient, func(*http.Request, string) (*http.Response, error) {
			resp := reply(307, "")
			resp.Header.Set("Location", "https://elsewhere.test/token")
			return resp, nil
		}},
		{"tokens with a bad status", "status 400", transient, always(400, same)},
		{"tokens quoted as code", "status 400", transient, always(400, func(b string) string { return `{"error":` + jsonString(b) + `}` })},
		{"a piece of a token as code", "status 400)", transient, always(400, func(b string) string { return `{"error":"` + b[len(b)-40:len(b)-10] + `"}` })},
		{"a form", "invalid_grant", auth.ErrInteractionRequired, func(_ *http.Request, b string) (*http.Response, error) {
			resp := reply(400, "error=invalid_grant&error_description="+b)
			resp.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return resp, nil
		}},
		{"cut off", "without a token that can be used", transient, always(200, func(b string) string { return b[:len(b)-10] })},
		{"wrong type", "without a token that can be used", transient, always(200, func(b string) string {
			return strings.Replace(b, `"expires_in":3600`, `"expires_in":`+jsonString(b), 1)
		})},
		{"no token", "without a token that can be used", transient, always(200, func(b string) string { return strings.Replace(b, `"access_token"`, `"access"`, 1) })},
		{"too large", "larger than 1 MiB", transient, always(200, func(b string) string { return b + strings.Repeat(" ", 1<<20) })},
		{"another type", "another type than bearer", auth.ErrMisconfigured, always(200, func(b string) string { return strings.Replace(b, `"Bearer"`, `"pop"`, 1) })},
		{"no host", "signin.test cannot be reached: lookup signin.test: no such host", transient, broken(&net.DNSError{Err: "no such host", Name: "signin.test"})},
		{"reset", "read tcp: connection reset by peer", transient, broken(&net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset\nby peer")})},
		{"certificate", "cannot be trusted: tls: failed to verify", auth.ErrMisconfigured, broken(&tls.CertificateVerificationError{Err: errors.New("expired")})},
		{"timeout", "no answer in time", transient, broken(timeout{})},
		{"end", "connection ended", transient, broken(io.ErrUnexpectedEOF)},
		{"quoting", "network error", transient, func(_ *http.Request, b string) (*http.Response, error) {
			return nil, fmt.Errorf("malformed HTTP response %q", b) // as net/http's does
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, nil)
			p := w.provider(oauth2auth.Options{})
			w.net.set(test.answer)
			err := fails(t, p, auth.Request{}, test.kind, test.want)
			for _, secret := range append(w.server.Secrets(), w.first) {
				if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) || strings.Contains(err.Error(), secret[:20]) || strings.Contains(err.Error(), secret[len(secret)-20:]) {
					t.Errorf("a secret is in the error that begins with %.40q", err)
				}
			}
			if e, ok := errors.AsType[*auth.InteractionError](err); ok && e.SubCode == "basic_action" && e.Claims != "{}" {
				t.Errorf("got %#v", e)
			}
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("control characters in %q", err)
			}
			if n := len(w.net.asked()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

type timeout struct{}

func (timeout) Error() string   { return "waited with secret-1" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func TestTheStyleOfTheClientIsFoundOutOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.cfg.Endpoint.AuthStyle = oauth2.AuthStyleAutoDetect
	p := w.provider(oauth2auth.Options{})
	first := token(t, p, auth.Request{})
	if n := len(w.net.asked()); n != 2 {
		t.Errorf("%d requests, want 2: the server does not look at the Authorization header", n)
	}
	token(t, p, auth.Request{Rejected: first.Value})
	if n := len(w.net.asked()); n != 1 {
		t.Errorf("%d requests for the second token, want 1", n)
	}
}

func TestARefreshTokenIsNotSentAgainWhileTheStyleIsFoundOut(t *testing.T) {
	for name, answer := range map[string]func(*http.Request, string) (*http.Response, error){
		"used, then failing":      always(503, same),
		"used, then cut off":      func(*http.Request, string) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
		"used, then unreadable":   always(200, func(b string) string { return b[:len(b)-1] }),
		"refused":                 always(400, func(string) string { return `{"error":"invalid_grant"}` }),
		"refused for a scope":     always(400, func(string) string { return `{"error":"invalid_scope"}` }),
		"sent to another address": always(307, same),
	} {
		w := newWorld(t, nil)
		w.cfg.Endpoint.AuthStyle = oauth2.AuthStyleAutoDetect
		w.net.set(answer)
		if _, err := w.provider(oauth2auth.Options{}).Token(t.Context(), auth.Request{Scopes: scopes}); err == nil {
			t.Errorf("%s: got a token", name)
		}
		if n := len(w.net.asked()); n != 1 {
			t.Errorf("%s: %d requests, want 1", name, n)
		}
	}
}
