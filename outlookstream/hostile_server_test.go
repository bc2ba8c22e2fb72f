package outlookstream_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A hostile server accepts connections and does what it likes with them.
type hostile struct {
	t        testing.TB
	net      *pipeListener
	opts     outlookstream.Options
	config   *tls.Config // the server's
	protocol string
	deaf     bool // over HTTP/2 by hand, nothing is read while somebody listens
	running  sync.WaitGroup

	mu      sync.Mutex
	conns   []net.Conn
	listens []time.Time
	ends    []outlookstream.TraceDisconnected
	waits   []outlookstream.TraceWaiting
}

const hostileToken = "header.s3cret-payload.signature"

// newHostile returns a server that serves nobody yet, and options for a client
// with our own transport that reaches it. The protocols are "h1" and "h2".
func newHostile(t testing.TB, protocol string) *hostile {
	t.Helper()
	by, err := trusted()
	if err != nil {
		t.Fatal(err)
	}
	log.SetOutput(io.Discard) // net/http tells everybody of peers without manners
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	h := &hostile{t: t, net: newPipeListener(), protocol: protocol}
	next := map[string]string{"h1": "http/1.1", "h2": "h2"}[protocol]
	h.config = &tls.Config{Certificates: []tls.Certificate{certificate(t)}, NextProtos: []string{next}}
	transport := outlookstream.NewTransport()
	transport.Proxy = nil
	transport.DialContext = h.net.dial
	transport.TLSClientConfig = &tls.Config{RootCAs: by.pool()}
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(protocol == "h1")
	transport.Protocols.SetHTTP2(protocol == "h2")
	h.opts = outlookstream.Options{
		Endpoint:   "https://" + hostileHost + "/api/beta",
		HTTPClient: &http.Client{Transport: transport},
		Trace: &outlookstream.Trace{
			Disconnected: func(d outlookstream.TraceDisconnected) { h.mu.Lock(); defer h.mu.Unlock(); h.ends = append(h.ends, d) },
			Waiting:      func(w outlookstream.TraceWaiting) { h.mu.Lock(); defer h.mu.Unlock(); h.waits = append(h.waits, w) },
		},
	}
	t.Cleanup(func() {
		_ = h.net.Close()
		h.mu.Lock()
		for _, c := range h.conns {
			_ = c.Close()
		}
		h.mu.Unlock()
		h.running.Wait()
	})
	return h
}

var certifyOnce sync.Mutex
var certified tls.Certificate

// certificate is the one that is in order.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	certifyOnce.Lock()
	defer certifyOnce.Unlock()
	if certified.PrivateKey == nil {
		by, err := trusted()
		if err != nil {
			t.Fatal(err)
		}
		certified = certify(t, by, nil)
	}
	return certified
}

// inBothProtocols runs test in virtual time with a hostile server each.
func inBothProtocols(t *testing.T, test func(t *testing.T, h *hostile)) {
	t.Helper()
	for _, protocol := range []string{"h1", "h2"} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, newHostile(t, protocol)) })
		})
	}
}

func (h *hostile) client() *outlookstream.Client {
	h.t.Helper()
	c, err := outlookstream.New(auth.Static(hostileToken), &h.opts)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// serve gives each connection, still bare, to handle, and closes it when that
// returns.
func (h *hostile) serve(handle func(net.Conn)) {
	h.running.Go(func() {
		for {
			c, err := h.net.Accept()
			if err != nil {
				return
			}
			h.mu.Lock()
			h.conns = append(h.conns, c)
			h.mu.Unlock()
			h.running.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
}

// listening notes that somebody listens.
func (h *hostile) listening() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listens = append(h.listens, time.Now())
}

func (h *hostile) count() (listens int, ends []outlookstream.TraceDisconnected, waits []outlookstream.TraceWaiting) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.listens), h.ends, h.waits
}

func isSubscribe(path string) bool { return strings.HasSuffix(path, "/subscriptions") }

const subscribed = `{"Id":"x"}`

// serveHTTP has net/http serve: subscriptions are called "x", and whoever
// listens gets listen.
func (h *hostile) serveHTTP(listen http.HandlerFunc) {
	h.serveRequests(func(w http.ResponseWriter, r *http.Request) {
		if isSubscribe(r.URL.Path) {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, subscribed)
			return
		}
		listen(w, r)
	})
}

// serveRequests has net/http serve all requests with handle.
func (h *hostile) serveRequests(handle http.HandlerFunc) {
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.running.Add(1) // Close does not wait
			defer h.running.Done()
			if !isSubscribe(r.URL.Path) {
				h.listening()
			}
			handle(w, r)
		}),
		TLSConfig: h.config,
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	h.running.Go(func() {
		if err := server.ServeTLS(h.net, "", ""); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			h.t.Errorf("the hostile server: %v", err)
		}
	})
	h.t.Cleanup(func() { _ = server.Close() })
}

// serveBytes answers requests over HTTP/1.1 by hand: a subscription as it should be,
// and whoever listens with what answer writes.
func (h *hostile) serveBytes(answer func(io.Writer)) {
	h.serve(func(bare net.Conn) { h.answering(tls.Server(bare, h.config), answer) })
}

// answering is serveBytes of one connection.
func (h *hostile) answering(c *tls.Conn, answer func(io.Writer)) {
	defer c.Close()
	requests := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if isSubscribe(r.URL.Path) {
			_, _ = io.WriteString(c, "HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n"+subscribed)
			continue
		}
		h.listening()
		answer(c)
		return
	}
}

// forAWhile watches for ten minutes, or for as long as is said, and checks what
// must hold whatever the server does: no event is invented, attempts are spaced,
// nobody learns the token. It returns the watch's error, which is errOver if it
// went on.
func (h *hostile) forAWhile(long ...time.Duration) error {
	h.t.Helper()
	long = append(long, 10*time.Minute)
	ctx, cancel := context.WithTimeoutCause(h.t.Context(), long[0], errOver)
	defer cancel()
	var last error
	for event, err := range h.client().Watch(ctx, events) {
		if err == nil && event.Kind != outlookstream.Resync {
			h.t.Errorf("%v did not happen", event)
		}
		last = err
	}
	listens, _, waits := h.count()
	// About eight attempts until the back-off's ceiling is a minute, then two
	// a minute on the average. Each may take maxTries connections.
	most := 30 + int(3*long[0]/time.Minute)
	if len(waits) > most || listens > maxTries*most || h.net.dialed() > maxTries*most {
		h.t.Errorf("%d attempts, %d connections and %d requests to listen in %v", len(waits), h.net.dialed(), listens, long[0])
	}
	for _, wait := range append(waits, outlookstream.TraceWaiting{Err: last}) {
		if text := wait.Err.Error(); strings.Contains(text, "s3cret") || len(text) > 6<<10 {
			h.t.Errorf("an error of %d bytes: %.500s", len(text), text)
		}
	}
	return last
}

// maxTries is how often a Transport tries a request that the server has not read.
const maxTries = 3

var errOver = errors.New("the time is over")
