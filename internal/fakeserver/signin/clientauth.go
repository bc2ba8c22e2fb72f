package signin

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" // RFC 7523, section 2.2
	assertionSkew = 5 * time.Minute                                          // between the clocks, as the real service allows
)

// What a client can show who it is with.
const (
	bySecret      = "secret"
	byCertificate = "certificate"
	byFederation  = "federated"
)

// application refuses unknown applications.
func (s *Server) application(form url.Values) *failure {
	id := form.Get("client_id")
	switch {
	case id == "":
		return missing("client_id")
	case !strings.EqualFold(id, s.opts.ClientID):
		return fail(700016, "unauthorized_client", fmt.Sprintf(
			"Application with identifier '%s' was not found in the directory. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", id))
	}
	return nil
}

// invalidClient is the answer to a credential that is not accepted.
func invalidClient(aadsts int, text string) *failure {
	return fail(aadsts, "invalid_client", text).withStatus(http.StatusUnauthorized)
}

// authenticate looks at the credential of a request, if it has one, and notes its kind in the call.
func (s *Server) authenticate(c *call) *failure {
	hasSecret, hasAssertion := c.form.Has("client_secret"), c.form.Has("client_assertion")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case hasSecret && hasAssertion: // RFC 6749, section 2.3: not more than one
		return fail(9002313, "invalid_request", "Invalid request. There are a 'client_secret' and a 'client_assertion'.")
	case hasSecret:
		c.credential = bySecret
		return s.checkSecret(c.form.Get("client_secret"))
	case hasAssertion && !c.form.Has("client_assertion_type"):
		return missing("client_assertion_type")
	case hasAssertion && c.form.Get("client_assertion_type") != assertionType:
		return fail(9002313, "invalid_request", "Invalid request. The 'client_assertion_type' must be '"+assertionType+"'.")
	case hasAssertion:
		return s.checkAssertion(c)
	}
	return nil
}

