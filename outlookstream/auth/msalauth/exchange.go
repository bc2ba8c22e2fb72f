package msalauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

// exchange is what one call of MSAL has exchanged with the authority. It travels in the context to the transport, which
// notes there the few facts that errors are made of: MSAL's own errors contain whole answers, tokens included.
type exchange struct {
	polling    bool // set before use, then only read
	cachedOnly bool // likewise: no token is to be asked for

	mu       sync.Mutex
	stopped  bool // one would have been
	requests int
	last     answer
}

// answer is what is known about the last answer.
type answer struct {
	entra.Answer
	fault     string // why there was no answer, in words without secrets; "" if there was one
	untrusted error  // what was wrong with the server's certificate
	refused   bool   // the request was not sent, because of where it was to go
	config    bool   // it was the answer to a request for the OpenID configuration
}

type exchangeKey struct{}

func withExchange(ctx context.Context) (context.Context, *exchange) {
	e := &exchange{}
	return context.WithValue(ctx, exchangeKey{}, e), e
}

// exchangeOf returns the exchange that ctx belongs to.
func exchangeOf(ctx context.Context) *exchange {
	if e, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return e
	}
	return &exchange{}
}

// stop says whether a request for a token must not be sent, and remembers that it would have been.
func (e *exchange) stop() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = e.stopped || e.cachedOnly
	return e.cachedOnly
}

func (e *exchange) wasStopped() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stopped
}

// note keeps the facts about an answer or its absence. It leaves resp's body to be read again.
func (e *exchange) note(req *http.Request, resp *http.Response, err error) {
	a := answer{Answer: entra.Answer{Host: req.URL.Host}, config: strings.HasSuffix(req.URL.Path, "/openid-configuration")}
	if err != nil {
		a.fault, a.refused = entra.Describe(err, errHost, errLarge, errSlow), errors.Is(err, errHost)
		a.untrusted = entra.Untrusted(err)
	} else {
		body, _ := io.ReadAll(resp.Body) // from memory
		resp.Body = io.NopCloser(bytes.NewReader(body))
		a.Answer = entra.Read(req.URL.Host, resp.StatusCode, body)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests++
	e.last = a
}

func (e *exchange) state() (requests int, last answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests, e.last
}

// lastFault describes the last answer if it was none or a failure of the server, and is "" otherwise.
func (e *exchange) lastFault() string {
	_, last := e.state()
	if last.fault == "" && last.Overloaded() {
		return fmt.Sprintf("%s answered with status %d", last.Host, last.Status)
	}
	return last.fault
}
