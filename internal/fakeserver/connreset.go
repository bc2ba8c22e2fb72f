package fakeserver

import (
	"crypto/tls"
	"net/http"
)

// resetConn kills the connection that a request came in on, over HTTP/2 with everything else on it. Where the listener
// is somebody else's there is no reaching it, and the caller's http.ErrAbortHandler has to do.
func resetConn(r *http.Request) {
	secure, ok := r.Context().Value(connKey{}).(*tls.Conn)
	if !ok {
		return
	}
	if c, ok := secure.NetConn().(*faultConn); ok {
		c.reset()
	}
}
