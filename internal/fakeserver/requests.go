package fakeserver

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Request is one request as it came in. No secret is in it.
type Request struct {
	Time   time.Time   `json:"time"`
	Method string      `json:"method"`
	Host   string      `json:"host"`
	Path   string      `json:"path"` // escaped, with the query
	Proto  string      `json:"proto"`
	Header http.Header `json:"header"`         // Authorization is replaced, and all cookies but X-BackEndOverrideCookie
	Token  string      `json:"token,omitzero"` // Fingerprint of the bearer token, "" if there was none
	Body   string      `json:"body,omitzero"`  // none for sign-in
	Status int         `json:"status"`         // 0 while there is no answer
	// Answered is when the status was sent.
	Answered time.Time `json:"answered,omitzero"`
	Conn     string    `json:"conn"` // the client's address, one for each connection
}

// maxRequests is how many requests the log keeps; the oldest go first.
const maxRequests = 10_000

// requestLog keeps the latest requests.
type requestLog struct {
	secrets func() []string

	mu   sync.Mutex
	list []*Request
}

func newRequestLog(secrets func() []string) *requestLog {
	return &requestLog{secrets: secrets}
}

// Requests returns the requests so far, oldest first, the latest 10,000 of them. Those to the control API are not
// among them.
func (s *Server) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	all := make([]Request, len(s.log.list))
	for i, r := range s.log.list {
		all[i] = *r
		all[i].Header = r.Header.Clone()
	}
	return all
}

// Fingerprint stands for a token where the token itself must not be seen: the first 12 hex digits of its SHA-256.
func Fingerprint(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])[:12]
}

// replaced stands for what is not to be seen.
const replaced = "(replaced)"

// shownCookies has the value of the one that says where a request is to go: a test has to see whether it is kept.
func shownCookies(cookies []*http.Cookie) string {
	var shown []string
	for _, c := range cookies {
		if c.Name != affinityCookie {
			c.Value = replaced
		}
		shown = append(shown, c.Name+"="+c.Value)
	}
	return strings.Join(shown, "; ")
}

// affinityCookie names a back-end of Exchange, and is no secret.
const affinityCookie = "X-BackEndOverrideCookie"

func (l *requestLog) begin(r *http.Request) *Request {
	header := r.Header.Clone()
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		if header.Get(name) != "" {
			header.Set(name, replaced)
		}
	}
	if header.Get("Cookie") != "" {
		header.Set("Cookie", shownCookies(r.Cookies()))
	}
	texts := []string{r.URL.RequestURI()}
	for _, values := range header {
		texts = append(texts, values...)
	}
	clean := l.scrubber(r, strings.Join(texts, "\n"))
	for _, values := range header {
		for i, v := range values {
			values[i] = clean.Replace(v)
		}
	}
	entry := &Request{
		Time:   time.Now(),
		Method: r.Method,
		Host:   r.Host,
		Path:   clean.Replace(r.URL.RequestURI()),
		Proto:  r.Proto,
		Header: header,
		Conn:   r.RemoteAddr,
	}
	if token, ok := bearer(r); ok {
		entry.Token = Fingerprint(token)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, entry)
	if len(l.list) > maxRequests {
		l.list = slices.Delete(l.list, 0, 1)
	}
	return entry
}

func (l *requestLog) setBody(entry *Request, r *http.Request, body []byte) {
	text := l.scrubber(r, string(body)).Replace(string(body))
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.Body = text
}

func (l *requestLog) setStatus(entry *Request, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.Status, entry.Answered = status, time.Now()
}

// scrubber takes the secrets out of a text that a client may have put where they do not belong.
func (l *requestLog) scrubber(r *http.Request, text string) *strings.Replacer {
	var found []string
	if token, ok := bearer(r); ok {
		found = append(found, token, "(token)")
	}
	for _, secret := range l.secrets() {
		if secret != "" && strings.Contains(text, secret) {
			found = append(found, secret, "(secret)")
		}
	}
	return strings.NewReplacer(found...)
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", false
	}
	return token, true
}

// statusRecorder tells the log which status a handler answered with.
type statusRecorder struct {
	http.ResponseWriter
	log   *requestLog
	entry *Request
	done  bool
}

func (w *statusRecorder) WriteHeader(status int) {
	if !w.done && status >= 200 {
		w.done = true
		w.log.setStatus(w.entry, status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Write(p []byte) (int, error) {
	if !w.done {
		w.done = true
		w.log.setStatus(w.entry, http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
