package signin

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// failure is an answer with an error, in the real service's form.
type failure struct {
	status  int
	aadsts  int // the number after AADSTS
	code    string
	subcode string
	text    string
	claims  string // what the next request has to ask for
	// redirect is the error at a redirect URI, where it is not code. interaction_required takes the place of access_denied there
	// if nobody was to be asked.
	redirect string
	header   http.Header
}

func fail(aadsts int, code, text string) *failure {
	return &failure{status: http.StatusBadRequest, aadsts: aadsts, code: code, text: text}
}

func (f *failure) withStatus(status int) *failure { f.status = status; return f }

func (f *failure) withSubcode(subcode string) *failure { f.subcode = subcode; return f }

// missing is the answer to a request without a parameter.
func missing(parameter string) *failure {
	return fail(900144, "invalid_request", fmt.Sprintf("The request body must contain the following parameter: '%s'.", parameter))
}

// failureBody is the JSON of a failure.
type failureBody struct {
	Error         string `json:"error"`
	Description   string `json:"error_description"`
	Codes         []int  `json:"error_codes"`
	Timestamp     string `json:"timestamp"`
	TraceID       string `json:"trace_id"`
	CorrelationID string `json:"correlation_id"`
	URI           string `json:"error_uri"`
	Suberror      string `json:"suberror,omitempty"`
	Claims        string `json:"claims,omitempty"`
}

func (s *Server) failureBody(f *failure, r *http.Request) failureBody {
	stamp := s.now().UTC().Format("2006-01-02 15:04:05Z")
	trace := guidOf(secret(16))
	correlation := r.Header.Get("client-request-id")
	if len(correlation) != 36 || strings.Trim(correlation, "0123456789abcdefABCDEF-") != "" {
		correlation = guidOf(secret(16))
	}
	return failureBody{
		Error: f.code,
		Description: fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			f.aadsts, f.text, trace, correlation, stamp),
		Codes: []int{f.aadsts}, Timestamp: stamp, TraceID: trace, CorrelationID: correlation,
		URI: fmt.Sprintf("%s/error?code=%d", baseURL(r), f.aadsts), Suberror: f.subcode, Claims: f.claims,
	}
}

// refuse answers with a failure.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, f *failure) {
	maps.Copy(w.Header(), f.header)
	writeJSON(w, f.status, s.failureBody(f, r))
}

// writeJSON answers with v. Nothing of a sign-in may be cached on the way.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("signin: own types cannot be marshalled: %v", err))
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-cache")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	w.Write(b)
}
