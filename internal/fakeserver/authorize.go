package fakeserver

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// The challenge that every 401 carries. It is the service's own, word for word; nothing is to be fetched from there.
const challenge = `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", ` +
	`trusted_issuers="00000001-0000-0000-c000-000000000000@*", ` +
	`token_types="app_asserted_user_v1 service_asserted_app_v1", ` +
	`authorization_uri="https://login.windows.net/common/oauth2/authorize", `

// authenticate lets a request through whose token is good, or answers it.
func (s *Server) authenticate(c *call) bool {
	token, _ := bearer(c.r)
	grant, reason := s.signIn.Inspect(token)
	if reason == signin.Accepted && !grant.AppOnly {
		if _, ok := s.dir.named(grant.User); !ok {
			reason = signin.RefuseUnknown
		}
	}
	if reason == signin.Accepted {
		c.grant = grant
		return true
	}
	setChallenge(c.w.Header(), reason, grant.Claims)
	c.w.WriteHeader(http.StatusUnauthorized)
	return false
}

// setChallenge sets the headers of the service's 401, which has no body: the reason is in headers only.
func setChallenge(h http.Header, reason signin.RefuseReason, claims string) {
	bearerChallenge := challenge + `error="invalid_token"`
	diagnostics := `2000001;reason="The token is invalid.";error_category="invalid_token"`
	switch reason {
	case signin.RefuseMissing:
		diagnostics = `2000001;reason="There is no token.";error_category="invalid_token"`
	case signin.RefuseExpired:
		diagnostics = `2000002;reason="The token has expired.";error_category="token_expired"`
	case signin.RefuseAudience:
		diagnostics = `2000003;reason="The audience claim value is invalid for the current resource.";error_category="invalid_resource"`
	case signin.RefuseClaims:
		bearerChallenge = challenge + fmt.Sprintf(`error="insufficient_claims", claims="%s"`,
			base64.StdEncoding.EncodeToString([]byte(claims)))
		diagnostics = `2000001;reason="The token does not have the required claims.";error_category="invalid_token"`
	}
	h.Add("WWW-Authenticate", bearerChallenge)
	h.Add("WWW-Authenticate", `Basic Realm=""`)
	h.Set("x-ms-diagnostics", diagnostics)
	h.Set("X-BackEndHttpStatus", "401, 401")
	h.Set("Content-Length", "0")
}

// mayRead says whether a token is good for reading items of a kind. Application permissions are not looked at.
func mayRead(grant signin.Grant, kind itemKind) bool {
	if grant.AppOnly {
		return true
	}
	for _, scope := range grant.Scopes {
		scope = strings.ToLower(scope)
		scope = scope[strings.LastIndexByte(scope, '/')+1:]
		scope = strings.TrimSuffix(scope, ".shared")
		if scope == kind.scope+".read" || scope == kind.scope+".readwrite" {
			return true
		}
	}
	return false
}
