package ews

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

const (
	maxErrorBody = 64 << 10
	maxCode      = 128
	maxMessage   = 1 << 10
)

var (
	errSlowCredentials = errors.New("that took longer than a whole call may")
	errNoAnswer        = errors.New("no answer in time (a proxy that holds back responses, or a dead server)")
	errForeignRedirect = errors.New("the service redirects to another address, which gets no credentials; if that is right, make it the URL")
)

// A request is one call of the service.
type request struct {
	op          string  // the operation's name: "Subscribe"
	mailbox     string  // for errors and traces
	impersonate string  // whom to act as, if Options.Impersonate is set
	operation   any     // the body's element
	version     *string // in which operation was made; nil: any
}

// An answer is a response whose status was 200.
type answer struct {
	*http.Response
	diagnostics outlookstream.Diagnostics
	version     *string                             // that the request named
	present     func(text string, limit int) string // for what else the service says: without the secret
}

// do makes a call and decodes its answer, a whole envelope, into reply.
// messages returns the response messages of the decoded reply; the first that
// is an error becomes do's own.
func (s *Session) do(ctx context.Context, r request, reply any, messages func() []responseMessage) (outlookstream.Diagnostics, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	select {
	case s.client.calls <- struct{}{}:
		defer func() { <-s.client.calls }()
	case <-ctx.Done():
		return outlookstream.Diagnostics{}, context.Cause(ctx)
	}
	lease := s.pool.Acquire()
	defer lease.Release()
	traced := TraceAnswered{Op: r.op, Mailbox: r.mailbox}
	start := time.Now()
	timer := time.AfterFunc(s.client.timeout, func() { cancel(errNoAnswer) })
	defer timer.Stop()
	a, err := s.exchange(ctx, cancel, lease, r, &traced)
	if err == nil {
		err = s.decode(a, r, reply, messages)
		s.stepDown(a.version, err)
		if err != nil && (errors.Is(err, io.ErrUnexpectedEOF) || ctx.Err() != nil) {
			err = service.Because(ctx, err)
			lease.Abandon()
		}
	}
	s.finish(&traced, start, r, err)
	return traced.Diagnostics, traced.Err
}

// finish completes what there is to say about a call, and says it.
func (s *Session) finish(traced *TraceAnswered, start time.Time, r request, err error) {
	if _, said := errors.AsType[*Error](err); err != nil && !said {
		err = &outlookstream.ConnectionError{Op: r.op, Resource: r.mailbox, Err: err, Diagnostics: traced.Diagnostics}
	}
	if failure, said := errors.AsType[*Error](err); said && failure.BackOff > 0 && r.op != opAutodiscover {
		s.client.busy.note(s.client.charged(r.impersonate), failure.BackOff)
	}
	traced.Duration, traced.Err = time.Since(start), err
	if s.client.opts.Statistics && traced.RequestID != "" {
		said := fmt.Sprintf("MessageId=%s,ResponseTime=%d,SoapAction=%s", traced.RequestID, traced.Duration.Milliseconds(), r.op)
		s.statistics.Store(&said)
	}
	call(s.client.opts.Trace.Answered, *traced)
}

// exchange sends a request and returns the response if its status is 200.
func (s *Session) exchange(ctx context.Context, cancel context.CancelCauseFunc, lease *reconnect.Lease, r request, traced *TraceAnswered) (*answer, error) {
	version := r.version
	if version == nil {
		version = s.version.Load()
	}
	req, err := s.newRequest(reconnect.LimitTries(ctx, cancel), r, *version)
	if err != nil {
		return nil, err
	}
	a, err := s.send(ctx, lease, req, r, traced)
	if err != nil {
		s.stepDown(version, err)
		return nil, err
	}
	a.version = version
	return a, nil
}

// send gets what req is to be sent with, sends it, and returns the response if
// its status is 200.
func (s *Session) send(ctx context.Context, lease *reconnect.Lease, req *http.Request, r request, traced *TraceAnswered) (*answer, error) {
	g, err := s.client.auth.grant(ctx, req.URL.Hostname())
	if err != nil {
		if context.Cause(ctx) == errNoAnswer {
			err = errSlowCredentials
		}
		return nil, fmt.Errorf("getting credentials: %w", err)
	}
	return s.sendWith(ctx, lease, g, req, r, traced)
}

// sendWith is send with a grant that there is.
func (s *Session) sendWith(ctx context.Context, lease *reconnect.Lease, g *grant, req *http.Request, r request, traced *TraceAnswered) (*answer, error) {
	outcome, challenge := unanswered, ""
	defer func() { g.over(outcome, challenge) }()
	resp, err := s.roundTrip(ctx, lease, g.authorize(req), g.present, traced)
	if err != nil {
		return nil, err
	}
	outcome = g.outcome(resp.StatusCode)
	if outcome == refused {
		if err := notOffered(resp.Header, s.client.auth.scheme(), g.present); err != nil && traced.Auth.Code == 0 {
			_ = resp.Body.Close()
			outcome = unanswered
			return nil, err
		}
		challenge = service.Claims(resp.Header.Values("WWW-Authenticate"))
	}
	if resp.StatusCode != http.StatusOK {
		return nil, failed(resp, r, g.present, traced.Diagnostics, challenge)
	}
	return &answer{Response: resp, diagnostics: traced.Diagnostics, present: g.present}, nil
}

