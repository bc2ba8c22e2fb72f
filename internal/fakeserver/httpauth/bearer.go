package httpauth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// The challenge that every 401 carries where tokens are taken. It is the service's own, word for word; nothing is to be
// fetched from there.
const bearerChallenge = `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", ` +
	`trusted_issuers="00000001-0000-0000-c000-000000000000@*", ` +
	`token_types="app_asserted_user_v1 service_asserted_app_v1", ` +
	`authorization_uri="https://login.windows.net/common/oauth2/authorize"`

// refusal is why a request is refused.
type refusal struct {
	code   int    // 0: there were no credentials, or none to say anything about
	reason string // the text to the code
	claims string // that the next token must have
}

var missing refusal

// The codes of x-ms-diagnostics.
const (
	codeSignature = 2000000
	codeToken     = 2000001
	codeExpired   = 2000002
	codeResource  = 2000003
	codeTenant    = 2000004
	codeUser      = 2000005
	codeClient    = 2000006
	codeInternal  = 2000007
	codeGrant     = 2000008
)

// categories has the error_category of each code, and what the service says with it. The documentation calls the field
// error_type. Texts that were not seen are our choice.
var categories = map[int][2]string{
	codeSignature: {"invalid_signature", "The token has an invalid signature."},
	codeToken:     {"invalid_token", "The token is invalid."},
	codeExpired:   {"token_expired", "The token has expired."},
	codeResource:  {"invalid_resource", "The audience claim value is invalid 'aud'."},
	codeTenant:    {"invalid_tenant", "The tenant for tenant guid does not exist."},
	codeUser:      {"invalid_user", "The user specified by the user-context in the token does not exist or is ambiguous."},
	codeClient:    {"invalid_client", "The application is not known to the tenant."},
	codeInternal:  {"internal_error", "The token could not be checked."},
	codeGrant:     {"invalid_grant", "The token contains not enough scope to make this call."},
}

func refuseWith(code int) refusal { return refusal{code: code, reason: categories[code][1]} }

func (f refusal) challenge() string {
	switch {
	case f.claims != "":
		return fmt.Sprintf(`%s, error="insufficient_claims", claims="%s"`, bearerChallenge,
			base64.StdEncoding.EncodeToString([]byte(f.claims)))
	case f.code != 0:
		return bearerChallenge + `, error="invalid_token"`
	}
	return bearerChallenge
}

func (f refusal) diagnostics() string {
	return fmt.Sprintf(`%d;reason="%s";error_category="%s"`, f.code, f.reason, categories[f.code][0])
}

// checkBearer judges a token.
func (s *Server) checkBearer(token string) (signin.Grant, refusal, bool) {
	grant, reason := signin.Grant{}, signin.RefuseUnknown
	if s.opts.Inspect != nil {
		grant, reason = s.opts.Inspect(token)
	}
	if code, ok := s.takeDenial(grant.User); ok {
		return grant, refuseWith(code), false
	}
	switch reason {
	case signin.Accepted:
		if !mayUse(grant) {
			return grant, refuseWith(codeGrant), false
		}
		return grant, refusal{}, true
	case signin.RefuseExpired:
		return grant, refuseWith(codeExpired), false
	case signin.RefuseAudience:
		return grant, refuseWith(codeResource), false
	case signin.RefuseClaims:
		f := refuseWith(codeToken)
		f.reason, f.claims = "The token does not have the required claims.", grant.Claims
		return grant, f, false
	}
	return grant, refuseWith(codeToken), false
}

// mayUse says whether a token is good for Exchange Web Services. Application permissions are not looked at.
func mayUse(grant signin.Grant) bool {
	return grant.AppOnly || slices.ContainsFunc(grant.Scopes, func(scope string) bool {
		return strings.EqualFold(scope, "EWS.AccessAsUser.All") || strings.EqualFold(scope, "user_impersonation")
	})
}

// Denial makes good bearer tokens be refused.
type Denial struct {
	Code int `json:"code"` // of x-ms-diagnostics: 2000000 to 2000008
	// User limits it to one account's tokens; "" means everybody's, applications' included.
	User string `json:"user,omitzero"`
	// Times counts refusals. 0 means 1; -1 means until lifted.
	Times int `json:"times,omitzero"`
}

// Deny arms a Denial. Those that were armed first come first.
func (s *Server) Deny(d Denial) error {
	if _, ok := categories[d.Code]; !ok {
		return fmt.Errorf("httpauth: no code %d; there are %v", d.Code, slices.Sorted(maps.Keys(categories)))
	}
	if d.Times < -1 {
		return errors.New("httpauth: a denial's Times cannot be negative, except -1")
	}
	if d.Times == 0 {
		d.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denials = append(s.denials, &d)
	return nil
}

// LiftDenials takes every Denial back.
func (s *Server) LiftDenials() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denials = nil
}

func (s *Server) takeDenial(user string) (code int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, d := range s.denials {
		if d.User != "" && !strings.EqualFold(d.User, user) {
			continue
		}
		if d.Times > 0 {
			if d.Times--; d.Times == 0 {
				s.denials = slices.Delete(s.denials, i, i+1)
			}
		}
		return d.Code, true
	}
	return 0, false
}
