package signin

import (
	"maps"
	"slices"
	"time"
)

// TokenRequest is one request to the token endpoint. No secret is in it.
type TokenRequest struct {
	Time       time.Time `json:"time"`                // by the authority's clock
	Tenant     string    `json:"tenant"`              // as in the URL
	GrantType  string    `json:"grant_type"`          // "device_code" also where RFC 8628's name was written; "other" for one that is not known
	User       string    `json:"user,omitzero"`       // address; "" for the application, and where it is not known
	Scope      string    `json:"scope,omitzero"`      // as the client wrote it
	Claims     string    `json:"claims,omitzero"`     // as the client wrote it
	Credential string    `json:"credential,omitzero"` // "secret", "certificate", "federated"; "" for none
	Status     int       `json:"status"`              // 0 while there is no answer, and if there was none
	Code       int       `json:"code,omitzero"`       // the number after AADSTS; 0 for a success, and for a fault
}

// maxRequests is how many requests are remembered; the oldest go first.
const maxRequests = 10_000

// requestLog is what is known of the requests to the token endpoint. It is guarded by Server.mu.
type requestLog struct {
	list   []*TokenRequest
	grants map[string]int // by grant type
	open   map[string]int // by user
	peak   map[string]int // by user
}

func newRequestLog() requestLog {
	return requestLog{grants: map[string]int{}, open: map[string]int{}, peak: map[string]int{}}
}

// Requests returns the requests to the token endpoint so far, those that failed included, in the order in which they came; the
// latest 10,000.
func (s *Server) Requests() []TokenRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]TokenRequest, len(s.log.list))
	for i, r := range s.log.list {
		all[i] = *r
	}
	return all
}

// Grants returns how many requests there were to the token endpoint, by grant type and those that failed included. Each poll of a
// device code is one.
func (s *Server) Grants() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.log.grants)
}

// PeakRequests returns how many requests to the token endpoint for one account have been in progress at once at most, a fault's
// delay included. user "" stands for those of the application, and those whose account is not known.
func (s *Server) PeakRequests(user string) int {
	if a, ok := s.account(user); ok && user != "" {
		user = a.User
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.peak[user]
}

// ForgetRequests makes Requests, Grants and PeakRequests begin anew. TokenRequests goes on counting.
func (s *Server) ForgetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.list = nil
	clear(s.log.grants)
	s.log.peak = maps.Clone(s.log.open) // those are still in progress
}

// begin notes a request to the token endpoint. end is to be called with how it was answered.
func (s *Server) begin(c *call) (end func(status int, f *failure)) {
	user := s.userOf(c.form)
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.log
	r := &TokenRequest{
		Time: s.now(), Tenant: c.at.name, GrantType: grantName(c.form.Get("grant_type")), User: user,
		Scope: c.form.Get("scope"), Claims: c.form.Get("claims"),
	}
	l.list = append(l.list, r)
	if len(l.list) > maxRequests {
		l.list = slices.Delete(l.list, 0, 1)
	}
	l.grants[r.GrantType]++
	l.open[user]++
	l.peak[user] = max(l.peak[user], l.open[user])
	return func(status int, f *failure) {
		s.mu.Lock()
		defer s.mu.Unlock()
		r.Status, r.Credential = status, c.credential
		if f != nil {
			r.Code = f.aadsts
		}
		if l.open[user]--; l.open[user] <= 0 {
			delete(l.open, user)
		}
	}
}

// grantName is how the log names a grant type.
func grantName(grant string) string {
	switch grant {
	case deviceCodeURN:
		return deviceCodeGrant
	case "", deviceCodeGrant, authorizationCodeGrant, refreshTokenGrant, clientCredentialsGrant:
		return grant
	}
	return "other"
}
