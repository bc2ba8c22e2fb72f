package exchange

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/autodiscover"
)

// Options configure a Server. The zero value, like a nil pointer, means the defaults.
type Options struct {
	// Mailboxes are those there are. Default: alex@contoso.test. The first is who a request is from as long as nobody
	// authenticates.
	Mailboxes []Mailbox
	// Version is what the server says it is, until SetVersion. Default: VersionSE.
	Version ServerVersion
	// Heartbeat is the interval of heartbeats. Default: 45 s, as the service's clients have it.
	Heartbeat time.Duration
	// BareHeartbeats makes heartbeats say no more than that the connection is OK. Otherwise they have a StatusEvent
	// of every subscription, which is the documented form.
	BareHeartbeats bool
	// MaxConnection caps how long one GetStreamingEvents lasts, whatever it asked for. 0: as asked.
	MaxConnection time.Duration
	// Expiry is how long a streaming subscription lives that nobody listens to. Nothing tells what it is at the
	// service. Default: 5 min.
	Expiry time.Duration
	// MaxQueue is how many events a streaming subscription holds back for its listener. Default: 4000.
	MaxQueue int
	// DropOverflowing makes a subscription whose queue is full invalid, as gromox does, instead of telling its
	// listener that events were missed.
	DropOverflowing bool
	// MaxLog is how many events of a mailbox a watermark can go back, beside the 30 days of the service. Default: 20,000.
	MaxLog int
	// Push is how push notifications are sent. Default: a transport like http.DefaultTransport.
	Push http.RoundTripper
	// BackEnds are the mailbox servers. Default: one.
	BackEnds []BackEnd
	// Limits are how much there may be of what at once. Default: those of Exchange Online.
	Limits Limits
	// Authenticate says who a request is from. Default: the first mailbox.
	Authenticate Authenticator
	// Host is what the Server is part of. Default: nothing.
	Host Host
}

// Mailbox is one there is.
type Mailbox struct {
	Address string // primary SMTP address
	Name    string // for people
	// BackEnd is the name of the one of Options.BackEnds that has it. Default: they have one mailbox each in turn.
	BackEnd string
}

const (
	defaultHeartbeat = 45 * time.Second
	defaultExpiry    = 5 * time.Minute
	defaultMaxQueue  = 4000
	defaultMaxLog    = 20_000
)

// Server is the fake service. Its methods may be called at any time from any goroutine.
type Server struct {
	opts      Options
	version   atomic.Pointer[ServerVersion]
	host      Host
	store     *store
	push      *http.Client
	topology  *topology
	rights    *rights
	budgets   *budgets
	throttle  *throttle
	redirects autodiscover.Table

	streamless atomic.Pointer[string] // what requests for streams get; nil or "": streams

	done    chan struct{} // closed by Close
	once    sync.Once
	running sync.WaitGroup // what Close waits for, beside requests

	mu      sync.Mutex
	streams map[*stream]struct{}
}

// New makes a Server.
func New(opts *Options) *Server {
	var o Options
	if opts != nil {
		o = *opts
	}
	if len(o.Mailboxes) == 0 {
		o.Mailboxes = []Mailbox{{Address: "alex@contoso.test", Name: "Alex Wilber"}}
	}
	if o.Version == (ServerVersion{}) {
		o.Version = VersionSE
	}
	o.Heartbeat = or(o.Heartbeat, defaultHeartbeat)
	o.Expiry = or(o.Expiry, defaultExpiry)
	o.MaxQueue = or(o.MaxQueue, defaultMaxQueue)
	o.MaxLog = or(o.MaxLog, defaultMaxLog)
	if o.Host == nil {
		o.Host = alone{}
	}
	s := &Server{
		opts:     o,
		host:     o.Host,
		store:    newStore(o),
		push:     pushClient(o.Push),
		topology: newTopology(o),
		rights:   newRights(),
		budgets:  newBudgets(o.Limits),
		throttle: newThrottle(),
		done:     make(chan struct{}),
		streams:  make(map[*stream]struct{}),
	}
	s.SetVersion(o.Version)
	return s
}

// is says which server it is now.
func (s *Server) is() ServerVersion { return *s.version.Load() }

func or[T int | time.Duration](value, otherwise T) T {
	if value <= 0 {
		return otherwise
	}
	return value
}

// Close ends every stream and everything else that runs, and waits for what is not a request. It is idempotent.
func (s *Server) Close() error {
	s.once.Do(func() {
		s.mu.Lock() // startPush adds to running under it
		defer s.mu.Unlock()
		close(s.done)
	})
	s.running.Wait()
	s.push.CloseIdleConnections()
	return nil
}

// Serves reports whether a path is the service's.
func Serves(path string) bool { return strings.EqualFold(path, Path) }

// ServeHTTP implements http.Handler. A panic with http.ErrAbortHandler is how a response is cut off.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !Serves(r.URL.Path) {
		http.NotFound(w, r)
		return
	}
	c := &call{server: s, w: w, r: r}
	defer c.leave()
	c.serve()
}

// Streams is how many GetStreamingEvents calls are open now, including those whose client has gone without the server
// having noticed.
func (s *Server) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

// cutStreams ends the streams that a back-end serves, in the middle.
func (s *Server) cutStreams(backEnd string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.streams {
		if st.c.backEnd == backEnd {
			st.cutOnce.Do(func() { close(st.cut) })
		}
	}
}

// Poke makes every open stream look for faults that were armed.
func (s *Server) Poke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.streams {
		st.listener.poke()
	}
}
