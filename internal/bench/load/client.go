package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// The kinds of client.
const (
	modeOurs = "ours" // outlookstream
	modeBare = "bare" // net/http, and nobody looks at what comes
	modeStd  = "std"  // net/http and encoding/json
)

type clientConfig struct {
	Mode        string
	Protocol    string // "h1", "h2"
	API         string
	Cert        string // whom to trust
	Tokens      []string
	KeepAlive   time.Duration
	Buffer      int  // that bare reads go into
	ConnectRate int  // of ours; 0: its default
	Record      bool // what comes, for the ledger
	Trace       bool // when streams end; that takes memory
	Profile     bool // whose memory it is
}

// A watcher is what holds streams. Each function returns when ctx ends.
type watcher interface {
	// watch holds stream i, and tells of it.
	watch(ctx context.Context, i int) error
}

// holding is a client and its streams.
type holding struct {
	config  clientConfig
	watcher watcher
	seen    *seen
	tokens  *tokens
	peers   *peers
	ctx     context.Context
	opened  int
	running sync.WaitGroup
	failed  atomic.Pointer[string]
}

// playClient is a program with many watches until its orders end.
func playClient(c clientConfig) error {
	if c.Profile {
		runtime.MemProfileRate = 16 << 10
	} else {
		runtime.MemProfileRate = 0
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	h := &holding{config: c, seen: newSeen(c.Record), tokens: &tokens{values: c.Tokens}, peers: newPeers(), ctx: ctx}
	transport, err := h.transport()
	if err != nil {
		return err
	}
	if c.Mode == modeOurs {
		h.watcher, err = newOurs(h, transport)
	} else {
		h.watcher, err = newPlain(h, transport)
	}
	if err != nil {
		return err
	}
	err = obey(nil, h.do)
	cancel()
	h.running.Wait()
	return err
}

// transport is the library's own, for all kinds of client, so that what is
// between them is not its settings.
func (h *holding) transport() (*http.Transport, error) {
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM([]byte(h.config.Cert)) {
		return nil, errors.New("there is no certificate to trust")
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(h.config.Protocol == "h1")
	protocols.SetHTTP2(h.config.Protocol == "h2")
	transport := outlookstream.NewTransport()
	transport.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	transport.Protocols = protocols
	return transport, nil
}

// do carries out an order.
func (h *holding) do(o order) (any, error) {
	if failed := h.failed.Load(); failed != nil {
		return nil, errors.New(*failed)
	}
	switch o.Do {
	case "open":
		want, err := with[opening](o)
		if err != nil {
			return nil, err
		}
		return nil, h.open(want)
	case "await":
		want, err := with[wanted](o)
		if err != nil {
			return nil, err
		}
		return h.seen.await(want)
	case "mark":
		h.seen.mark()
		return nil, resetPeak()
	case "settled":
		return settled()
	case "usage":
		return measure()
	case "profile":
		return profile(), nil
	case "latencies":
		return h.seen.takeLatencies(), nil
	case "seen":
		return h.seen.all(), nil
	case "tokens":
		return h.tokens.count(), nil
	case "peers":
		return h.peers.all(), nil
	}
	return nil, errors.New("there is no such order")
}

// An opening is how many more streams to open.
type opening struct {
	Streams int
	AtOnce  int // 0: all
}

// open returns when they have been started and, but for the last few, opened.
func (h *holding) open(want opening) error {
	var room chan struct{} // one place for each that is opening
	if want.AtOnce > 0 {
		room = make(chan struct{}, want.AtOnce)
	}
	first := h.opened
	h.opened += want.Streams
	h.seen.grow(h.opened)
	for i := first; i < h.opened; i++ {
		if room != nil {
			room <- struct{}{}
			h.seen.whenOpen(i, func() { <-room })
		}
		h.running.Go(func() {
			if err := h.watcher.watch(h.ctx, i); err != nil && h.ctx.Err() == nil {
				text := fmt.Sprintf("stream %d: %v", i, err)
				h.failed.Store(&text)
				h.seen.opened(i, "") // whoever waits for it is told by the next order
			}
		})
	}
	return nil
}
