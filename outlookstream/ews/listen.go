package ews

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/calwatch/calwatch/internal/envelopes"
	"github.com/calwatch/calwatch/outlookstream"
)

const (
	opListen = "GetStreamingEvents"
	// maxSubscriptions is how many a request may name.
	maxSubscriptions = 200
)

type listenRequest struct {
	XMLName         xml.Name `xml:"m:GetStreamingEvents"`
	SubscriptionIDs []string `xml:"m:SubscriptionIds>t:SubscriptionId"`
	Minutes         int      `xml:"m:ConnectionTimeout"`
}

// Open listens to at most 200 subscriptions, all of them made with this
// Session, over one connection. ctx is for the whole life of the stream, not
// only for connecting. One request, no retries, within a minute for the
// answer's header. Whoever listens to one of the subscriptions already is cut
// off by the service ([ErrTakenOver]).
//
// That subscriptions are gone is said in the stream: by an *[Error] of Next that
// is outlookstream.ErrSubscriptionGone and names them. Nothing is delivered then
// of the others either.
//
// With Options.Impersonate the stream is the Session's anchor's; without an
// anchor, that of the first subscription's mailbox.
func (s *Session) Open(ctx context.Context, subscriptions ...*Subscription) (*Stream, error) {
	r, mailboxes, err := s.listening(subscriptions)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	st := &Stream{client: s.client, request: r, mailboxes: mailboxes, ctx: ctx, cancel: cancel, lease: s.pool.Acquire()}
	opened := false
	defer func() { // also if an Authenticator or a Trace function panics
		if !opened {
			cancel(nil)
			st.lease.Release()
		}
	}()
	if err := s.connect(st); err != nil {
		return nil, err
	}
	opened = true
	return st, nil
}

// listening returns the request, and the subscriptions' mailboxes by id.
func (s *Session) listening(subscriptions []*Subscription) (request, map[string]string, error) {
	if n := len(subscriptions); n == 0 || n > maxSubscriptions {
		return request{}, nil, fmt.Errorf("ews: Open listens to 1 to %d subscriptions, not to %d: open another stream for the others", maxSubscriptions, n)
	}
	version, err := s.since(streamsSince, streams)
	if err != nil {
		return request{}, nil, fmt.Errorf("ews: Open: %w", err)
	}
	operation := listenRequest{Minutes: int(s.client.opts.ConnectionTimeout / time.Minute)}
	mailboxes := make(map[string]string, len(subscriptions))
	for _, sub := range subscriptions {
		if sub == nil || sub.ID == "" {
			return request{}, nil, errors.New("ews: Open was given a Subscription without an ID")
		}
		operation.SubscriptionIDs = append(operation.SubscriptionIDs, sub.ID)
		mailboxes[sub.ID] = sub.Mailbox
	}
	r := request{op: opListen, impersonate: s.anchor, operation: operation, version: version}
	if first := subscriptions[0].Mailbox; r.impersonate == "" && first != ownMailbox {
		r.impersonate = first
	}
	return r, mailboxes, nil
}

// connect makes the request, and sets up what reads its answer.
func (s *Session) connect(st *Stream) error {
	traced := TraceAnswered{Op: opListen}
	start := time.Now()
	timer := time.AfterFunc(s.client.timeout, func() { st.cancel(errNoAnswer) })
	a, err := s.exchange(st.ctx, st.cancel, st.lease, st.request, &traced)
	timer.Stop()
	if err == nil {
		err = streamable(a)
	}
	s.finish(&traced, start, st.request, err)
	if traced.Err != nil {
		return traced.Err
	}
	st.diagnostics, st.present, st.body = a.diagnostics, a.present, a.Body
	st.opened = time.Now()
	st.watched = s.client.watchdog.Watch(a.Body, st.dead)
	st.bytes = arrivals{r: st.watched, first: st.live}
	st.reader = envelopes.NewReader(&st.bytes, &envelopes.Options{MaxBytes: s.client.opts.MaxEnvelope})
	call(s.client.opts.Trace.Connected, TraceConnected{Subscriptions: st.ids(), Protocol: a.Proto, Diagnostics: a.diagnostics})
	return nil
}

func (st *Stream) ids() []string { return st.request.operation.(listenRequest).SubscriptionIDs }

// streamable refuses, and closes, what is no stream of envelopes.
func streamable(a *answer) error {
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	switch kind {
	case "", "text/xml", "application/xml", "application/soap+xml":
		if !isCompressed(a.Response) {
			return nil
		}
	}
	_ = a.Body.Close()
	return fmt.Errorf("%w: %s instead of text/xml (a proxy's page?)", outlookstream.ErrMalformed, a.present(contentOf(a.Response), maxCode))
}

// isCompressed reports whether a response is compressed, which was not asked
// for. (Encodings that are none, such as "utf-8", occur; the reader will see.)
func isCompressed(resp *http.Response) bool {
	switch strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))) {
	case "gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress":
		return true
	default:
		return false
	}
}
