package fakeserver

import (
	"bytes"
	"net/http"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// The glue between this package and the Exchange half of the fake: what is changed in a mailbox is changed for both,
// and faults and the request log are shared.

// newExchange makes the Exchange half, with the same mailboxes.
func (s *Server) newExchange(accounts []signin.Account) *exchange.Server {
	var o exchange.Options
	if s.opts.Exchange != nil {
		o = *s.opts.Exchange
	}
	homes := make(map[string]string)
	for _, m := range o.Mailboxes {
		homes[folded(m.Address)] = m.BackEnd
	}
	o.Mailboxes = nil
	for _, a := range accounts {
		o.Mailboxes = append(o.Mailboxes, exchange.Mailbox{Address: a.User, Name: a.Name, BackEnd: homes[folded(a.User)]})
	}
	if o.Authenticate == nil {
		o.Authenticate = s.authenticateExchange
	}
	o.Host = exchangeHost{s}
	return exchange.New(&o)
}

// Exchange is the Exchange half.
func (s *Server) Exchange() *exchange.Server { return s.exchange }

// EWS is the address of Exchange Web Services, URL + "/EWS/Exchange.asmx".
func (e *Endpoint) EWS() string { return e.URL + exchange.Path }

// maxExchangeBody is the largest request that is read, and logged, for the Exchange half.
const maxExchangeBody = 4 << 20

// serveExchange logs a request and passes it on.
func (s *Server) serveExchange(w http.ResponseWriter, r *http.Request) {
	entry := s.log.begin(r)
	recorder := &statusRecorder{ResponseWriter: w, log: s.log, entry: entry}
	body, tooLarge, err := readBody(w, r, maxExchangeBody)
	switch {
	case err != nil:
		panic(http.ErrAbortHandler) // the client went away in the middle of its own request
	case tooLarge:
		recorder.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	s.log.setBody(entry, r, body)
	r.Body = http.NoBody
	if len(body) > 0 {
		r.Body = bodyOf{bytes.NewReader(body)}
	}
	s.exchange.ServeHTTP(recorder, r)
}

// bodyOf is a body that was read already.
type bodyOf struct{ *bytes.Reader }

// Close implements io.Closer.
func (bodyOf) Close() error { return nil }
