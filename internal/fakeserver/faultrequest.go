package fakeserver

import (
	"net/http"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

const defaultDelay = time.Second

// gatewayPage is what proxies and gateways on the way say when they mean well.
const gatewayPage = "<!DOCTYPE html>\n<html><head><title>Please sign in</title></head>" +
	"<body><h1>Please sign in to the network</h1></body></html>\n"

// strikeRequest carries out a fault on a subscribe or listen request. It reports whether the request is answered.
func (s *Server) strikeRequest(c *call) bool {
	if c.op.fault == "" {
		return false
	}
	a, ok := s.armory.take(c.op.fault, c.user.User, nil)
	if !ok {
		return false
	}
	f := a.fault
	for name, value := range f.Headers {
		c.w.Header().Set(name, value)
	}
	switch f.Do {
	case doOtherHost:
		c.fault = a
		return false
	case doStatus, doErrorDocument:
		f.answer(c.w)
		return true
	}
	return s.strikeTransport(c.w, c.r, f)
}

// strikeTransport carries out what has nothing to do with the protocol that is spoken. It reports whether the request is
// answered.
func (s *Server) strikeTransport(w http.ResponseWriter, r *http.Request, f Fault) bool {
	switch f.Do {
	case doStall:
		s.untilGone(r)
		panic(http.ErrAbortHandler)
	case doReset:
		resetConn(r)
		panic(http.ErrAbortHandler)
	case doSlow:
		if !s.pause(r, f.Delay, r.Context().Done()) {
			panic(http.ErrAbortHandler)
		}
		return false
	case doRedirect:
		w.Header().Set("Location", f.location(r))
		w.WriteHeader(f.statusOr(http.StatusTemporaryRedirect))
	case doHTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(f.statusOr(http.StatusOK))
		w.Write([]byte(gatewayPage))
	}
	return true
}

// answer writes the answers that are an error of the service itself.
func (f Fault) answer(w http.ResponseWriter) {
	status := f.Status
	if f.Do == doErrorDocument {
		status = http.StatusOK
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	if status == http.StatusUnauthorized {
		setChallenge(w.Header(), signin.RefuseUnknown, "")
		for name, value := range f.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		return
	}
	code, message := f.texts()
	writeJSON(w, status, errorDocument{errorMember{code, message}})
}

func (f Fault) statusOr(status int) int {
	if f.Status != 0 {
		return f.Status
	}
	return status
}

func (f Fault) location(r *http.Request) string {
	if f.Location != "" {
		return f.Location
	}
	if e := endpointOf(r); e != nil {
		return e.otherURL + r.URL.RequestURI()
	}
	return "https://" + memoryOtherHost + r.URL.RequestURI()
}

// untilGone waits until the client has gone or the server closes.
func (s *Server) untilGone(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.live.done:
	case <-closing(r):
	}
}

// closing is closed when the endpoint that a request came in through is closed.
func closing(r *http.Request) <-chan struct{} {
	if e := endpointOf(r); e != nil {
		return e.live.done
	}
	return nil
}

// pause reports whether the time passed; otherwise the client has gone, where gone says so, or the server closes.
func (s *Server) pause(r *http.Request, d time.Duration, gone <-chan struct{}) bool {
	if d == 0 {
		d = defaultDelay
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-gone:
	case <-s.live.done:
	case <-closing(r):
	}
	return false
}
