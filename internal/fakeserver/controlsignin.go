package fakeserver

import (
	"encoding/json"
	"errors"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// The calls of the control API that are about sign-in.

// controlAccount finds whom a call is about; "" is the first account.
func (s *Server) controlAccount(user string) (signin.Account, error) {
	account, ok := s.dir.find(user)
	if !ok {
		return account, errors.New("no account " + user)
	}
	return account, nil
}

func (s *Server) controlApprove(body []byte) (any, error) {
	var who struct {
		UserCode string `json:"user_code"`
		User     string `json:"user"`
	}
	if err := decodeControl(body, &who); err != nil {
		return nil, err
	}
	account, err := s.controlAccount(who.User)
	if err != nil {
		return nil, err
	}
	return controlNothing{}, s.signIn.Approve(who.UserCode, account.User)
}

func (s *Server) controlDeny(body []byte) (any, error) {
	var what struct {
		UserCode string `json:"user_code"`
	}
	if err := decodeControl(body, &what); err != nil {
		return nil, err
	}
	return controlNothing{}, s.signIn.Deny(what.UserCode)
}

// controlCode is a user code that waits for somebody, in the form that approve and deny take.
type controlCode struct {
	UserCode string `json:"user_code"`
}

func (s *Server) controlCodes() []controlCode {
	codes := []controlCode{} // not null
	for _, code := range s.signIn.PendingUserCodes() {
		codes = append(codes, controlCode{code})
	}
	return codes
}

func (s *Server) controlRevoke(body []byte) (any, error) {
	var who struct {
		User string `json:"user"`
	}
	if err := decodeControlOptional(body, &who); err != nil {
		return nil, err
	}
	account, err := s.controlAccount(who.User)
	if err != nil {
		return nil, err
	}
	s.signIn.Revoke(account.User)
	return controlNothing{}, nil
}

func (s *Server) controlClaims(body []byte) (any, error) {
	var what struct {
		User   string  `json:"user"`
		Claims *string `json:"claims"`
	}
	if err := decodeControl(body, &what); err != nil {
		return nil, err
	}
	account, err := s.controlAccount(what.User)
	if err != nil {
		return nil, err
	}
	var object map[string]json.RawMessage
	if what.Claims == nil || *what.Claims != "" && (json.Unmarshal([]byte(*what.Claims), &object) != nil || object == nil) {
		return nil, errors.New(`claims must be text that is a JSON object, or "" to lift what was required`)
	}
	s.signIn.RequireClaims(account.User, *what.Claims)
	return controlNothing{}, nil
}
