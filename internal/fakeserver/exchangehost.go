package fakeserver

import (
	"net/http"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// exchangeHost is what the Exchange half is part of.
type exchangeHost struct{ s *Server }

// Closing implements exchange.Host.
func (h exchangeHost) Closing(r *http.Request) <-chan struct{} { return closing(r) }

// Reset implements exchange.Host.
func (h exchangeHost) Reset(r *http.Request) { resetConn(r) }

// StrikeRequest implements exchange.Host.
func (h exchangeHost) StrikeRequest(w http.ResponseWriter, r *http.Request, on, user string) (exchange.Fault, bool) {
	a, ok := h.s.armory.take(on, user, nil)
	if !ok {
		return exchange.Fault{}, false
	}
	f := a.fault
	for name, value := range f.Headers {
		w.Header().Set(name, value)
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	switch {
	case exchange.Speaks(f.Do):
		return f.forExchange(), false
	case f.Do == doStatus:
		if f.Status == http.StatusUnauthorized {
			setChallenge(w.Header(), signin.RefuseUnknown, "")
			for name, value := range f.Headers {
				w.Header().Set(name, value)
			}
		}
		w.WriteHeader(f.Status)
		return exchange.Fault{}, true
	}
	return exchange.Fault{}, h.s.strikeTransport(w, r, f)
}

// StreamFaults implements exchange.Host.
func (h exchangeHost) StreamFaults(user string) exchange.StreamFaults {
	return &exchangeFaults{claims{armory: h.s.armory, on: exchange.OnStream, user: user}}
}

func (f Fault) forExchange() exchange.Fault {
	return exchange.Fault{Do: f.Do, Code: f.Code, Message: f.Message, After: f.After, Bytes: f.Bytes, Delay: f.Delay}
}

// exchangeFaults are the faults of one stream.
type exchangeFaults struct{ claims claims }

// Claim implements exchange.StreamFaults.
func (x *exchangeFaults) Claim(opening bool) { x.claims.take(opening) }

// Shape implements exchange.StreamFaults.
func (x *exchangeFaults) Shape(do string) (exchange.Fault, bool) {
	f, ok := x.claims.shape(do)
	return f.forExchange(), ok
}

// Strike implements exchange.StreamFaults.
func (x *exchangeFaults) Strike(do string) (exchange.Fault, bool) {
	f, ok := x.claims.strike(do)
	return f.forExchange(), ok
}

// Count implements exchange.StreamFaults.
func (x *exchangeFaults) Count() { x.claims.count() }

// GiveBack implements exchange.StreamFaults.
func (x *exchangeFaults) GiveBack(reached bool) { x.claims.giveBack(reached) }
