package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
)

// family is one sign-in and all that came of it.
type family struct {
	account      Account
	confidential bool // the client has shown a credential, and must go on doing so
	revoked      bool
	met          *requirement // that the client has asked a token with
}

// refreshToken can be used once, unless the options say otherwise.
type refreshToken struct {
	family *family
	used   time.Time // last; zero: not yet
}

// issueAccess makes an access token of a tenant. An Account without User makes it app-only. s.mu is held.
func (s *Server) issueAccess(a Account, want request, f *family, issuer, tenant string) string {
	now := s.now()
	expires := now.Add(s.lifetime)
	claims := map[string]any{
		"aud": want.resource, "iss": issuer, "iat": now.Unix(), "nbf": now.Unix(), "exp": expires.Unix(),
		"appid": s.opts.ClientID, "tid": tenant, "ver": "1.0", "uti": secret(16),
	}
	if a.User == "" {
		claims["roles"], claims["idtyp"] = want.scopes, "app"
	} else {
		claims["scp"], claims["idtyp"] = strings.Join(want.scopes, " "), "user"
		claims["oid"], claims["upn"], claims["name"] = objectID(a, tenant), a.User, a.Name
	}
	token := jwt(claims)
	s.access[sha256.Sum256([]byte(token))] = &accessToken{
		user: a.User, tenant: tenant, audience: want.resource, scopes: want.scopes, appOnly: a.User == "", expires: expires, family: f,
	}
	s.remember(token)
	return token
}

// issueRefresh makes a refresh token of a family. s.mu is held.
func (s *Server) issueRefresh(f *family) string {
	token := "1.AX" + secret(600)
	s.refresh[sha256.Sum256([]byte(token))] = &refreshToken{family: f}
	s.remember(token)
	return token
}

// tokenAnswer is the body of a successful answer of the token endpoint.
type tokenAnswer struct {
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope,omitempty"`
	ExpiresIn    int64  `json:"expires_in"`
	ExtExpiresIn int64  `json:"ext_expires_in"`
	RefreshIn    int64  `json:"refresh_in,omitempty"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	ClientInfo   string `json:"client_info,omitempty"`
}

// answer issues what a client asked for, in a tenant. f is nil for client credentials. s.mu is held.
func (s *Server) answer(c *call, f *family, want request, claims, tenant string) tokenAnswer {
	s.sweep()
	s.issued++
	life := int64(s.lifetime / time.Second)
	t := tokenAnswer{TokenType: "Bearer", ExpiresIn: life, ExtExpiresIn: life, RefreshIn: int64(s.refreshIn / time.Second)}
	if s.refreshIn == 0 && s.lifetime >= 2*time.Hour {
		t.RefreshIn = life / 2 // the real service's rule
	}
	issuer := c.base + "/" + tenant + "/v2.0"
	if f == nil {
		t.AccessToken = s.issueAccess(Account{}, want, nil, issuer, tenant)
		return t
	}
	if need := s.required[f.account.User]; need != nil && includes(claims, need.claims) {
		f.met = need
	}
	t.Scope = strings.Join(want.echo, " ")
	t.AccessToken = s.issueAccess(f.account, want, f, issuer, tenant)
	if want.offline {
		t.RefreshToken = s.issueRefresh(f)
	}
	if want.openid {
		t.IDToken = s.idToken(f.account, issuer, tenant)
	}
	if c.form.Get("client_info") == "1" {
		// Of the home tenant, whichever this is.
		t.ClientInfo = encode(map[string]any{"uid": f.account.ObjectID, "utid": f.account.TenantID})
	}
	return t
}

// idToken makes an id token. s.mu is held.
func (s *Server) idToken(a Account, issuer, tenant string) string {
	now := s.now()
	claims := map[string]any{
		"aud": s.opts.ClientID, "iss": issuer, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"oid": objectID(a, tenant), "sub": guidOf("sub " + a.User), "preferred_username": a.User, "name": a.Name,
		"tid": tenant, "ver": "2.0", "uti": secret(16),
	}
	if tenant != a.TenantID {
		claims["idp"] = "https://sts.windows.net/" + a.TenantID + "/" // where a guest comes from
	}
	token := jwt(claims)
	s.remember(token)
	return token
}

// sweep forgets what has been over for a day, so that a server that runs for long does not grow. s.mu is held.
func (s *Server) sweep() {
	now := s.now()
	if since := now.Sub(s.swept); since >= 0 && since < time.Minute { // negative: the clock was put back
		return
	}
	s.swept = now
	for sum, t := range s.access {
		if now.Sub(t.expires) > 24*time.Hour {
			delete(s.access, sum)
		}
	}
	for sum, t := range s.refresh {
		if !t.used.IsZero() && now.Sub(t.used) > keepUsed(s.opts.ReusableRefreshTokens) {
			delete(s.refresh, sum)
		}
	}
	for code, d := range s.devices {
		if now.After(d.expires.Add(time.Hour)) { // kept a while, to be told that it expired and not that it never was
			delete(s.devices, code)
		}
	}
	for code, c := range s.codes {
		if now.After(c.expires.Add(time.Hour)) {
			delete(s.codes, code)
		}
	}
	maps.DeleteFunc(s.used, func(_ string, end time.Time) bool { return now.After(end) })
	maps.DeleteFunc(s.presented, func(_ [sha256.Size]byte, end time.Time) bool { return now.After(end) })
}

// keepUsed is how long a refresh token is remembered after its last use: to know a second use for what it is, or, where more
// uses are allowed, as long as those of the real service live.
func keepUsed(reusable bool) time.Duration {
	if reusable {
		return 90 * 24 * time.Hour
	}
	return 24 * time.Hour
}

// jwt looks like a signed token. The signature is noise: tokens are looked up, their content is not believed.
func jwt(claims map[string]any) string {
	noise := make([]byte, 256)
	rand.Read(noise) // never fails
	header := map[string]any{"typ": "JWT", "alg": "RS256", "kid": "calwatch-fake"}
	return encode(header) + "." + encode(claims) + "." + base64.RawURLEncoding.EncodeToString(noise)
}

// encode is base64url without padding of v's JSON.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("signin: own types cannot be marshalled: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// includes says whether the claims parameter given has everything that want has. Clients merge other claims into it.
func includes(given, want string) bool {
	var g, w any
	if json.Unmarshal([]byte(given), &g) != nil || json.Unmarshal([]byte(want), &w) != nil {
		return given == want
	}
	return covers(g, w)
}

func covers(given, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		g, ok := given.(map[string]any)
		for k, v := range want {
			if have, there := g[k]; !ok || !there || !covers(have, v) {
				return false
			}
		}
		return ok
	case []any:
		g, ok := given.([]any)
		if !ok || len(g) != len(want) {
			return false
		}
		for i := range want {
			if !covers(g[i], want[i]) {
				return false
			}
		}
		return true
	}
	return given == want
}
