package msalauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

const (
	maxAnswer      = 1 << 20
	requestTimeout = 30 * time.Second
)

// guard is the transport of MSAL's requests. It lets them go to the sign-in hosts only, by https only; reads answers
// whole, within limits; and notes in the request's exchange what came of it.
type guard struct {
	base      http.RoundTripper
	host      string
	microsoft bool
	documents *documents
}

var (
	errHost    = errors.New("refused to send a sign-in request to another host than the authority's")
	errLarge   = errors.New("the answer is larger than 1 MiB")
	errStopped = errors.New("only the cache was to be asked")
	errSlow    = fmt.Errorf("no answer within %s", requestTimeout)
)

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	e := exchangeOf(req.Context())
	if isDocument(req) {
		sent := false
		resp, err := g.documents.get(req, func() (*http.Response, error) {
			sent = true
			return g.send(req, e)
		})
		if err == nil && !sent {
			e.note(req, resp, nil) // it may be why MSAL fails
		}
		return resp, err
	}
	if e.stop() {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, errStopped
	}
	return g.send(req, e)
}

// send sends the request and notes what came of it.
func (g *guard) send(req *http.Request, e *exchange) (*http.Response, error) {
	resp, err := g.do(req)
	if req.Context().Err() != nil {
		return resp, err
	}
	e.note(req, resp, err)
	// While a person is signing in, a failed poll is no reason to throw the code away: ask again, as if it was pending.
	// MSAL's own reaction would be to end the sign-in.
	if e.polling && !errors.Is(err, errHost) && (err != nil || entra.Answer{Status: resp.StatusCode}.Overloaded()) {
		return pending(req), nil
	}
	return resp, err
}

func (g *guard) do(req *http.Request) (*http.Response, error) {
	host := strings.ToLower(req.URL.Host)
	if req.URL.Scheme != "https" || host != g.host && !(g.microsoft && microsoftHost(host)) {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, errHost
	}
	ctx, cancel := context.WithTimeout(req.Context(), requestTimeout)
	defer cancel() // the answer is read by then
	body, resp, err := g.exchange(req.WithContext(ctx))
	if err != nil {
		if ctx.Err() != nil && req.Context().Err() == nil {
			err = errSlow
		}
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, errLarge
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp, nil
}

// exchange sends the request and reads the answer.
func (g *guard) exchange(req *http.Request) ([]byte, *http.Response, error) {
	resp, err := g.base.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	return body, resp, err
}

// pending is an answer that makes MSAL poll again.
func pending(req *http.Request) *http.Response {
	const body = `{"error":"authorization_pending"}`
	return &http.Response{
		Status: "400 Bad Request", StatusCode: http.StatusBadRequest, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: req,
	}
}