// needCredential refuses a call without a credential.
func needCredential() *failure {
	return invalidClient(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
}

// checkSecret compares with every secret. s.mu is held.
func (s *Server) checkSecret(value string) *failure {
	i := slices.IndexFunc(s.clientSecrets, func(c clientSecret) bool { return sameSecret(c.value, value) })
	switch {
	case i < 0:
		return invalidClient(7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '"+s.opts.ClientID+"'.")
	case s.clientSecrets[i].expired:
		return invalidClient(7000222, "The provided client secret keys for app '"+s.opts.ClientID+"' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.")
	}
	return nil
}

// checkAssertion believes an assertion or says why not. s.mu is held.
func (s *Server) checkAssertion(c *call) *failure {
	raw := c.form.Get("client_assertion")
	a, err := parseAssertion(raw)
	if err != nil || a.claims.Issuer == "" || a.claims.Subject == "" || len(a.claims.Audience) == 0 || a.claims.Expires.IsZero() {
		return fail(50027, "invalid_request", "JWT token is invalid or malformed.")
	}
	s.rememberAssertion(raw, a.claims.Expires.Time)
	if !a.knownAlgorithm() {
		return invalidClient(5002738, fmt.Sprintf("Invalid JWT token. '%s' is not a supported signature algorithm. Supported signing algorithms are: 'RS256, PS256'.", a.header.Algorithm))
	}
	if strings.Contains(a.claims.Issuer, "://") { // an application's own assertion has the client id there
		c.credential = byFederation
		return first(a, s.checkFederated, s.checkTimes)
	}
	c.credential = byCertificate
	own := func(a *assertion) *failure { return s.checkOwn(a, c) }
	return first(a, s.checkKey, own, s.checkTimes, s.checkReplay)
}

// first returns what the first check has to say that does not pass. Those after it do not run.
func first(a *assertion, checks ...func(*assertion) *failure) *failure {
	for _, check := range checks {
		if f := check(a); f != nil {
			return f
		}
	}
	return nil
}

// checkKey verifies the signature with the registered certificate that the header names. s.mu is held.
func (s *Server) checkKey(a *assertion) *failure {
	if a.header.SHA256 == "" && a.header.SHA1 == "" {
		return invalidClient(5002723, "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, nor keyId are specified in token header.")
	}
	print := fmt.Sprintf("%X", thumbprint(cmp.Or(a.header.SHA256, a.header.SHA1)))
	refuse := func(reason string) *failure {
		return invalidClient(700027, fmt.Sprintf(
			"The certificate with identifier used to sign the client assertion is not registered on application. [Reason - %s., Thumbprint of key used by client: '%s', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '%s'.]",
			reason, print, s.opts.ClientID))
	}
	cert := s.certificate(a)
	if cert == nil {
		return refuse("The key was not found")
	}
	if !a.signedBy(publicKey(cert)) {
		return refuse("The provided signature value did not match the expected signature value")
	}
	if now := s.now(); now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return refuse("The key used is expired")
	}
	return nil
}

// checkOwn looks at who made the assertion, and for whom.
func (s *Server) checkOwn(a *assertion, c *call) *failure {
	if !strings.EqualFold(a.claims.Issuer, s.opts.ClientID) || !strings.EqualFold(a.claims.Subject, s.opts.ClientID) {
		return invalidClient(700021, "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .")
	}
	if !slices.ContainsFunc(a.claims.Audience, func(audience string) bool { return s.isTokenEndpoint(audience, c) }) {
		return invalidClient(700023, "Client assertion audience claim does not match Realm issuer. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .")
	}
	return nil
}

// isTokenEndpoint says whether a URL is the token endpoint of this call, under any name of its tenant.
func (s *Server) isTokenEndpoint(url string, c *call) bool {
	rest, ok := strings.CutPrefix(url, c.base+"/")
	name, ok2 := strings.CutSuffix(rest, "/oauth2/v2.0/token")
	if !ok || !ok2 {
		return false
	}
	at, f := s.authority(name)
	return f == nil && at.tenant == c.at.tenant && (at.tenant != "" || strings.EqualFold(at.name, c.at.name))
}

// checkFederated looks for the issuer of an assertion that is not the application's own. s.mu is held. Such assertions are
// used again and again while they live (a cluster hands a process one an hour), so that a second use is none of its business.
func (s *Server) checkFederated(a *assertion) *failure {
	left := slices.Clone(s.federated)
	for _, check := range []struct {
		aadsts int
		what   string
		is     func(Federated) bool
	}{
		{700211, "issuer '" + a.claims.Issuer + "'", func(f Federated) bool { return f.Issuer == a.claims.Issuer }},
		{700213, "subject '" + a.claims.Subject + "'", func(f Federated) bool { return f.Subject == a.claims.Subject }},
		{700212, "audience '" + strings.Join(a.claims.Audience, " ") + "'", func(f Federated) bool { return slices.Contains(a.claims.Audience, f.Audience) }},
	} {
		left = slices.DeleteFunc(left, func(f Federated) bool { return !check.is(f) })
		if len(left) == 0 {
			return invalidClient(check.aadsts, "No matching federated identity record found for presented assertion "+check.what+". Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation")
		}
	}
	if !slices.ContainsFunc(left, func(f Federated) bool { return a.signedBy(f.Key) }) {
		return invalidClient(50013, "Assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value.]")
	}
	return nil
}

// checkTimes compares with the authority's clock.
func (s *Server) checkTimes(a *assertion) *failure {
	now := s.now()
	if !now.Add(assertionSkew).Before(a.claims.NotBefore.Time) && now.Add(-assertionSkew).Before(a.claims.Expires.Time) {
		return nil
	}
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }
	return invalidClient(700024, fmt.Sprintf(
		"Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
		stamp(now), stamp(a.claims.NotBefore.Time), stamp(a.claims.Expires.Time)))
}

// checkReplay refuses an id a second time (RFC 7523, section 3, item 7). The number is our choice: it is not known that the real
// service looks. s.mu is held.
func (s *Server) checkReplay(a *assertion) *failure {
	if a.claims.ID == "" {
		return nil
	}
	if _, used := s.used[a.claims.ID]; used {
		return invalidClient(50013, "Assertion is invalid: one with the same identifier was used before.")
	}
	s.used[a.claims.ID] = a.claims.Expires.Add(assertionSkew)
	return nil
}

// rememberAssertion adds to Secrets, once. s.mu is held.
func (s *Server) rememberAssertion(raw string, until time.Time) {
	sum := sha256.Sum256([]byte(raw))
	if _, known := s.presented[sum]; !known {
		s.presented[sum] = earlier(until, s.now().Add(24*time.Hour))
		s.remember(raw)
	}
}