// roundTrip sends a request as it is.
func (s *Session) roundTrip(ctx context.Context, lease *reconnect.Lease, req *http.Request, present func(string, int) string, traced *TraceAnswered) (*http.Response, error) {
	id := req.Header.Get("client-request-id")
	traced.ClientRequestID = id
	resp, err := lease.Client().Do(req)
	if err != nil {
		if err = service.Because(ctx, err); ctx.Err() == nil || errors.Is(err, errNoAnswer) || errors.Is(err, reconnect.ErrTurnedAway) {
			lease.Abandon() // it may be dead without the transport knowing
		}
		return nil, service.Cleaned(service.WithCertificateAdvice(err), present, auth.ErrMisconfigured, outlookstream.ErrMalformed)
	}
	traced.Status = resp.StatusCode
	traced.Diagnostics = diagnosticsOf(resp.Header, present)
	traced.ClientRequestID = id
	return resp, nil
}

// decode reads an answer that is one envelope.
func (s *Session) decode(a *answer, r request, reply any, messages func() []responseMessage) error {
	defer a.Body.Close()
	limit := s.client.opts.MaxEnvelope
	body, err := io.ReadAll(io.LimitReader(a.Body, int64(limit)+1))
	if err != nil {
		return service.Cleaned(err, a.present)
	}
	if len(body) > limit {
		return fmt.Errorf("%w: an answer of more than %d bytes", outlookstream.ErrMalformed, limit)
	}
	broken := xml.Unmarshal(body, reply)
	var all []responseMessage
	if broken == nil {
		all = messages()
	}
	if len(all) == 0 {
		return noAnswer(a, r, body, broken)
	}
	for _, m := range all {
		if e := m.toError(r, a.present); e != nil {
			e.Diagnostics = a.diagnostics
			return e
		}
	}
	return nil
}

// noAnswer is the error of what has no response message: a fault, or, for the
// reason broken, if that is not nil, no answer to r at all.
func noAnswer(a *answer, r request, body []byte, broken error) error {
	var failed faultEnvelope
	switch {
	case xml.Unmarshal(body, &failed) != nil:
		return fmt.Errorf("%w: %s that is not a SOAP envelope (a proxy's page?)", outlookstream.ErrMalformed, a.present(contentOf(a.Response), maxCode))
	case failed.Fault != nil:
		e := failed.Fault.toError(r, a.present)
		e.Status, e.Diagnostics = a.StatusCode, a.diagnostics
		return e
	case broken != nil:
		return fmt.Errorf("%w: an answer to %s: %s", outlookstream.ErrMalformed, r.op, a.present(broken.Error(), maxMessage))
	default:
		return fmt.Errorf("%w: an answer to %s without a response message", outlookstream.ErrMalformed, r.op)
	}
}

// malformed is the error of an answer that lacks what every answer to r has.
func malformed(r request, d outlookstream.Diagnostics, what string) error {
	return &outlookstream.ConnectionError{Op: r.op, Resource: r.mailbox, Diagnostics: d, Err: fmt.Errorf("%w: %s", outlookstream.ErrMalformed, what)}
}

// contentOf says what kind of content a response claims to have.
func contentOf(resp *http.Response) string {
	kind := cmp.Or(resp.Header.Get("Content-Type"), "content of no type")
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" {
		kind += ", encoded as " + encoding
	}
	return kind
}

func (s *Session) newRequest(ctx context.Context, r request, version string) (*http.Request, error) {
	impersonated := ""
	if s.client.opts.Impersonate {
		impersonated = r.impersonate
	}
	body, err := encodeEnvelope(version, impersonated, r.operation)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	s.client.setHeader(req)
	if s.anchor != "" {
		req.Header.Set("X-AnchorMailbox", s.anchor)
		req.Header.Set("X-PreferServerAffinity", "true")
	}
	if statistics := s.statistics.Swap(nil); statistics != nil {
		req.Header.Set("X-ClientStatistics", *statistics)
	}
	return req, nil
}

// setHeader is what every request with an XML body has.
func (c *Client) setHeader(req *http.Request) {
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.Header.Set("Accept", "text/xml")
	req.Header.Set("Accept-Encoding", "identity") // a compressor would hold notifications back
	req.Header.Set("User-Agent", c.opts.UserAgent)
	req.Header.Set("client-request-id", uuid.NewString())
	req.Header.Set("return-client-request-id", "true")
}

func diagnosticsOf(header http.Header, present func(string, int) string) outlookstream.Diagnostics {
	d := service.DiagnosticsOf(header, present)
	return outlookstream.Diagnostics{
		RequestID: d.RequestID, FEServer: d.FEServer, BEServer: d.BEServer, BEStatus: d.BEStatus, DiagInfo: d.DiagInfo, Auth: outlookstream.AuthDiagnostics(d.Auth),
	}
}
