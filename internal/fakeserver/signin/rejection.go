package signin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Rejection makes an account's requests fail as the real service lets them fail: conditional access, consent, passwords.
type Rejection struct {
	// Code is the number after AADSTS, one of RejectionCodes.
	Code int
	// User is the account's address; "" for everybody, and for the application itself.
	User string
	// On is what is rejected: a grant type ("refresh_token", "authorization_code", "device_code", "client_credentials") at the token
	// endpoint, or "authorize" for the authorization endpoint. "" for all that can end with this code.
	On string
	// Times is how many requests are rejected. 0 means 1; -1 means until it is lifted.
	Times int
}

// rejectables are what a Rejection can be on.
func rejectables() []string {
	return []string{refreshTokenGrant, authorizationCodeGrant, deviceCodeGrant, clientCredentialsGrant, onAuthorize}
}

// Reject arms a rejection. A rejected request uses nothing up but the identifier of its assertion: the same refresh token or code
// is good once the rejection is lifted. Rejections are tried in the order in which they came. An error says which there are.
func (s *Server) Reject(r Rejection) error {
	kind, ok := findRejection(r.Code)
	switch {
	case !ok:
		return fmt.Errorf("no rejection with AADSTS%d; there are %v", r.Code, RejectionCodes())
	case r.On != "" && !slices.Contains(rejectables(), r.On):
		return fmt.Errorf("no rejection on %q; there are %s", r.On, strings.Join(rejectables(), ", "))
	case r.On != "" && !kind.happensOn(r.On):
		return fmt.Errorf("AADSTS%d does not happen on %q", r.Code, r.On)
	case r.Times < -1:
		return fmt.Errorf("AADSTS%d: times must be at least -1", r.Code)
	}
	if r.User != "" {
		a, known := s.account(r.User)
		if !known {
			return fmt.Errorf("AADSTS%d: there is no account %q", r.Code, r.User)
		}
		r.User = a.User
	}
	setDefault(&r.Times, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejections = append(s.rejections, &r)
	return nil
}

// Lift takes back all rejections of a user; "" takes back all there are.
func (s *Server) Lift(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejections = slices.DeleteFunc(s.rejections, func(r *Rejection) bool { return user == "" || strings.EqualFold(r.User, user) })
}

// DenyNext lets the person at the browser cancel the next sign-in: the redirect URI is told access_denied.
func (s *Server) DenyNext() {
	if err := s.Reject(Rejection{Code: 65004, On: onAuthorize}); err != nil {
		panic("signin: an own rejection is refused: " + err.Error())
	}
}

// reject takes one rejection of a request, if there is any. user is "" for the application. s.mu is held.
func (s *Server) reject(on, user string) *failure {
	for i, r := range s.rejections {
		kind, _ := findRejection(r.Code)
		if r.User != "" && r.User != user || r.On != "" && r.On != on || !kind.happensOn(on) {
			continue
		}
		if r.Times > 0 {
			r.Times--
		}
		if r.Times == 0 {
			s.rejections = slices.Delete(s.rejections, i, i+1)
		}
		return s.rejection(r.Code, user)
	}
	return nil
}

// rejection makes the answer of a kind.
func (s *Server) rejection(code int, user string) *failure {
	kind, _ := findRejection(code)
	text := strings.NewReplacer("{app}", s.opts.ClientID, "{resource}", exchangeOnline).Replace(kind.text)
	f := fail(code, kind.oauth, text).withSubcode(kind.sub)
	f.redirect = kind.authorize
	if kind.oauth == "invalid_client" {
		f.status = http.StatusUnauthorized
	}
	if kind.claims {
		f.claims = fmt.Sprintf(`{"access_token":{"capolids":{"essential":true,"values":["%s"]}}}`, guidOf("policy for "+user))
	}
	return f
}
