package fakeserver

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/autodiscover"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/httpauth"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// Options configure a Server. The zero value, like a nil pointer, means the defaults.
type Options struct {
	// Control serves the control API under /_fake/. Off by default.
	Control bool
	// ClientID is the application the sign-in half knows. Default: the sign-in half's own.
	ClientID string
	// Accounts are the mailboxes. Default: alex@contoso.test and room1@contoso.test. "me" and an empty user mean the
	// first one wherever this package's own calls take a user.
	Accounts []signin.Account
	// MaxConnection caps how long one GetNotifications call lasts, whatever it asked for. 0: as asked.
	MaxConnection time.Duration
	// MaxConcurrent is how many requests of one application and mailbox are served at once; one more is answered
	// 429. 0 means 4, the service's own number; negative means no limit.
	MaxConcurrent int
	// MaxQueue is how many notifications one subscription holds back for its listener; what comes after that is
	// replaced by one Missed notification. 0 means 1000.
	MaxQueue int
	// TokenLifetime is how long access tokens last. Default: the sign-in half's own, one hour.
	TokenLifetime time.Duration
	// AutoApprove approves every device code at its first poll.
	AutoApprove bool
	// SignIn is what else there is to say about the sign-in half: tenants, certificates, its clock. ClientID, Accounts,
	// TokenLifetime and AutoApprove above are put in its place where they are set; its Fault is not used.
	SignIn *signin.Options
	// StatusOK is the Status of a keep-alive. Default "Ok", as it was on the wire; the documentation says "OK".
	StatusOK string
	// Exchange is what there is to say about the Exchange half; its Host is not used, and its Mailboxes only to say which
	// back-end has which of the Accounts. Default: its own.
	Exchange *exchange.Options
	// Passwords are accounts that sign in to the Exchange half with a password: service accounts, and those of Accounts
	// that have another one than DefaultPassword.
	Passwords []httpauth.Account
	// Lockout is how many wrong passwords in a row lock an account out. 0: no number does.
	Lockout int
	// Logger receives what the HTTP server has to say, at debug level. Default: discarded.
	Logger *slog.Logger
}

const (
	defaultMaxConcurrent = 4
	defaultMaxQueue      = 1000
)

// Server is the fake service. Its methods may be called at any time from any goroutine.
type Server struct {
	opts     Options
	signIn   *signin.Server
	dir      *directory
	store    *store
	armory   *armory
	exchange *exchange.Server
	// Who may use the Exchange half, and where that is.
	authentication *httpauth.Server
	autodiscover   *autodiscover.Server
	log            *requestLog
	throttle       *throttle
	live           *gate // open until Close

	mu        sync.Mutex
	streams   map[*stream]struct{}
	endpoints map[*Endpoint]struct{}
}

// New makes a Server. It serves nothing until it is used as a handler or listens.
func New(opts *Options) *Server {
	var o Options
	if opts != nil {
		o = *opts
	}
	half := signInOptions(o)
	if o.Accounts = half.Accounts; len(o.Accounts) == 0 {
		o.Accounts = []signin.Account{
			{User: "alex@contoso.test", Name: "Alex Wilber"},
			{User: "room1@contoso.test", Name: "Room 1"},
		}
		half.Accounts = o.Accounts
	}
	if o.MaxConcurrent == 0 {
		o.MaxConcurrent = defaultMaxConcurrent
	}
	if o.MaxQueue <= 0 {
		o.MaxQueue = defaultMaxQueue
	}
	if o.StatusOK == "" {
		o.StatusOK = "Ok"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		opts:      o,
		armory:    &armory{},
		throttle:  newThrottle(o.MaxConcurrent),
		live:      newGate(),
		streams:   make(map[*stream]struct{}),
		endpoints: make(map[*Endpoint]struct{}),
	}
	half.Fault = s.signInFault
	s.signIn = signin.New(&half)
	s.dir = newDirectory(s.signIn.Tenant(), s.signIn.Accounts())
	s.authentication = s.newAuthentication(s.signIn.Accounts())
	s.exchange = s.newExchange(s.signIn.Accounts())
	s.autodiscover = s.newAutodiscover()
	s.store = newStore(s.dir, o.MaxQueue, s.tellExchange)
	s.log = newRequestLog(s.signIn.Secrets)
	return s
}

// signInOptions are those of the sign-in half.
func signInOptions(o Options) signin.Options {
	var half signin.Options
	if o.SignIn != nil {
		half = *o.SignIn
	}
	half.ClientID = cmp.Or(o.ClientID, half.ClientID)
	half.TokenLifetime = cmp.Or(o.TokenLifetime, half.TokenLifetime)
	half.AutoApprove = half.AutoApprove || o.AutoApprove
	if len(o.Accounts) > 0 {
		half.Accounts = o.Accounts
	}
	return half
}

// SignIn is the sign-in half.
func (s *Server) SignIn() *signin.Server { return s.signIn }

// Token issues an access token for a user straight away; "me" is the first account, and "" makes an app-only token.
// Without scopes it is good for everything.
func (s *Server) Token(user string, scopes ...string) string {
	if account, ok := s.dir.find(user); ok && user != "" {
		user = account.User
	}
	return s.signIn.Issue(user, scopes...)
}

// Close ends every stream and every listener and waits until nothing of them runs any more. It is idempotent.
func (s *Server) Close() error {
	s.live.close()
	first := s.exchange.Close()
	s.mu.Lock()
	open := slices.Collect(maps.Keys(s.endpoints))
	s.mu.Unlock()
	for _, e := range open {
		if err := e.Close(); err != nil && first == nil {
			first = err
		}
	}
	s.live.wait()
	return first
}

// ServeHTTP serves the whole thing: the streaming API under /api/, Exchange Web Services
// under /EWS/, the control API under /_fake/ if it was asked for,
// and sign-in on every other path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.live.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.live.leave()
	if e := endpointOf(r); e != nil {
		if !e.live.enter() {
			panic(http.ErrAbortHandler)
		}
		defer e.live.leave()
	}
	path := strings.ToLower(r.URL.Path)
	switch {
	case autodiscover.Serves(path):
		s.serveAutodiscover(w, r)
	case exchange.Serves(path):
		s.serveExchange(w, r)
	case strings.HasPrefix(path+"/", controlPrefix):
		s.serveControl(w, r)
	case strings.HasPrefix(path, "/api/"):
		s.serveAPI(w, r)
	default:
		s.serveSignIn(w, r)
	}
}

// Streams is how many GetNotifications calls are open now, including those whose client has gone without the server
// having noticed.
func (s *Server) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

func (s *Server) openStreams() []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.streams))
}
