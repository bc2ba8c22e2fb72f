package signin

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// baseURL is the scheme and host that the client used.
func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.URL.Scheme == "https" { // the second when a RoundTripper calls ServeHTTP itself
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/{tenant}/v2.0/.well-known/openid-configuration", s.get(s.configuration))
	mux.HandleFunc("/{tenant}/discovery/instance", s.get(s.instance))
	mux.HandleFunc("/{tenant}/oauth2/v2.0/authorize", s.get(s.authorize))
	mux.HandleFunc("/{tenant}/oauth2/v2.0/devicecode", s.form("devicecode", s.startDevice))
	mux.HandleFunc("/{tenant}/oauth2/v2.0/token", s.form("token", s.token))
	mux.HandleFunc("GET /device", s.showDevice)
	mux.HandleFunc("POST /device", s.decideDevice)
	return mux
}

// get makes a handler of GET requests to a known tenant.
func (s *Server) get(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			wrongMethod("GET, HEAD").write(w, r)
			return
		}
		if f := s.knownTenant(r.PathValue("tenant")); f != nil {
			f.write(w, r)
			return
		}
		serve(w, r)
	}
}

// form makes a handler of form posts to a known tenant that are answered with JSON.
func (s *Server) form(name string, serve func(form url.Values, base string) (any, *failure)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		form, f := readForm(w, r)
		if f == nil && s.fault(w, r, name, form) {
			return
		}
		if f == nil {
			f = s.knownTenant(r.PathValue("tenant"))
		}
		var answer any
		if f == nil {
			answer, f = serve(form, baseURL(r))
		}
		if f != nil {
			f.write(w, r)
			return
		}
		writeJSON(w, http.StatusOK, answer)
	}
}

// readForm reads the parameters from the body; those in the URL do not count, so that secrets do not end up in access logs.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, *failure) {
	if r.Method != http.MethodPost {
		return nil, wrongMethod("POST")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, fail(9002313, "invalid_request", "Invalid request. The Content-Type must be application/x-www-form-urlencoded.").
			withStatus(http.StatusUnsupportedMediaType)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, fail(9002313, "invalid_request", "Invalid request. The body is too large.").
				withStatus(http.StatusRequestEntityTooLarge)
		}
		return nil, fail(9002313, "invalid_request", "Invalid request. Request is malformed or invalid.")
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, fail(9002313, "invalid_request", fmt.Sprintf("Invalid request. The parameter %q is there more than once.", name))
		}
	}
	return r.PostForm, nil
}

func wrongMethod(allow string) *failure {
	f := fail(900561, "invalid_request", fmt.Sprintf("The endpoint only accepts %s requests.", allow)).
		withStatus(http.StatusMethodNotAllowed)
	f.header = http.Header{"Allow": {allow}}
	return f
}

// fault plays the fault that the options want now, and reports whether that was the answer.
func (s *Server) fault(w http.ResponseWriter, r *http.Request, name string, form url.Values) bool {
	if s.opts.Fault == nil {
		return false
	}
	answer, ok := s.opts.Fault(name, s.userOf(form))
	if !ok || answer == nil {
		return false
	}
	if answer.Delay > 0 {
		timer := time.NewTimer(answer.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return true
		}
	}
	if answer.Status == 0 {
		return false
	}
	if answer.Location != nil {
		w.Header().Set("Location", answer.Location(r))
	}
	for key, values := range answer.Header {
		w.Header()[http.CanonicalHeaderKey(key)] = values
	}
	w.WriteHeader(answer.Status)
	w.Write(answer.Body)
	return true
}

// knownTenant refuses other tenants than the one, by GUID or domain, and its two general names.
func (s *Server) knownTenant(tenant string) *failure {
	_, domain, _ := strings.Cut(s.opts.Accounts[0].User, "@")
	known := []string{s.opts.Tenant, domain, "common", "organizations"}
	if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, tenant) }) {
		return nil
	}
	return fail(90002, "invalid_request", fmt.Sprintf(
		"Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", tenant))
}

// client refuses unknown applications and wrong secrets.
func (s *Server) client(form url.Values) *failure {
	id := form.Get("client_id")
	switch {
	case id == "":
		return missing("client_id")
	case !strings.EqualFold(id, s.opts.ClientID):
		return fail(700016, "unauthorized_client", fmt.Sprintf(
			"Application with identifier '%s' was not found in the directory. You may have sent your authentication request to the wrong tenant.", id))
	case form.Has("client_secret") && !sameSecret(form.Get("client_secret"), s.opts.ClientSecret):
		return fail(7000215, "invalid_client", "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.").
			withStatus(http.StatusUnauthorized)
	}
	return nil
}

// configuration serves the OpenID configuration.
func (s *Server) configuration(w http.ResponseWriter, r *http.Request) {
	base := baseURL(r)
	tenant := r.PathValue("tenant")
	issuer := "{tenantid}" // what the real service has for its general names
	if !strings.EqualFold(tenant, "common") && !strings.EqualFold(tenant, "organizations") {
		issuer = s.opts.Tenant
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                base + "/" + issuer + "/v2.0",
		"authorization_endpoint":                base + "/" + tenant + "/oauth2/v2.0/authorize",
		"token_endpoint":                        base + "/" + tenant + "/oauth2/v2.0/token",
		"device_authorization_endpoint":         base + "/" + tenant + "/oauth2/v2.0/devicecode",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post"},
		"response_modes_supported":              []string{"query", "form_post"},
		"response_types_supported":              []string{"code"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"code_challenge_methods_supported":      []string{"S256"},
	})
}

// instance serves instance discovery: this host is an authority, and has no other names.
func (s *Server) instance(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": baseURL(r) + "/" + s.opts.Tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []map[string]any{{
			"preferred_network": r.Host, "preferred_cache": r.Host, "aliases": []string{r.Host},
		}},
	})
}
