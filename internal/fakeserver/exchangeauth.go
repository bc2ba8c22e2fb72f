package fakeserver

import (
	"net/http"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver/autodiscover"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/httpauth"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// DefaultPassword is that of every account, unless Options.Passwords say otherwise. It opens nothing but this server.
const DefaultPassword = "fake-password"

// newAuthentication lets the accounts in with passwords and with the tokens of the sign-in half.
func (s *Server) newAuthentication(accounts []signin.Account) *httpauth.Server {
	o := httpauth.Options{Inspect: s.inspect, Lockout: s.opts.Lockout, Accounts: s.opts.Passwords}
	for _, a := range accounts {
		set := func(p httpauth.Account) bool { return strings.EqualFold(p.User, a.User) }
		if !slices.ContainsFunc(s.opts.Passwords, set) {
			o.Accounts = append(o.Accounts, httpauth.Account{User: a.User, Password: DefaultPassword})
		}
	}
	return httpauth.New(o)
}

// inspect takes a token of somebody without a mailbox for an unknown one.
func (s *Server) inspect(token string) (signin.Grant, signin.RefuseReason) {
	grant, reason := s.signIn.Inspect(token)
	if reason == signin.Accepted && !grant.AppOnly {
		if _, ok := s.dir.named(grant.User); !ok {
			reason = signin.RefuseUnknown
		}
	}
	return grant, reason
}

// Authentication is who may use the Exchange half, and how.
func (s *Server) Authentication() *httpauth.Server { return s.authentication }

// authenticateExchange says who a request to the Exchange half is from.
func (s *Server) authenticateExchange(w http.ResponseWriter, r *http.Request) (exchange.Account, bool) {
	who, ok := s.authentication.Authenticate(w, r)
	switch {
	case !ok:
		return exchange.Account{}, false
	case who.Scheme != httpauth.Bearer:
		return exchange.Account{Name: who.User, Address: who.User}, true
	case who.Grant.AppOnly:
		return exchange.Account{Name: s.signIn.ClientID(), App: s.signIn.ClientID()}, true
	}
	return exchange.Account{Name: who.User, Address: who.User, App: s.signIn.ClientID()}, true
}

// Autodiscover is the service that tells where mailboxes are; [exchange.Server.Redirect] changes what it says.
func (s *Server) Autodiscover() *autodiscover.Server { return s.autodiscover }

func (s *Server) newAutodiscover() *autodiscover.Server {
	return autodiscover.New(autodiscover.Options{
		Directory: s.exchange,
		Authenticate: func(w http.ResponseWriter, r *http.Request) bool {
			_, ok := s.authentication.Authenticate(w, r)
			return ok
		},
	})
}

// serveAutodiscover logs a request and passes it on.
func (s *Server) serveAutodiscover(w http.ResponseWriter, r *http.Request) {
	entry := s.log.begin(r)
	s.autodiscover.ServeHTTP(&statusRecorder{ResponseWriter: w, log: s.log, entry: entry}, r)
}
