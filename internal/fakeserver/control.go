package fakeserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

const controlPrefix = "/_fake/"

// controlRoute is one call of the control API.
type controlRoute struct {
	method, name string
	serve        func(*Server, []byte) (any, error)
}

func controlRoutes() []controlRoute {
	routes := []controlRoute{
		{http.MethodPost, "changes", (*Server).controlChanges},
		{http.MethodPost, "faults", (*Server).controlFaults},
		{http.MethodPost, "disarm", (*Server).controlDisarm},
		{http.MethodPost, "expire", (*Server).controlExpire},
		{http.MethodPost, "approve", (*Server).controlApprove},
		{http.MethodPost, "deny", (*Server).controlDeny},
		{http.MethodPost, "revoke", (*Server).controlRevoke},
		{http.MethodPost, "claims", (*Server).controlClaims},
		{http.MethodPost, "reject", (*Server).controlReject},
		{http.MethodPost, "lift", (*Server).controlLift},
		{http.MethodPost, "credentials", (*Server).controlCredentials},
		getOf("ledger", func(s *Server) any { return s.Ledger() }),
		getOf("requests", func(s *Server) any { return s.Requests() }),
		getOf("subscriptions", func(s *Server) any { return s.Subscriptions() }),
		getOf("streams", func(s *Server) any { return controlStreams{s.Streams()} }),
		getOf("ews/subscriptions", (*Server).controlExchangeSubscriptions),
		getOf("ews/streams", (*Server).controlExchangeStreams),
		getOf("codes", func(s *Server) any { return s.controlCodes() }),
		getOf("grants", func(s *Server) any { return s.signIn.Requests() }),
	}
	return slices.Concat(routes, backEndRoutes(), accessRoutes(), folderRoutes())
}

func getOf(name string, answer func(*Server) any) controlRoute {
	return controlRoute{http.MethodGet, name, func(s *Server, _ []byte) (any, error) { return answer(s), nil }}
}

// postOf is a call whose body is of type T; an empty one stands for an empty object.
func postOf[T any](name string, do func(*Server, T) error) controlRoute {
	return controlRoute{http.MethodPost, name, func(s *Server, body []byte) (any, error) {
		var what T
		if err := decodeControlOptional(body, &what); err != nil {
			return nil, err
		}
		return controlNothing{}, do(s, what)
	}}
}

// controlList is for the message that tells which calls there are.
func controlList(routes []controlRoute) string {
	var names []string
	for _, route := range routes {
		names = append(names, route.method+" "+controlPrefix+route.name)
	}
	return strings.Join(names, ", ")
}

// serveControl is the control API. A browser must not be talked into using it by a page from elsewhere, so that a
// request with an Origin, or for a host name that is not this machine's, is refused.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	refuse := func(status int, code, message string) {
		writeJSON(w, status, errorDocument{errorMember{code, message}})
	}
	routes := controlRoutes()
	i := slices.IndexFunc(routes, func(route controlRoute) bool { return controlPrefix+route.name == r.URL.Path })
	switch {
	case !s.opts.Control:
		refuse(http.StatusNotFound, "ControlOff", "The control API is off.")
		return
	case r.Header.Get("Origin") != "" || !controlHost(r):
		refuse(http.StatusForbidden, "ControlForbidden", "The control API serves programs on this machine only, and no browsers.")
		return
	case i < 0:
		refuse(http.StatusNotFound, "ControlUnknown", "There is no such control call; there are "+controlList(routes)+".")
		return
	case r.Method != routes[i].method:
		w.Header().Set("Allow", routes[i].method)
		refuse(http.StatusMethodNotAllowed, "ControlMethod", "The method must be "+routes[i].method+".")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
	if err != nil {
		refuse(http.StatusBadRequest, "ControlBody", "The body could not be read: "+err.Error())
		return
	}
	answer, err := routes[i].serve(s, body)
	if err != nil {
		refuse(http.StatusBadRequest, "ControlRefused", strings.TrimPrefix(err.Error(), "fakeserver: "))
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func controlHost(r *http.Request) bool {
	if e := endpointOf(r); e != nil && e.memory {
		return true
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return isLoopback(strings.Trim(host, "[]"))
}

// decodeControl is strict: a misspelt member must not pass for an absent one.
func decodeControl(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errors.New("the body is not as it should be: " + err.Error())
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the JSON object in the body")
	}
	return nil
}

// decodeControlOptional takes an empty body for an empty object.
func decodeControlOptional(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	return decodeControl(body, into)
}

type controlNothing struct{}

type controlStreams struct {
	Streams int `json:"streams"`
}

func (s *Server) controlChanges(body []byte) (any, error) {
	var c Change
	if err := decodeControl(body, &c); err != nil {
		return nil, err
	}
	return s.Change(c)
}

func (s *Server) controlFaults(body []byte) (any, error) {
	var what struct {
		Fault
		Delay string `json:"delay"` // in place of the number of nanoseconds: "1.5s"
	}
	if err := decodeControl(body, &what); err != nil {
		return nil, err
	}
	f := what.Fault
	if what.Delay != "" {
		delay, err := time.ParseDuration(what.Delay)
		if err != nil {
			return nil, errors.New(`delay must be a duration such as "1.5s"`)
		}
		f.Delay = delay
	}
	return controlNothing{}, s.Arm(f)
}

func (s *Server) controlDisarm(body []byte) (any, error) {
	if err := decodeControlOptional(body, &controlNothing{}); err != nil {
		return nil, err
	}
	s.Disarm()
	return controlNothing{}, nil
}

// controlExpire expires subscriptions by id, or tokens by fingerprint, or all of them.
func (s *Server) controlExpire(body []byte) (any, error) {
	var what struct {
		Subscription string `json:"subscription"`
		Token        string `json:"token"`
	}
	if err := decodeControl(body, &what); err != nil {
		return nil, err
	}
	var answer struct {
		Expired int `json:"expired"`
	}
	switch {
	case (what.Subscription == "") == (what.Token == ""):
		return nil, errors.New(`say either "subscription" or "token", an id or fingerprint or "all"`)
	case what.Subscription == "all":
		answer.Expired = s.ExpireSubscriptions()
	case what.Subscription != "":
		answer.Expired = s.ExpireSubscriptions(what.Subscription)
	default:
		answer.Expired = s.expireTokens(what.Token)
	}
	return answer, nil
}

func (s *Server) expireTokens(fingerprint string) int {
	expired := 0
	for _, secret := range s.signIn.Secrets() {
		if (fingerprint == "all" || Fingerprint(secret) == fingerprint) && s.signIn.ExpireToken(secret) {
			expired++
		}
	}
	return expired
}
