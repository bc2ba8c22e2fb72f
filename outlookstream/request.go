package outlookstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/internal/service"
)

// The operations, as they are named in errors and traces.
const (
	opSubscribe   = "subscribe"
	opListen      = "listen"
	opUnsubscribe = "unsubscribe"
)

const (
	maxErrorBody = 64 << 10
	maxCode      = 128
	maxMessage   = 1 << 10
)

var (
	errForeignRedirect = errors.New("the service redirects to another host, which gets no token; if that is right, make it the Endpoint")
	errNoAnswer        = errors.New("no answer in time (a proxy that holds back responses, or a dead server)")
)

// A request is one call of the service.
type request struct {
	op       string
	resource string // for errors and traces
	method   string
	path     string // below the user
	body     any    // sent as JSON, if not nil
	into     any    // what the answer is decoded into; nil: the body is left to the caller
	scopes   []string
}

// An answer is a response whose status was 2xx.
type answer struct {
	*http.Response
	diagnostics Diagnostics
	present     func(text string, limit int) string // for what else the service says: without the token
}

// send makes the request and returns the response if its status is 2xx. The
// time up to the header (and the body, if it is read here) is bounded: cancel
// must end ctx.
func (c *Client) send(ctx context.Context, cancel context.CancelCauseFunc, lease *reconnect.Lease, r request) (*answer, error) {
	traced := TraceAnswered{Op: r.op, Resource: r.resource}
	start := time.Now()
	a, err := c.exchange(ctx, cancel, lease, r, &traced)
	if _, said := errors.AsType[*Error](err); err != nil && !said {
		err = &ConnectionError{Op: r.op, Resource: r.resource, Err: err, Diagnostics: traced.Diagnostics}
	}
	traced.Duration, traced.Err = time.Since(start), err
	call(c.opts.Trace.Answered, traced)
	return a, err
}

// exchange is send without its accounts, for which it fills in traced.
func (c *Client) exchange(ctx context.Context, cancel context.CancelCauseFunc, lease *reconnect.Lease, r request, traced *TraceAnswered) (*answer, error) {
	token, err := c.tokens.Get(ctx, r.scopes)
	if err != nil {
		return nil, fmt.Errorf("getting a token: %w", err)
	}
	req, err := c.newRequest(reconnect.LimitTries(ctx, cancel), r, token)
	if err != nil {
		return nil, err
	}
	id := req.Header.Get("client-request-id")
	traced.ClientRequestID = id
	present := func(text string, limit int) string { return service.Presentable(text, token, limit) }

	timer := time.AfterFunc(c.timeout, func() { cancel(errNoAnswer) })
	defer timer.Stop()
	resp, err := lease.Client().Do(req)
	if err != nil {
		if err = service.Because(ctx, err); ctx.Err() == nil || errors.Is(err, errNoAnswer) || errors.Is(err, reconnect.ErrTurnedAway) {
			lease.Abandon() // the Transport may not know that the connection is dead
		}
		return nil, service.Cleaned(service.WithCertificateAdvice(err), present, errForeignRedirect)
	}
	traced.Status = resp.StatusCode
	traced.Diagnostics = diagnosticsOf(resp.Header, token)
	traced.ClientRequestID = id // the service repeats it, or ought to
	challenge := ""
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		challenge = service.Claims(resp.Header.Values("WWW-Authenticate"))
		c.tokens.Refuse(token, challenge)
	case resp.StatusCode == http.StatusMisdirectedRequest:
		lease.Abandon() // this connection is not for this host
	}
	if resp.StatusCode/100 != 2 {
		failure := newError(resp, r, present)
		failure.Diagnostics, failure.challenge = traced.Diagnostics, challenge
		return nil, failure
	}
	if r.into != nil {
		if err := decodeBody(resp, r.into); err != nil {
			if err = service.Because(ctx, err); !errors.Is(err, ErrMalformed) {
				lease.Abandon() // as above
			}
			return nil, service.Cleaned(err, present)
		}
	}
	return &answer{Response: resp, diagnostics: traced.Diagnostics, present: present}, nil
}

// decodeBody reads a short answer.
func decodeBody(resp *http.Response, into any) error {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return err
	}
	if json.Unmarshal(trimBOM(body), into) != nil {
		return fmt.Errorf("%w: %s with a body that is not the documented JSON, but %s", ErrMalformed, resp.Status, contentOf(resp))
	}
	return nil
}

// contentOf says what kind of content a response claims to have.
func contentOf(resp *http.Response) string {
	kind := resp.Header.Get("Content-Type")
	if kind == "" {
		kind = "content of no type"
	}
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" {
		kind += ", encoded as " + encoding
	}
	return kind
}

func (c *Client) newRequest(ctx context.Context, r request, token string) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		encoded, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.endpoint.String()+"/"+c.user+"/"+r.path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "identity") // a compressor would hold notifications back
	req.Header.Set("User-Agent", c.opts.UserAgent)
	req.Header.Set("client-request-id", uuid.NewString())
	req.Header.Set("return-client-request-id", "true")
	if c.opts.AnchorMailbox != "" {
		req.Header.Set("X-AnchorMailbox", c.opts.AnchorMailbox)
	}
	return req, nil
}

// newError reads what the service answered instead.
func newError(resp *http.Response, r request, present func(string, int) string) *Error {
	defer resp.Body.Close()
	var said wireError
	if resp.StatusCode >= 200 { // what follows 101 is not a body, and has no end
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // half a message is better than none
		said = decodeError(body)
	}
	return &Error{
		Op:         r.op,
		Resource:   r.resource,
		Status:     resp.StatusCode,
		Code:       present(said.Code, maxCode),
		Message:    present(said.Message, maxMessage),
		RetryAfter: service.RetryAfter(resp.Header.Get("Retry-After"), time.Now()),
	}
}
