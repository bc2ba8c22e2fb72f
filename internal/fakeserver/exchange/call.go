package exchange

import (
	"errors"
	"io"
	"net/http"
	"slices"
)

// maxBody is the largest request that is read. A sync state is large.
const maxBody = 4 << 20

// call is one request on its way through.
type call struct {
	server *Server
	w      http.ResponseWriter
	r      *http.Request
	body   []byte

	version      string // RequestServerVersion
	impersonated string // whom, as the request names them; "": nobody
	operation    string // local name of the request's element
	request      *node  // that element
	account      Account
	mailbox      *mailbox // of who is impersonated, or else the account's; nil if it has none
	backEnd      string   // lower-case FQDN of the server whose turn it is
	sticky       bool     // it was found by the client's cookie

	leaving []func()
}

// about is the address of the mailbox that the request is about; "" if it is about none.
func (c *call) about() string {
	if c.mailbox == nil {
		return ""
	}
	return c.mailbox.address
}

// onLeave has something done when the request is over, in whatever way.
func (c *call) onLeave(f func()) { c.leaving = append(c.leaving, f) }

func (c *call) leave() {
	for _, f := range slices.Backward(c.leaving) {
		f()
	}
}

// serve takes a request through the checks to its operation.
func (c *call) serve() {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		c.refuse(httpFailure(http.StatusRequestEntityTooLarge, nil))
		return
	} else if err != nil {
		panic(http.ErrAbortHandler) // the client went away in the middle of its own request
	}
	c.body = body
	c.greet()
	for _, check := range checks {
		if f, answered := check(c); answered {
			return
		} else if f != nil {
			c.refuse(f)
			return
		}
	}
	operations[c.operation].serve(c.server, c)
}
