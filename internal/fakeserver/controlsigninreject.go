package fakeserver

import "github.com/calwatch/calwatch/internal/fakeserver/signin"

// controlReject makes sign-ins fail. Unlike in other calls, no user means everybody, as with faults.
func (s *Server) controlReject(body []byte) (any, error) {
	var what struct {
		Code  int    `json:"code"`
		User  string `json:"user"`
		On    string `json:"on"`
		Times int    `json:"times"`
	}
	if err := decodeControl(body, &what); err != nil {
		return nil, err
	}
	r := signin.Rejection{Code: what.Code, On: what.On, Times: what.Times}
	if what.User != "" {
		account, err := s.controlAccount(what.User)
		if err != nil {
			return nil, err
		}
		r.User = account.User
	}
	return controlNothing{}, s.signIn.Reject(r)
}

func (s *Server) controlLift(body []byte) (any, error) {
	var who struct {
		User string `json:"user"`
	}
	if err := decodeControlOptional(body, &who); err != nil {
		return nil, err
	}
	user := ""
	if who.User != "" {
		account, err := s.controlAccount(who.User)
		if err != nil {
			return nil, err
		}
		user = account.User
	}
	s.signIn.Lift(user)
	return controlNothing{}, nil
}
