package fakeserver

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// maxBody is the largest request that is read.
const maxBody = 64 << 10

// operation is one row of the API.
type operation struct {
	method string
	fault  string // what a fault on it is on; "" for none
	serve  func(*Server, *call)
}

var (
	opSubscribe   = operation{http.MethodPost, onSubscribe, (*Server).subscribe}
	opUnsubscribe = operation{http.MethodDelete, "", (*Server).unsubscribe}
	opListen      = operation{http.MethodPost, onListen, (*Server).listen}
)

// call is one request to the API on its way through.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	entry *Request
	op    operation
	path  []segment // without the mailbox
	grant signin.Grant
	user  signin.Account // the mailbox in the path
	via   string         // the mailbox as the path's own segment, for context URLs
	body  []byte
	base  string // root of the API as the client wrote it
	fault *armed // one that does not answer the request by itself
}

func (c *call) fail(e *apiError) { e.write(c.w) }

// serveAPI checks what every operation has in common. The order of the checks is our choice.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	entry := s.log.begin(r)
	c := &call{w: &statusRecorder{ResponseWriter: w, log: s.log, entry: entry}, r: r, entry: entry}
	setDiagnostics(c.w, r)
	body, tooLarge, err := readBody(w, r, maxBody)
	if err != nil {
		panic(http.ErrAbortHandler) // the client went away in the middle of its own request
	}
	s.log.setBody(entry, r, body)
	c.body = body

	if failure := s.route(c); failure != nil {
		c.fail(failure)
		return
	}
	if !s.authenticate(c) {
		return
	}
	if failure := s.enterMailbox(c); failure != nil {
		c.fail(failure)
		return
	}
	leave, ok := s.throttle.enter(c.user.User)
	if !ok {
		c.fail(failf(http.StatusTooManyRequests, codeThrottled, "Application is over its MailboxConcurrency limit."))
		return
	}
	defer leave()
	if s.strikeRequest(c) {
		return
	}
	if failure := s.checkRequest(c, tooLarge); failure != nil {
		c.fail(failure)
		return
	}
	c.op.serve(s, c)
}

// readBody reads all of it. That has to come first: an HTTP/1.1 server learns that its client has gone only once the
// request has been read.
func readBody(w http.ResponseWriter, r *http.Request, most int64) (body []byte, tooLarge bool, err error) {
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return body, true, nil
	}
	return body, false, err
}

// route finds the operation.
func (s *Server) route(c *call) *apiError {
	escaped, ok := cutRoot(c.r.URL.EscapedPath())
	if !ok {
		return failf(http.StatusNotFound, codeParseURI, "There is no such API; this is "+apiRoot+".")
	}
	path, ok := splitPath(escaped)
	if !ok {
		return failf(http.StatusNotFound, codeParseURI, "The path cannot be parsed.")
	}
	c.base = baseURL(c.r)
	n := 1
	if path[0].name == "users" && !path[0].hasKey {
		n = 2
	} else if path[0].name != "users" && path[0].name != "me" {
		return noSegment(http.StatusNotFound, path[0])
	}
	if len(path) <= n {
		return failf(http.StatusNotFound, codeParseURI, "The path ends too early.")
	}
	c.path = path
	op, rest := path[n], path[n+1:]
	switch {
	case op.name == "subscriptions" && !op.hasKey && len(rest) == 0:
		c.op = opSubscribe
	case op.name == "subscriptions" && (op.hasKey && len(rest) == 0 || !op.hasKey && len(rest) == 1):
		c.op = opUnsubscribe
	case op.name == "getnotifications" && !op.hasKey && len(rest) == 0:
		c.op = opListen
	default:
		return noSegment(http.StatusNotFound, op)
	}
	if c.r.Method != c.op.method {
		e := failf(http.StatusMethodNotAllowed, codeMethod, "The method %s is not allowed here.", c.r.Method)
		e.header = http.Header{"Allow": {c.op.method}}
		return e
	}
	return nil
}

// enterMailbox resolves the mailbox in the path and checks that the token is good for it.
func (s *Server) enterMailbox(c *call) *apiError {
	first := c.path[0]
	if c.grant.AppOnly && first.name == "me" {
		return failf(http.StatusBadRequest, "BadRequest",
			"/me request is only valid with delegated authentication flow.")
	}
	me, _ := s.dir.find(c.grant.User)
	user, rest, failure := s.dir.cutMailbox(c.path, me)
	if failure != nil {
		return failure
	}
	if !c.grant.AppOnly && user.User != me.User {
		return failf(http.StatusForbidden, codeAccessDenied, accessDenied)
	}
	c.user, c.path, c.via = user, rest, "Me"
	if first.name == "users" {
		c.via = s.dir.segment(user)
	}
	return nil
}

// checkRequest checks headers and size.
func (s *Server) checkRequest(c *call, tooLarge bool) *apiError {
	if anchor := c.r.Header.Get("X-AnchorMailbox"); anchor != "" {
		if _, ok := s.dir.named(anchor); !ok {
			return failf(http.StatusBadRequest, codeRoutingHint,
				"The X-AnchorMailbox header does not name a mailbox of this organization.")
		}
	}
	if tooLarge {
		return failf(http.StatusRequestEntityTooLarge, codeTooLarge, "The request is larger than %d bytes.", maxBody)
	}
	if c.op.method != http.MethodPost {
		if len(bytes.TrimSpace(c.body)) > 0 {
			return failf(http.StatusBadRequest, codeBadBody, "A %s request takes no body.", c.op.method)
		}
		return nil
	}
	media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return failf(http.StatusUnsupportedMediaType, codeMediaType, "The Content-Type must be application/json.")
	}
	return nil
}

// baseURL is the root of the API by the name under which the client reached it.
func baseURL(r *http.Request) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host + "/api/beta"
}

// otherBaseURL is the same by the service's other host name.
func otherBaseURL() string { return "https://" + memoryOtherHost + "/api/beta" }
