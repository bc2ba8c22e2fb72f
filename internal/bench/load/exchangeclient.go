package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

type watchConfig struct {
	Server    string // "https://127.0.0.1:1234"
	Cert      string // whom to trust
	Mailboxes int
	Profile   bool // whose memory it is
}

// watching is a program with one watch over many mailboxes.
type watching struct {
	client    *ews.Client
	seen      *seen
	tokens    *tokens
	mailboxes []ews.Mailbox
	index     map[string]int // of a mailbox, by its address
	ctx       context.Context
	running   sync.WaitGroup
	failed    atomic.Pointer[string]
}

// playWatch is that program until its orders end.
func playWatch(c watchConfig) error {
	if c.Profile {
		runtime.MemProfileRate = 16 << 10
	} else {
		runtime.MemProfileRate = 0
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM([]byte(c.Cert)) {
		return errors.New("there is no certificate to trust")
	}
	transport := outlookstream.NewTransport()
	transport.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &watching{seen: newSeen(false), tokens: &tokens{values: []string{goodToken}}, index: make(map[string]int), ctx: ctx}
	client, err := ews.New(ews.Bearer(auth.Cached(w.tokens)), &ews.Options{
		URL:          c.Server + "/EWS/Exchange.asmx",
		Impersonate:  true,
		Discover:     true,
		Autodiscover: ews.AutodiscoverOptions{Servers: []string{c.Server}},
		HTTPClient:   &http.Client{Transport: transport},
	})
	if err != nil {
		return err
	}
	w.client = client
	for i := range c.Mailboxes {
		w.mailboxes = append(w.mailboxes, ews.Mailbox{Address: mailbox(i), Folders: ews.Distinguished("calendar")})
		w.index[mailbox(i)] = i
	}
	w.seen.grow(c.Mailboxes)
	err = obey(nil, w.do)
	cancel()
	w.running.Wait()
	return err
}

// do carries out an order.
func (w *watching) do(o order) (any, error) {
	if failed := w.failed.Load(); failed != nil {
		return nil, errors.New(*failed)
	}
	switch o.Do {
	case "watch": // says when
		w.running.Go(w.loop)
		return time.Now(), nil
	case "record":
		w.seen.startRecording()
		return nil, nil
	case "await":
		want, err := with[wanted](o)
		if err != nil {
			return nil, err
		}
		return w.seen.await(want)
	case "mark":
		w.seen.mark()
		return nil, resetPeak()
	case "settled":
		return settled()
	case "usage":
		return measure()
	case "profile":
		return profile(), nil
	case "seen":
		return w.seen.all(), nil
	case "tokens":
		return w.tokens.count(), nil
	}
	return nil, errors.New("there is no such order")
}

// loop is what any program would have.
func (w *watching) loop() {
	for event, err := range w.client.Watch(w.ctx, w.mailboxes...) {
		i, known := w.index[event.Resource]
		switch {
		case err != nil:
			w.fail(err)
		case event.Kind == outlookstream.Ended, !known:
			w.fail(fmt.Errorf("%v of %s: %w", event.Kind, event.Resource, event.Reason))
		case event.Kind == outlookstream.Resync:
			w.seen.opened(i, event.Reason.Error())
		default:
			w.seen.changed(i, strings.Clone(event.ID), nil)
		}
	}
}

func (w *watching) fail(err error) {
	if w.ctx.Err() == nil {
		text := err.Error()
		w.failed.Store(&text)
	}
}
