//go:build realnet && linux

package realnet

import (
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// protocols are what the cases are played over, in the order of the table: the
// REST API over HTTP/1.1 and HTTP/2, and Exchange Web Services over both.
var protocols = []string{"h1", "h2", "ews", "ews2"}

// isExchange says which service it is.
func isExchange(protocol string) bool { return strings.HasPrefix(protocol, "ews") }

// isHTTP2 says how it is spoken to.
func isHTTP2(protocol string) bool { return strings.HasSuffix(protocol, "2") }

// restOnly is for what differs over Exchange Web Services.
var restOnly = []string{"h1", "h2"}

// A world is one case: a server, a client, and what is between them.
type world struct {
	t        *testing.T
	protocol string // one of protocols
	network  network
	cert     certificate
	config   serverConfig
	proxy    *proxy // nil: none
	book     *book
	client   *client
	turn     atomic.Int64 // whose the last change was

	mu      sync.Mutex
	current *server // replaced when it is started again
}

func (w *world) server() *server {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current
}

const defaultKeepAlive = 5 * time.Second // shorter than the library's own 15 s, to keep the run short

// tell tells the server to do something that cannot fail.
func (w *world) tell(do string) reply {
	w.t.Helper()
	r, err := w.server().ask(order{Do: do})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// starting lets few worlds begin at once, so that they do not wait for each
// other's processes when time is taken.
var starting = make(chan struct{}, 4)

func newWorld(t *testing.T, f fault, protocol string) *world {
	t.Helper()
	starting <- struct{}{}
	defer func() { <-starting }()
	w := &world{t: t, protocol: protocol, network: newNetwork(t), cert: newCertificate(t), book: newBook()}
	w.config = serverConfig{
		Listen: net.JoinHostPort(serverIP, port), Protocol: "h1", Cert: w.cert, Heartbeat: f.keepAliveOrDefault(),
		Relay: f.relay, Withhold: f.withhold,
	}
	if isHTTP2(protocol) {
		w.config.Protocol = "h2"
	}
	if f.proxy != "" {
		w.config.Listen, w.config.Protocol = upstream, "plain"
	}
	w.current = startServer(t, w.network, w.config)
	if f.proxy != "" {
		w.proxy = startProxy(t, w, f.proxy)
	}
	w.client = startClient(t, w.network, clientConfig{EWS: isExchange(protocol), HTTP2: isHTTP2(protocol), NTLM: f.ntlm, CertFile: w.cert.CertFile, KeepAlive: f.keepAliveOrDefault()}, w.token)
	t.Cleanup(func() {
		if t.Failed() {
			w.dump()
		}
	})
	return w
}

// watched are the resources that the client watches.
func (w *world) watched() []string {
	if isExchange(w.protocol) {
		return watchedMailboxes
	}
	return []string{watchedPath}
}

// token is what the client is given whenever it asks.
func (w *world) token() (string, error) {
	do := "token"
	if isExchange(w.protocol) {
		do = "app token" // it acts as every mailbox
	}
	r, err := w.server().ask(order{Do: do})
	return r.Token, err
}

// change makes a change, sooner or later, in one resource after the other.
func (w *world) change() (id string) {
	all := w.watched()
	return w.changeIn(all[w.turn.Add(1)%int64(len(all))])
}

func (w *world) changeIn(resource string) (id string) {
	id = w.book.next(resource)
	w.server().order(order{Do: "change", Resource: resource, ID: id}, func(r reply) {
		if r.Err != "" {
			w.t.Errorf("the change %s: %s", id, r.Err)
			return
		}
		w.book.add(made{resource: resource, id: id, at: r.Time})
	})
	return id
}

// delivered makes changes until the client gets one of each resource: then all
// that was made before is delivered, announced, or lost. One that a dying stream
// swallows is announced, and tells nothing.
func (w *world) delivered() {
	w.t.Helper()
	for _, resource := range w.watched() {
		w.deliveredOf(resource)
	}
}

func (w *world) deliveredOf(resource string) {
	w.t.Helper()
	for begin := time.Now(); time.Since(begin) < patience; {
		id := w.changeIn(resource)
		if _, ok := w.client.seen(5*time.Second, func(r record) bool { return r.What == whatEvent && r.ID == id }); ok {
			return
		}
	}
	w.t.Fatalf("no change of %s is delivered within %v; the client's stderr: %s", resource, patience, w.client.stderr)
}

// keepChanging makes a change every so often, until stop is called.
func (w *world) keepChanging(pace time.Duration) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.change()
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

// lets real time pass: the kernel knows no other.
func (w *world) lets(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.t.Context().Done():
		w.t.Fatal("the test was ended")
	}
}

// restart starts the server again, at the same address, with the same
// certificate, and without memory.
func (w *world) restart() {
	again := startServer(w.t, w.network, w.config)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = again
}

// reasons returns why the caller was told to list again, in order.
func reasons(all []record) (list []string) { return reasonsOf(all, "") }

// reasonsOf does so of one resource; "" is all.
func reasonsOf(all []record, resource string) (list []string) {
	for _, r := range all {
		if r.What == whatEvent && r.Kind == "resync" && (resource == "" || r.Resource == resource) {
			list = append(list, r.Reason)
		}
	}
	return list
}

func (w *world) dump() {
	records := w.client.all()
	for _, r := range slices.DeleteFunc(records, func(r record) bool { return r.What == whatEvent && r.Kind != "resync" || r.What == whatAside }) {
		w.t.Logf("client: %s %+v", r.At.Format("05.000"), r)
	}
	w.t.Logf("client's stderr: %s", w.client.stderr)
	w.t.Logf("server's stderr: %s", w.server().stderr)
	if w.proxy != nil {
		w.t.Logf("nginx: %s", w.proxy.log())
	}
}
