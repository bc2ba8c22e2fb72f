package signin

import (
	"crypto/sha256"
	"maps"
	"strings"
	"time"
)

// RefuseReason says why a bearer token is not accepted; Accepted says that it is.
type RefuseReason string

// The reasons. All mean 401 at a resource; RefuseClaims comes with a claims challenge.
const (
	Accepted       RefuseReason = ""
	RefuseMissing  RefuseReason = "missing"         // there is no token
	RefuseUnknown  RefuseReason = "unknown"         // never issued, or so long ago that it is forgotten
	RefuseExpired  RefuseReason = "expired"         // its life is over
	RefuseRevoked  RefuseReason = "revoked"         // by Revoke
	RefuseAudience RefuseReason = "wrong audience"  // issued for another resource than Outlook
	RefuseClaims   RefuseReason = "claims required" // RequireClaims wants a token asked for with Grant.Claims
)

// Grant is what a token stands for.
type Grant struct {
	User      string   // address; "" if AppOnly
	Scopes    []string // sorted, without the resource: "Calendars.Read"; for AppOnly the application's roles
	AppOnly   bool
	TenantID  string // of the tenant it was issued in
	ExpiresOn time.Time
	Claims    string // for RefuseClaims: the JSON that the next request for a token must carry
}

// accessToken is a token that was issued. Its fields but expires and revoked do not change.
type accessToken struct {
	user     string
	tenant   string
	audience string
	scopes   []string
	appOnly  bool
	expires  time.Time
	revoked  bool
	family   *family // nil if it came without a sign-in
}

// Inspect says what bearer, the value of a token, stands for and whether it is accepted now. The Grant is filled, as far as
// the token is known, also when it is refused.
func (s *Server) Inspect(bearer string) (Grant, RefuseReason) {
	if bearer == "" {
		return Grant{}, RefuseMissing
	}
	sum := sha256.Sum256([]byte(bearer))
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.access[sum]
	if t == nil {
		return Grant{}, RefuseUnknown
	}
	g := Grant{User: t.user, Scopes: t.scopes, AppOnly: t.appOnly, TenantID: t.tenant, ExpiresOn: t.expires}
	switch {
	case t.revoked:
		return g, RefuseRevoked
	case !s.now().Before(t.expires):
		return g, RefuseExpired
	case t.audience != outlookResource:
		return g, RefuseAudience
	}
	if need := s.required[t.user]; need != nil && !t.appOnly && (t.family == nil || t.family.met != need) {
		g.Claims = need.claims
		return g, RefuseClaims
	}
	return g, Accepted
}

// Check is Inspect for those who need the user only.
func (s *Server) Check(bearer string) (user string, reason RefuseReason, ok bool) {
	g, reason := s.Inspect(bearer)
	return g.User, reason, reason == Accepted
}

// Issue returns an access token for Outlook straight away, without a sign-in. user "" gives an app-only token; no scopes
// give all read and write scopes. Scopes may be written with or without the resource. An unknown user is taken as it is.
func (s *Server) Issue(user string, scopes ...string) string {
	want := request{resource: outlookResource, scopes: allScopes()}
	if len(scopes) > 0 {
		want.scopes = shortScopes(scopes)
	}
	a, known := s.account(user)
	if user == "" {
		a = Account{}
	} else if !known {
		a = Account{User: user}
		fill(&a, s.opts.Tenant)
	}
	tenant := a.TenantID
	setDefault(&tenant, s.opts.Tenant)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	return s.issueAccess(a, want, nil, "https://sts.windows.net/"+tenant+"/", tenant)
}

// ExpireToken ends the life of one access token now. It reports whether the token was alive: known, and neither expired
// nor revoked.
func (s *Server) ExpireToken(bearer string) bool {
	sum := sha256.Sum256([]byte(bearer))
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.access[sum]
	if t == nil {
		return false
	}
	now := s.now()
	alive := !t.revoked && now.Before(t.expires)
	t.expires = earlier(t.expires, now)
	return alive
}

// ExpireTokens ends the life of every access token now. Refresh tokens stay good.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.access {
		t.expires = earlier(t.expires, s.now())
	}
}

// Revoke ends all sign-ins of a user: access tokens are refused, refresh tokens are answered with invalid_grant.
func (s *Server) Revoke(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.access {
		if strings.EqualFold(t.user, user) {
			t.revoked = true
		}
	}
	for _, t := range s.refresh {
		if strings.EqualFold(t.family.account.User, user) {
			t.family.revoked = true
		}
	}
	maps.DeleteFunc(s.sessions, func(signedIn string, _ bool) bool { return strings.EqualFold(signedIn, user) })
}

// RequireClaims makes Inspect refuse the user's tokens with RefuseClaims until the user's client has asked for one with
// claims, a JSON object: then that token is accepted, and those that come of the same sign-in later. "" lifts it.
func (s *Server) RequireClaims(user, claims string) {
	if a, ok := s.account(user); ok {
		user = a.User
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.required, user)
	if claims != "" {
		s.required[user] = &requirement{claims}
	}
}

// requirement is one call of RequireClaims. Two with the same claims are not the same.
type requirement struct{ claims string }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
