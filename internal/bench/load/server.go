package load

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

type serverConfig struct {
	Listen    string // "127.0.0.1:0", or where one has been before
	Protocol  string // "h1", "h2"
	Cert      certificate
	Streams   int    // that one HTTP/2 connection may carry
	Mailboxes int    // how many there are
	Token     string // the one that is good
}

// serving is the fake service, and what is to be known of how it is used.
type serving struct {
	service *fakeserver.Server
	token   string // of the service, for the one that clients have
	config  serverConfig
	holes   *holes
	started time.Time
	dialled atomic.Int64 // connections that there ever were

	mu       sync.Mutex
	attempts []int // requests in each tenth of a second since the start
	outlets  map[*outlet]struct{}
	stalled  chan struct{}

	changes changes
}

// playServer is the service until its orders end.
func playServer(c serverConfig) error {
	if !strings.HasPrefix(c.Listen, "127.") {
		return fmt.Errorf("%s is not the loopback interface", c.Listen)
	}
	accounts := make([]signin.Account, c.Mailboxes)
	for i := range accounts {
		accounts[i] = signin.Account{User: mailbox(i), Name: fmt.Sprint("Room ", i)}
	}
	service := fakeserver.New(&fakeserver.Options{Accounts: accounts, MaxConcurrent: -1, TokenLifetime: 24 * time.Hour})
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	s := &serving{
		service: service, token: service.Token(""), config: c, holes: newHoles(listener), started: time.Now(),
		outlets: make(map[*outlet]struct{}), stalled: make(chan struct{}),
	}
	server, err := newHTTPServer(s, c.Cert)
	if err != nil {
		return err
	}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(c.Protocol == "h1")
	server.Protocols.SetHTTP2(c.Protocol == "h2")
	server.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: c.Streams}
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.dialled.Add(1)
		}
	}
	go func() { // ends with the process, which it ends
		fmt.Fprintln(os.Stderr, "load: serving stopped:", server.ServeTLS(s.holes, "", ""))
		os.Exit(1)
	}()
	return obey(listener.Addr().String(), s.do)
}

func (s *serving) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.count()
	// The service makes up its tokens: one that outlives it is put in place of them.
	if r.Header.Get("Authorization") == "Bearer "+s.config.Token {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	if !strings.HasSuffix(r.URL.Path, "/GetNotifications") {
		s.service.ServeHTTP(w, r)
		return
	}
	o := &outlet{ResponseWriter: w}
	s.mu.Lock()
	s.outlets[o] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.outlets, o)
		s.mu.Unlock()
	}()
	s.service.ServeHTTP(o, r)
}

func (s *serving) count() {
	slot := int(time.Since(s.started) / (time.Second / 10))
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.attempts) <= slot {
		s.attempts = append(s.attempts, 0)
	}
	s.attempts[slot]++
}

// A census is what a server knows of its clients.
type census struct {
	Dialled     int // connections that there ever were
	Connections int // that are open
	Streams     int
	Attempts    []int // requests in each tenth of a second since the start
}

func (s *serving) census() census {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holes.mu.Lock()
	defer s.holes.mu.Unlock()
	return census{Dialled: int(s.dialled.Load()), Connections: len(s.holes.open), Streams: len(s.outlets), Attempts: s.attempts}
}

// do carries out an order.
func (s *serving) do(o order) (any, error) {
	switch o.Do {
	case "census":
		return s.census(), nil
	case "usage":
		return measure()
	case "change all":
		return nil, s.changeAll()
	case "begin changes":
		every, err := with[rate](o)
		if err != nil {
			return nil, err
		}
		return nil, s.changes.begin(s.service, every)
	case "end changes":
		return s.changes.end()
	case "ledger":
		return ledgerOf(s.service), nil
	case "freeze":
		return s.holes.freeze(), nil
	case "stall one":
		return nil, s.stallOne()
	}
	return nil, errors.New("there is no such order")
}

// stallOne makes one stream silent; its connection goes on.
func (s *serving) stallOne() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for o := range s.outlets {
		o.stall(s.stalled)
		return nil
	}
	return errors.New("there is no stream")
}

// newHTTPServer serves handler with a certificate.
func newHTTPServer(handler http.Handler, c certificate) (*http.Server, error) {
	cert, err := tls.X509KeyPair([]byte(c.Cert), []byte(c.Key))
	if err != nil {
		return nil, err
	}
	return &http.Server{
		Handler:           handler,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
	}, nil
}
