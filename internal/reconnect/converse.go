package reconnect

import (
	"errors"
	"net/http"
)

// A Conversation makes one request on a connection that nobody else uses until
// it returns. It may make others before it, each when the answer to the one
// before has been read to its end and closed: so a connection is authenticated
// (NTLM), which takes several requests that have to go out on the same one.
//
// known is what the last Conversation on this connection returned; false on a
// new one. What is known of a connection ends with it.
type Conversation func(conn http.RoundTripper, r *http.Request, known bool) (resp *http.Response, nowKnown bool, err error)

var (
	errNotOurs = errors.New("connections that have to be authenticated need an *http.Transport as Transport, " +
		"without TLSNextProto for h2, MaxConnsPerHost and DisableKeepAlives")
	errNoConversation = errors.New("a connection cannot be authenticated to this host: its name has to be in ASCII (xn--...)")
)

// Converse has each request of the Pool made by c. It must be called before the
// first Acquire, with a template that speaks HTTP/1.1 alone: on other connections
// one is never alone. The error says that the Pool does not keep its connections
// itself, and so cannot hold one.
func (p *Pool) Converse(c Conversation) error {
	if p.transport == nil || !packable(p.transport.Clone()) {
		return errNotOurs
	}
	p.conversation = c
	return nil
}

// packable reports whether the Pool keeps the connections of t itself.
func packable(t *http.Transport) bool {
	return t.TLSNextProto["h2"] == nil && t.MaxConnsPerHost <= 0 && !t.DisableKeepAlives
}

// send makes a request on c, for which a slot is reserved.
func (c *packedConn) send(r *http.Request) (*http.Response, error) {
	converse := c.host.generation.conversation
	if converse == nil {
		return c.cc.RoundTrip(r)
	}
	c.hold()
	defer c.letGo()
	resp, known, err := converse(c.cc, r, c.known)
	c.known = known && err == nil
	return resp, err
}

// hold keeps c from others also while it is idle, between two requests.
func (c *packedConn) hold() {
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	c.held = true
}

func (c *packedConn) letGo() {
	c.host.mu.Lock()
	c.held = false
	c.host.mu.Unlock()
	c.host.changed(c) // an answer without a body has ended already
}
