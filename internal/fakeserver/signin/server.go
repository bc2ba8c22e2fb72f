package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
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
	opts    Options
	tenants []Tenant // all of them
	mux     *http.ServeMux
	pages   *template.Template

	mu            sync.Mutex // guards everything below; never held while a request is read or answered
	lifetime      time.Duration
	refreshIn     time.Duration // 0: by rule
	clientSecrets []clientSecret
	certificates  []*x509.Certificate
	federated     []Federated
	access        map[[sha256.Size]byte]*accessToken
	refresh       map[[sha256.Size]byte]*refreshToken
	devices       map[string]*deviceCode          // by device_code
	codes         map[string]*authCode            // by code
	sessions      map[string]bool                 // users who have signed in with the browser
	required      map[string]*requirement         // by user
	rejections    []*Rejection                    // Times counts down, -1 does not
	used          map[string]time.Time            // ids of assertions, and how long they are remembered
	presented     map[[sha256.Size]byte]time.Time // assertions that are in secrets, and how long that is remembered
	secrets       []string
	issued        int
	log           requestLog
	swept         time.Time
}

// New returns a Server. opts may be nil.
func New(opts *Options) *Server {
	s := &Server{
		access:    map[[sha256.Size]byte]*accessToken{},
		refresh:   map[[sha256.Size]byte]*refreshToken{},
		devices:   map[string]*deviceCode{},
		codes:     map[string]*authCode{},
		sessions:  map[string]bool{},
		required:  map[string]*requirement{},
		used:      map[string]time.Time{},
		presented: map[[sha256.Size]byte]time.Time{},
		log:       newRequestLog(),
	}
	if opts != nil {
		s.opts = *opts
	}
	o := &s.opts
	setDefault(&o.Tenant, DefaultTenant)
	o.Tenant = strings.ToLower(o.Tenant)
	setDefault(&o.ClientID, DefaultClientID)
	setDefault(&o.ClientSecret, secret(30))
	setDefault(&o.TokenLifetime, time.Hour)
	setDefault(&o.DeviceCodeLifetime, 15*time.Minute)
	setDefault(&o.Interval, 5*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Accounts = slices.Clone(o.Accounts)
	if len(o.Accounts) == 0 {
		o.Accounts = []Account{{User: "alex@contoso.test", Name: "Alex Wilber"}}
	}
	for i := range o.Accounts {
		a := &o.Accounts[i]
		fill(a, o.Tenant)
	}
	s.tenants = directories(o)
	s.lifetime, s.refreshIn = o.TokenLifetime, o.RefreshIn
	s.AddSecret(o.ClientSecret)
	s.certificates = slices.Clone(o.Certificates)
	for _, f := range o.Federated {
		s.AddFederated(f)
	}
	s.pages = template.Must(template.New("").Parse(pages))
	s.mux = s.routes()
	return s
}

// fill gives the fields of an account that are empty their defaults.
func fill(a *Account, tenant string) {
	setDefault(&a.Name, a.User)
	setDefault(&a.TenantID, tenant)
	a.TenantID = strings.ToLower(a.TenantID)
	id := guidOf(a.User)
	if a.TenantID == PersonalTenant {
		id = "00000000-0000-0000-" + id[19:] // those of personal accounts have 64 bits
	}
	setDefault(&a.ObjectID, id)
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

// ClientSecret returns that application's first secret, whatever has become of it.
func (s *Server) ClientSecret() string { return s.opts.ClientSecret }

// Tenant returns the GUID of the tenant that is the accounts' home unless they say otherwise.
func (s *Server) Tenant() string { return s.opts.Tenant }

// now is the authority's clock.
func (s *Server) now() time.Time { return s.opts.Now() }

// SetTokenLifetime changes how long the access tokens live that are issued from now on. 0 stands for an hour.
func (s *Server) SetTokenLifetime(d time.Duration) {
	setDefault(&d, time.Hour)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime = d
}

// SetRefreshIn changes after what time the answers from now on advise to refresh. 0 stands for the rule of
// Options.TokenLifetime.
func (s *Server) SetRefreshIn(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refreshIn = d
}

// Accounts returns those who can sign in, with all fields filled.
func (s *Server) Accounts() []Account { return slices.Clone(s.opts.Accounts) }

// Secrets returns every secret there ever was: access, refresh and id tokens, device codes, authorization codes, client secrets,
// and the assertions that clients have sent, so that a test can look for them where they must not be. After 65,536 the oldest
// are forgotten.
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
