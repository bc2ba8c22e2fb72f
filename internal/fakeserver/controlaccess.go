package fakeserver

import (
	"errors"
	"net/http"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/internal/fakeserver/httpauth"
)

// accessRoutes are the calls of the control API that are about who may use Exchange, and how much. Each is a method of
// the Go API.
func accessRoutes() []controlRoute {
	return []controlRoute{
		getOf("ews/early", func(s *Server) any { return notNull(s.exchange.Early()) }),
		getOf("ews/accounts", func(s *Server) any { return s.authentication.Accounts() }),
		{http.MethodPost, "ews/throttle", (*Server).controlThrottle},
		postOf("ews/unthrottle", func(s *Server, _ controlNothing) error { s.exchange.LiftThrottling(); return nil }),
		postOf("ews/limits", func(s *Server, l exchange.Limits) error { s.exchange.SetLimits(l); return nil }),
		{http.MethodPost, "ews/impersonation", (*Server).controlImpersonation},
		postOf("ews/fullaccess", func(s *Server, what controlGrant) error {
			s.exchange.GrantFullAccess(what.Account, what.Mailboxes...)
			return nil
		}),
		postOf("ews/mailbox", func(s *Server, what struct {
			Mailbox string `json:"mailbox"`
			Code    string `json:"code"`
		}) error {
			s.exchange.SetMailboxFailure(what.Mailbox, what.Code)
			return nil
		}),
		postOf("ews/access", func(s *Server, a exchange.Access) error { s.exchange.SetAccess(a); return nil }),
		postOf("ews/deny", func(s *Server, d httpauth.Denial) error { return s.authentication.Deny(d) }),
		postOf("ews/undeny", func(s *Server, _ controlNothing) error { s.authentication.LiftDenials(); return nil }),
		postOf("ews/schemes", func(s *Server, what struct {
			Schemes []httpauth.Scheme `json:"schemes"`
		}) error {
			s.authentication.SetSchemes(what.Schemes...)
			return nil
		}),
		postOf("ews/account", func(s *Server, a httpauth.Account) error { s.authentication.SetAccount(a); return nil }),
	}
}

func (s *Server) controlThrottle(body []byte) (any, error) {
	var what struct {
		exchange.Busy
		BackOff string `json:"backOff"` // in place of the number of nanoseconds: "1.5s"
	}
	if err := decodeControl(body, &what); err != nil {
		return nil, err
	}
	var err error
	if what.Busy.BackOff, err = controlDuration("backOff", what.BackOff); err != nil {
		return nil, err
	}
	return controlNothing{}, s.exchange.Throttle(what.Busy)
}

// controlGrant is a right of an account.
type controlGrant struct {
	Account   string   `json:"account"`
	Mailboxes []string `json:"mailboxes"`
}

// controlImpersonation grants, or says whether it has to be granted.
func (s *Server) controlImpersonation(body []byte) (any, error) {
	var what struct {
		controlGrant
		Limited *bool `json:"limited"`
	}
	if err := decodeControl(body, &what); err != nil {
		return nil, err
	}
	if (what.Account == "") == (what.Limited == nil) {
		return nil, errors.New(`say either "account" with "mailboxes", or "limited"`)
	}
	if what.Limited != nil {
		s.exchange.LimitImpersonation(*what.Limited)
	} else {
		s.exchange.GrantImpersonation(what.Account, what.Mailboxes...)
	}
	return controlNothing{}, nil
}
