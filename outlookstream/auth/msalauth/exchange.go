package msalauth

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// exchange is what one call of MSAL has exchanged with the authority. It travels in the context to the transport, which
// notes there the few facts that errors are made of: MSAL's own errors contain whole answers, tokens included.
type exchange struct {
	polling bool // set before use, then only read

	mu       sync.Mutex
	requests int
	last     answer
}

// answer is what is known about the last answer.
type answer struct {
	host    string
	fault   string // why there was no answer, in words without secrets; "" if there was one
	refused bool   // the request was not sent, because of where it was to go
	status  int
	code    string // the OAuth error code, such as "invalid_grant"
	subcode string
	aadsts  int
	claims  string
	object  bool // the body was a JSON object
	config  bool // it was the answer to a request for the OpenID configuration
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

// note keeps the facts about an answer or its absence. It leaves resp's body to be read again.
func (e *exchange) note(req *http.Request, resp *http.Response, err error) {
	a := answer{host: req.URL.Host, config: strings.HasSuffix(req.URL.Path, "/openid-configuration")}
	if err != nil {
		a.fault, a.refused = describe(err), errors.Is(err, errHost)
	} else {
		body, _ := io.ReadAll(resp.Body) // from memory
		resp.Body = io.NopCloser(bytes.NewReader(body))
		a.status = resp.StatusCode
		a.read(body)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests++
	e.last = a
}

// read takes the error's fields from a body.
func (a *answer) read(body []byte) {
	var fields struct {
		Error  string          `json:"error"`
		Sub    string          `json:"suberror"`
		Claims string          `json:"claims"`
		Codes  json.RawMessage `json:"error_codes"`
	}
	if json.Unmarshal(body, &fields) != nil {
		a.object = json.Valid(body) && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{"))
		return
	}
	a.object = true
	a.code, a.subcode = codeWord(fields.Error), codeWord(fields.Sub)
	var codes []int
	if json.Unmarshal(fields.Codes, &codes) == nil && len(codes) > 0 {
		a.aadsts = codes[0]
	}
	if len(fields.Claims) <= 8<<10 && json.Valid([]byte(fields.Claims)) {
		a.claims = fields.Claims
	}
}

// codeWord lets pass what looks like an error code, in which no token can hide.
func codeWord(s string) string {
	if len(s) > 48 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return s
}

func (e *exchange) state() (requests int, last answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests, e.last
}

// lastFault describes the last answer if it was none or a failure of the server, and is "" otherwise.
func (e *exchange) lastFault() string {
	_, last := e.state()
	if last.fault == "" && overloaded(last.status) {
		return fmt.Sprintf("%s answered with status %d", last.host, last.status)
	}
	return last.fault
}

// describe puts a transport's error into words. Some of net/http's quote what the server sent, so only those known not to
// are quoted themselves.
func describe(err error) string {
	if errors.Is(err, errHost) || errors.Is(err, errLarge) || errors.Is(err, errSlow) {
		return err.Error()
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return clean(dns.Error())
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return clean(op.Error())
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return clean(cert.Error())
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "no answer in time"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection ended before the answer did"
	}
	return fmt.Sprintf("network error (%T)", err)
}
