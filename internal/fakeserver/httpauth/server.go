package httpauth

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// Scheme is a way to authenticate, by its name in HTTP.
type Scheme string

// The schemes there are.
const (
	Basic     Scheme = "Basic"
	NTLM      Scheme = "NTLM"
	Negotiate Scheme = "Negotiate" // NTLM inside; Kerberos is refused
	Bearer    Scheme = "Bearer"
)

// Identity is who made a request.
type Identity struct {
	User   string // address of the account, as it was configured; "" for an application's own token
	Scheme Scheme
	Grant  signin.Grant // of a Bearer token
}

// Options configure a Server.
type Options struct {
	// Schemes are those that are offered and taken, in the order of the challenges. Default: Negotiate, NTLM, Basic
	// and, with Inspect, Bearer.
	Schemes []Scheme
	// Accounts can sign in with a password. More can be added later.
	Accounts []Account
	// Domain is the NetBIOS name of the domain that the server is in, for NTLM. Default "CONTOSO".
	Domain string
	// Inspect judges bearer tokens: [signin.Server.Inspect]. Default: all are refused.
	Inspect func(token string) (signin.Grant, signin.RefuseReason)
	// Lockout is how many wrong passwords in a row an account takes; after that the right one is refused, too. 0: any number.
	Lockout int
}

const defaultDomain = "CONTOSO"

// Server knows the accounts. Its methods may be called at any time from any goroutine.
type Server struct {
	opts Options

	mu        sync.Mutex
	schemes   []Scheme
	accounts  []*account
	names     map[string]*account // in lower case
	denials   []*Denial           // Times counts down, -1 does not
	handshake int
}

// New makes a Server.
func New(opts Options) *Server {
	if opts.Domain == "" {
		opts.Domain = defaultDomain
	}
	s := &Server{opts: opts, names: make(map[string]*account)}
	s.SetSchemes(opts.Schemes...)
	for _, a := range opts.Accounts {
		s.SetAccount(a)
	}
	return s
}

// SetSchemes changes which schemes are offered and taken from now on; none means the default. What a connection
// has achieved by NTLM stays.
func (s *Server) SetSchemes(schemes ...Scheme) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.schemes = slices.Clone(schemes)
	if len(schemes) > 0 {
		return
	}
	s.schemes = []Scheme{Negotiate, NTLM, Basic}
	if s.opts.Inspect != nil {
		s.schemes = append(s.schemes, Bearer)
	}
}

// Authenticate finds out who makes a request. If it cannot, it has answered, with 401 and no body. The request's body
// should have been read: a client sends it along with every leg of a handshake.
func (s *Server) Authenticate(w http.ResponseWriter, r *http.Request) (Identity, bool) {
	name, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	value = strings.TrimSpace(value)
	scheme, offered := s.scheme(r, name)
	switch {
	case offered && scheme == Basic:
		if user, ok := s.checkBasic(r); ok {
			return Identity{User: user, Scheme: Basic}, true
		}
	case offered && (scheme == NTLM || scheme == Negotiate):
		return s.serveNTLM(w, r, scheme, value)
	case offered && scheme == Bearer:
		grant, refusal, ok := s.checkBearer(value)
		if ok {
			return Identity{User: grant.User, Scheme: Bearer, Grant: grant}, true
		}
		s.refuse(w, r, refusal)
		return Identity{}, false
	case name == "":
		if c := connOf(r); c != nil {
			if who, ok := c.authenticated(); ok {
				w.Header().Set("Persistent-Auth", "true")
				return who, true
			}
		}
	}
	s.refuse(w, r, missing)
	return Identity{}, false
}

// scheme finds the scheme that a client chose, if it is offered to it.
func (s *Server) scheme(r *http.Request, name string) (Scheme, bool) {
	for _, scheme := range s.offered(r) {
		if strings.EqualFold(string(scheme), name) {
			return scheme, true
		}
	}
	return "", false
}

// offered lists the schemes for a request. There is no authenticating a connection that many requests share at once,
// so HTTP/2 gets no NTLM. (IIS turns such a client back to HTTP/1.1.)
func (s *Server) offered(r *http.Request) []Scheme {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.schemes), func(scheme Scheme) bool {
		return (scheme == NTLM || scheme == Negotiate) && (r.ProtoMajor != 1 || connOf(r) == nil)
	})
}

// refuse answers with every challenge there is. The reason, if there is one to tell, is in headers only.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, why refusal) {
	h := w.Header()
	for _, scheme := range s.offered(r) {
		switch scheme {
		case Bearer:
			h.Add("WWW-Authenticate", why.challenge())
			if why.code != 0 {
				h.Set("x-ms-diagnostics", why.diagnostics())
			}
		case Basic:
			h.Add("WWW-Authenticate", `Basic realm="`+r.Host+`"`)
		default:
			h.Add("WWW-Authenticate", string(scheme))
		}
	}
	unauthorized(w)
}

func unauthorized(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusUnauthorized)
}
