package fakeserver

import (
	"errors"
	"net/http"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/autodiscover"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// backEndRoutes are the calls of the control API that are about where Exchange's mailboxes are. Each is a method of the
// Go API.
func backEndRoutes() []controlRoute {
	return []controlRoute{
		getOf("ews/backends", func(s *Server) any { return s.exchange.BackEnds() }),
		getOf("ews/questions", func(s *Server) any { return notNull(s.autodiscover.Questions()) }),
		{http.MethodPost, "ews/backend", (*Server).controlBackEnd},
		{http.MethodPost, "ews/move", (*Server).controlMove},
		postOf("ews/affinity", func(s *Server, what struct {
			LostIsFault    bool `json:"lostIsFault"`
			WholeContainer bool `json:"wholeContainer"`
		}) error {
			s.exchange.SetLostAffinity(what.LostIsFault)
			s.exchange.SetWholeContainer(what.WholeContainer)
			return nil
		}),
		{http.MethodPost, "ews/server", (*Server).controlServer},
		postOf("ews/discover", func(s *Server, what struct {
			Address string `json:"address"`
			autodiscover.Entry
		}) error {
			s.exchange.Redirect(what.Address, what.Entry)
			return nil
		}),
		postOf("ews/forms", func(s *Server, what struct {
			Forms []autodiscover.Form `json:"forms"`
		}) error {
			s.autodiscover.SetForms(what.Forms...)
			return nil
		}),
	}
}

func notNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// controlBackEnd adds, changes, kills or revives a back-end.
func (s *Server) controlBackEnd(body []byte) (any, error) {
	var what struct {
		Do string `json:"do"`
		exchange.BackEnd
	}
	if err := decodeControl(body, &what); err != nil {
		return nil, err
	}
	switch what.Do {
	case "set":
		return controlNothing{}, s.exchange.SetBackEnd(what.BackEnd)
	case "kill":
		return controlNothing{}, s.exchange.KillBackEnd(what.Name)
	case "revive":
		return controlNothing{}, s.exchange.ReviveBackEnd(what.Name)
	}
	return nil, errors.New(`do must be "set", "kill" or "revive"`)
}

// controlServer makes the service another one: an older, a newer, or one without streams.
func (s *Server) controlServer(body []byte) (any, error) {
	var what struct {
		Version    string  `json:"version"`    // the newest RequestServerVersion that it takes; "": as it is
		Streamless *string `json:"streamless"` // what a request for a stream gets; "": a stream
	}
	if err := decodeControl(body, &what); err != nil {
		return nil, err
	}
	if what.Version != "" {
		v, ok := exchange.VersionNamed(what.Version)
		if !ok {
			return nil, errors.New("version must be Exchange2007_SP1, Exchange2010, Exchange2010_SP2, Exchange2013_SP1 or V2017_07_11")
		}
		s.exchange.SetVersion(v)
	}
	if what.Streamless != nil {
		s.exchange.SetStreamless(*what.Streamless)
	}
	return controlNothing{}, nil
}

// controlMove moves a mailbox, or has it fail over.
func (s *Server) controlMove(body []byte) (any, error) {
	var what struct {
		Mailbox  string `json:"mailbox"`
		BackEnd  string `json:"backEnd"`
		During   string `json:"during"`   // how long it takes: "30s"; "": no time
		FailOver bool   `json:"failOver"` // within the grouping, and nobody is told
	}
	if err := decodeControl(body, &what); err != nil {
		return nil, err
	}
	if what.FailOver {
		return controlNothing{}, s.exchange.FailOver(what.Mailbox, what.BackEnd)
	}
	during, err := controlDuration("during", what.During)
	if err != nil {
		return nil, err
	}
	return controlNothing{}, s.exchange.MoveMailbox(what.Mailbox, what.BackEnd, during)
}

func controlDuration(name, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errors.New(name + ` must be a duration such as "1.5s"`)
	}
	return d, nil
}
