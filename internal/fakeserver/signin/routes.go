package signin

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
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
	mux.HandleFunc("/{tenant}/v2.0/.well-known/openid-configuration", s.get("configuration", s.configuration))
	mux.HandleFunc("/{tenant}/discovery/instance", s.get("", s.instance))
	mux.HandleFunc("/{tenant}/oauth2/v2.0/authorize", s.get("authorize", s.authorize))
	mux.HandleFunc("/{tenant}/oauth2/v2.0/devicecode", s.form("devicecode", s.startDevice))
	mux.HandleFunc("/{tenant}/oauth2/v2.0/token", s.form("token", s.token))
	mux.HandleFunc("GET /device", s.showDevice)
	mux.HandleFunc("POST /device", s.decideDevice)
	return mux
}

// get makes a handler of GET requests to a known tenant. name is what a fault can be on; "" for none.
func (s *Server) get(name string, serve func(http.ResponseWriter, *http.Request, authority)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			s.refuse(w, r, wrongMethod("GET, HEAD"))
			return
		}
		if name != "" {
			if _, done := s.fault(w, r, name, s.userOf(r.URL.Query())); done {
				return
			}
		}
		at, f := s.authority(r.PathValue("tenant"))
		if f != nil {
			s.refuse(w, r, f)
			return
		}
		serve(w, r, at)
	}
}

// call is one request to an endpoint that takes a form.
type call struct {
	form       url.Values
	base       string // scheme and host that the client used
	at         authority
	credential string // what the client has shown who it is with; "" if nothing
}

// form makes a handler of form posts to a known tenant that are answered with JSON.
func (s *Server) form(name string, serve func(*call) (any, *failure)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{base: baseURL(r), at: authority{name: r.PathValue("tenant")}}
		var f *failure
		c.form, f = readForm(w, r)
		status := 0 // if a fault ends the connection
		if name == "token" {
			end := s.begin(c)
			defer func() { end(status, f) }()
		}
		if f == nil {
			var done bool
			if status, done = s.fault(w, r, name, s.userOf(c.form)); done {
				return
			}
			c.at, f = s.authority(c.at.name)
		}
		var answer any
		if f == nil {
			answer, f = serve(c)
		}
		if f != nil {
			status = f.status
			s.refuse(w, r, f)
			return
		}
		status = http.StatusOK
		writeJSON(w, status, answer)
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

// fault plays the fault that the options want now. It reports whether that was the answer, and with which status; 0 if the
// client went before.
func (s *Server) fault(w http.ResponseWriter, r *http.Request, name, user string) (status int, done bool) {
	if s.opts.Fault == nil {
		return 0, false
	}
	answer, ok := s.opts.Fault(name, user)
	if !ok || answer == nil {
		return 0, false
	}
	if answer.Delay > 0 {
		timer := time.NewTimer(answer.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return 0, true
		}
	}
	if answer.Status == 0 {
		return 0, false
	}
	if answer.Location != nil {
		w.Header().Set("Location", answer.Location(r))
	}
	for key, values := range answer.Header {
		w.Header()[http.CanonicalHeaderKey(key)] = values
	}
	w.WriteHeader(answer.Status)
	w.Write(answer.Body)
	return answer.Status, true
}

// configuration serves the OpenID configuration.
func (s *Server) configuration(w http.ResponseWriter, r *http.Request, at authority) {
	base := baseURL(r)
	tenant := at.name
	issuer := at.tenant
	if issuer == "" {
		issuer = "{tenantid}" // what the real service has for its general names
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                base + "/" + issuer + "/v2.0",
		"authorization_endpoint":                base + "/" + tenant + "/oauth2/v2.0/authorize",
		"token_endpoint":                        base + "/" + tenant + "/oauth2/v2.0/token",
		"device_authorization_endpoint":         base + "/" + tenant + "/oauth2/v2.0/devicecode",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"},
		"response_modes_supported":              []string{"query", "form_post"},
		"response_types_supported":              []string{"code"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"code_challenge_methods_supported":      []string{"S256"},
	})
}

// instance serves instance discovery: this host is an authority, and has no other names.
func (s *Server) instance(w http.ResponseWriter, r *http.Request, _ authority) {
	writeJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": baseURL(r) + "/" + s.opts.Tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []map[string]any{{
			"preferred_network": r.Host, "preferred_cache": r.Host, "aliases": []string{r.Host},
		}},
	})
}
