package fakeserver

import (
	"errors"
	"net/http"
	"time"
)

// Ranges of what GetNotifications is asked. None are documented; 120 minutes and 5 seconds were accepted. Our choice.
const (
	maxTimeoutMinutes   = 1440
	maxKeepAliveSeconds = 86_400
)

// settle is how long HTTP/2 gets to put on the wire what was written before a reset: it flushes behind the handler's back.
const settle = 10 * time.Millisecond

// listenRequest is the body of GetNotifications.
type listenRequest struct {
	timeout   time.Duration
	keepAlive time.Duration
	ids       []string
}

func parseListen(raw []byte) (listenRequest, *apiError) {
	const timeout, keepAlive, ids = "ConnectionTimeoutInMinutes", "KeepAliveNotificationIntervalInSeconds", "SubscriptionIds"
	var req listenRequest
	body, failure := parseBody(raw, "GetNotifications", timeout, keepAlive, ids)
	if failure != nil {
		return req, failure
	}
	minutes, failure := body.integer(timeout, 1, maxTimeoutMinutes)
	if failure != nil {
		return req, failure
	}
	seconds, failure := body.integer(keepAlive, 1, maxKeepAliveSeconds)
	if failure != nil {
		return req, failure
	}
	if req.ids, failure = body.texts(ids); failure != nil {
		return req, failure
	}
	req.timeout = time.Duration(minutes) * time.Minute
	req.keepAlive = time.Duration(seconds) * time.Second
	return req, nil
}

// listen serves POST GetNotifications.
func (s *Server) listen(c *call) {
	req, failure := parseListen(c.body)
	if failure != nil {
		c.fail(failure)
		return
	}
	lose, losing := s.armory.take(onStream, c.user.User, func(do string) bool { return do == doLoseBetween })
	l, failure := s.store.listen(c.user.User, req.ids, losing, func(kind itemKind) bool { return mayRead(c.grant, kind) })
	if failure != nil {
		if losing {
			s.armory.giveBack(lose)
		}
		c.fail(failure)
		return
	}
	if limit := s.opts.MaxConnection; limit > 0 {
		req.timeout = min(req.timeout, limit)
	}
	st := newStream(s, c, l, req)
	s.mu.Lock()
	s.streams[st] = struct{}{}
	s.mu.Unlock()
	err := st.run()
	st.giveBackFaults()
	s.store.leave(l)
	s.mu.Lock()
	delete(s.streams, st)
	s.mu.Unlock()
	switch {
	case errors.Is(err, errReset):
		if c.r.ProtoMajor == 2 {
			s.pause(c.r, settle, nil)
		}
		resetConn(c.r)
		panic(http.ErrAbortHandler)
	case errors.Is(err, errAbort):
		panic(http.ErrAbortHandler)
	}
}
