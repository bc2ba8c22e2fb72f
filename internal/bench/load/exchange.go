package load

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

type exchangeConfig struct {
	Cert      certificate
	Mailboxes int
	Groups    int // of mailboxes that can share a stream; each has two servers, so that one can be lost
}

// office is the fake Exchange, and what is to be known of how it is used.
type office struct {
	service *fakeserver.Server
	token   string // of the service, for the one that clients have
	dialled atomic.Int64
	open    atomic.Int64 // connections

	mu   sync.Mutex
	sent []sighting // items that were written on a stream, and when they first were

	changes changes
}

// playExchange is the service until its orders end.
func playExchange(c exchangeConfig) error {
	var o exchange.Options
	for group := range c.Groups {
		for server := range 2 {
			o.BackEnds = append(o.BackEnds, exchange.BackEnd{Name: backEnd(group, server), Grouping: fmt.Sprintf("GROUP%02d", group)})
		}
	}
	accounts := make([]signin.Account, c.Mailboxes)
	for i := range accounts {
		accounts[i] = signin.Account{User: mailbox(i), Name: fmt.Sprint("Room ", i)}
		o.Mailboxes = append(o.Mailboxes, exchange.Mailbox{Address: mailbox(i), BackEnd: backEnd(i%c.Groups, i/c.Groups%2)})
	}
	service := fakeserver.New(&fakeserver.Options{Accounts: accounts, MaxConcurrent: -1, TokenLifetime: 24 * time.Hour, Exchange: &o})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &office{service: service, token: service.Token("")}
	server, err := newHTTPServer(s, c.Cert)
	if err != nil {
		return err
	}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.ConnState = s.count
	go func() { // ends with the process, which it ends
		fmt.Fprintln(os.Stderr, "load: serving stopped:", server.ServeTLS(listener, "", ""))
		os.Exit(1)
	}()
	return obey(listener.Addr().String(), s.do)
}

func backEnd(group, server int) string {
	return fmt.Sprintf("group%02dmb%04d.prod.fake.test", group, server+1)
}

func (s *office) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.dialled.Add(1)
		s.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.open.Add(-1)
	}
}

func (s *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The service makes up its tokens: one that is known before is put in place of them.
	if r.Header.Get("Authorization") == "Bearer "+goodToken {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	s.service.ServeHTTP(&timed{w, s}, r)
}

// timed is a response that notes when items are written.
type timed struct {
	http.ResponseWriter
	office *office
}

// Unwrap lets http.ResponseController reach the connection.
func (t *timed) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// itemCreated is how an event says which item is new.
var itemCreated = regexp.MustCompile(`<t:CreatedEvent>.*?<t:ItemId Id="([^"]+)"`)

func (t *timed) Write(p []byte) (int, error) {
	if found := itemCreated.FindAllSubmatch(p, -1); len(found) > 0 {
		now := time.Now()
		t.office.mu.Lock()
		for _, f := range found {
			t.office.sent = append(t.office.sent, sighting{ID: string(f[1]), At: now})
		}
		t.office.mu.Unlock()
	}
	return t.ResponseWriter.Write(p)
}

// An officeCensus is what the service knows of its clients.
type officeCensus struct {
	Dialled     int // connections that there ever were
	Connections int // that are open
	Streams     int
	Calls       map[string]int // by operation
	Failed      map[string]int // of them, those whose answer was not 200
}

func (s *office) census() officeCensus {
	c := officeCensus{
		Dialled: int(s.dialled.Load()), Connections: int(s.open.Load()), Streams: s.service.Exchange().Streams(),
		Calls: make(map[string]int), Failed: make(map[string]int),
	}
	for _, r := range s.service.Requests() {
		name := operation(r)
		c.Calls[name]++
		if r.Status != http.StatusOK {
			c.Failed[name]++
		}
	}
	return c
}

// operation names what a request asks for.
func operation(r fakeserver.Request) string {
	if !exchange.Serves(r.Path) {
		return "Autodiscover"
	}
	_, name, _ := strings.Cut(r.Body, "<soap:Body><m:")
	if end := strings.IndexAny(name, "> /"); end > 0 {
		return name[:end]
	}
	return "unknown"
}

// A loss is the end of one server of the service.
type loss struct {
	BackEnd       string
	Subscriptions int
	At            time.Time
}

// lose ends the server that has the most subscriptions.
func (s *office) lose() (loss, error) {
	servers := s.service.Exchange().BackEnds()
	most := slices.MaxFunc(servers, func(a, b exchange.BackEndState) int { return cmp.Compare(a.Subscriptions, b.Subscriptions) })
	l := loss{BackEnd: most.Name, Subscriptions: most.Subscriptions, At: time.Now()}
	return l, s.service.Exchange().KillBackEnd(most.Name)
}

// do carries out an order.
func (s *office) do(o order) (any, error) {
	switch o.Do {
	case "census":
		return s.census(), nil
	case "usage":
		return measure()
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
	case "sent":
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.sent, nil
	case "lose one":
		return s.lose()
	}
	return nil, errors.New("there is no such order")
}
