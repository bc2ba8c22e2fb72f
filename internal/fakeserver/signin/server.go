package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxBody    = 64 << 10 // of a request; real ones are 2 to 4 kB
	maxSecrets = 1 << 16  // remembered for Secrets
	maxPending = 1000     // device codes and authorization codes not yet redeemed
)

// Server is the authority. It is an http.Handler, and safe for concurrent use.
type Server struct {
	opts  Options
	mux   *http.ServeMux
	pages *template.Template

	mu       sync.Mutex // guards everything below; never held while a request is read or answered
	access   map[[sha256.Size]byte]*accessToken
	refresh  map[[sha256.Size]byte]*refreshToken
	devices  map[string]*deviceCode  // by device_code
	codes    map[string]*authCode    // by code
	required map[string]*requirement // by user
	secrets  []string
	issued   int
	swept    time.Time
}

// New returns a Server. opts may be nil.
func New(opts *Options) *Server {
	s := &Server{
		access:   map[[sha256.Size]byte]*accessToken{},
		refresh:  map[[sha256.Size]byte]*refreshToken{},
		devices:  map[string]*deviceCode{},
		codes:    map[string]*authCode{},
		required: map[string]*requirement{},
	}
	if opts != nil {
		s.opts = *opts
	}
	o := &s.opts
	setDefault(&o.Tenant, DefaultTenant)
	setDefault(&o.ClientID, DefaultClientID)
	setDefault(&o.ClientSecret, secret(30))
	setDefault(&o.TokenLifetime, time.Hour)
	setDefault(&o.DeviceCodeLifetime, 15*time.Minute)
	setDefault(&o.Interval, 5*time.Second)
	o.Accounts = slices.Clone(o.Accounts)
	if len(o.Accounts) == 0 {
		o.Accounts = []Account{{User: "alex@contoso.test", Name: "Alex Wilber"}}
	}
	for i := range o.Accounts {
		a := &o.Accounts[i]
		setDefault(&a.Name, a.User)
		setDefault(&a.ObjectID, guidOf(a.User))
	}
	s.secrets = []string{o.ClientSecret}
	s.pages = template.Must(template.New("").Parse(pages))
	s.mux = s.routes()
	return s
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// ClientID returns the id of the one application that is known.
func (s *Server) ClientID() string { return s.opts.ClientID }

// ClientSecret returns that application's secret.
func (s *Server) ClientSecret() string { return s.opts.ClientSecret }

// Tenant returns the tenant's GUID.
func (s *Server) Tenant() string { return s.opts.Tenant }

// Accounts returns those who can sign in, with all fields filled.
func (s *Server) Accounts() []Account { return slices.Clone(s.opts.Accounts) }

// Secrets returns every secret ever issued: access, refresh and id tokens, device codes, authorization codes and the client
// secret, so that a test can look for them where they must not be. After 65,536 the oldest are forgotten.
func (s *Server) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.secrets)
}

// TokenRequests returns how many times the token endpoint has issued tokens.
func (s *Server) TokenRequests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issued
}

// remember adds to Secrets. s.mu is held.
func (s *Server) remember(secrets ...string) {
	s.secrets = append(s.secrets, secrets...)
	if over := len(s.secrets) - maxSecrets; over > 0 {
		s.secrets = slices.Delete(s.secrets, 0, over)
	}
}

// account finds an account by address; "" is the first.
func (s *Server) account(user string) (Account, bool) {
	if user == "" {
		return s.opts.Accounts[0], true
	}
	i := slices.IndexFunc(s.opts.Accounts, func(a Account) bool { return strings.EqualFold(a.User, user) })
	if i < 0 {
		return Account{}, false
	}
	return s.opts.Accounts[i], true
}

// secret returns n random bytes in base64url.
func secret(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// guidOf derives a GUID from a name, so that an account keeps its object id from run to run.
func guidOf(name string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(name)))
	sum[6] = sum[6]&0x0f | 0x80 // version 8: custom
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
