//go:build realnet && linux

package realnet

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/httpauth"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

type serverConfig struct {
	Listen    string        // where clients, or the proxy, come
	Protocol  string        // "h1", "h2"; "plain" for HTTP/1.1 without TLS behind a proxy
	Cert      certificate   // unless it is plain
	Heartbeat time.Duration // of Exchange; of the REST API the client says how often
	Relay     bool          // TCP goes through a relay that can be told to half-close
	Withhold  string        // "all" or "body" of streams, until told otherwise; "": nothing
}

// playServer is the service. It does what it is told until its input ends.
func playServer(c serverConfig) error {
	var accounts []signin.Account
	for _, address := range watchedMailboxes {
		accounts = append(accounts, signin.Account{User: address})
	}
	service := fakeserver.New(&fakeserver.Options{Accounts: accounts, Exchange: &exchange.Options{Heartbeat: c.Heartbeat}})
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	peers := &peers{Listener: listener, open: make(map[net.Conn]struct{})}
	listener = peers
	var relay *relay
	if c.Relay {
		if relay, err = newRelay(peers); err != nil {
			return err
		}
		listener = relay.behind
	}
	holding := &withholder{next: service, what: c.Withhold}
	holding.passing.Store(c.Withhold == "")
	server := &http.Server{Handler: holding, ConnContext: httpauth.ConnContext, ErrorLog: log.New(io.Discard, "", 0)}
	if c.Protocol != "plain" {
		protocol := map[string]string{"h1": "http/1.1", "h2": "h2"}[c.Protocol]
		cert, err := tls.LoadX509KeyPair(c.Cert.CertFile, c.Cert.KeyFile)
		if err != nil {
			return err
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{protocol}, MinVersion: tls.VersionTLS12}
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	go func() {
		fmt.Fprintln(os.Stderr, "serving stopped:", server.Serve(listener))
		os.Exit(1)
	}()

	out := newPrinter(os.Stdout)
	out.print(reply{})
	return eachLine(os.Stdin, func(o order) {
		r := reply{Number: o.Number}
		switch o.Do {
		case "change":
			user := o.Resource
			if user == watchedPath {
				user = "me"
			}
			entries, err := service.Change(fakeserver.Change{User: user, Resource: watchedPath, ChangeType: "Created", ID: o.ID})
			if err != nil {
				r.Err = err.Error()
				break
			}
			r.Time = entries[0].Time
		case "token":
			r.Token = service.Token("me")
		case "app token":
			r.Token = service.Token("")
		case "peers":
			r.Peers = peers.addresses()
		case "pass on":
			holding.passing.Store(true)
		case "half-close":
			if err := relay.halfClose(); err != nil {
				r.Err = err.Error()
			}
		default:
			r.Err = "there is no such order"
		}
		out.print(r)
	})
}

// peers is a listener that knows who is connected.
type peers struct {
	net.Listener
	mu   sync.Mutex
	open map[net.Conn]struct{}
}

func (p *peers) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := &peer{Conn: c, of: p}
	p.open[known] = struct{}{}
	return known, nil
}

func (p *peers) addresses() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		all = append(all, c.RemoteAddr().String())
	}
	slices.Sort(all)
	return all
}

type peer struct {
	net.Conn
	of *peers
}

func (c *peer) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
