package reconnect

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// MaxTries is how many connections one request may go out on. A second is
// ordinary: the first was about to be closed.
const MaxTries = 3

// ErrTurnedAway is why a request was cancelled that has been tried so often.
var ErrTurnedAway = errors.New("the server accepts connections, and turns requests away unread")

type triesKey struct{}

// LimitTries makes a request with the context it returns give up when the
// Transport has tried it often enough. Over HTTP/2 a server may say that it has
// not looked at a request, and then the Transport tries again at once, on a new
// connection, for as long as that goes on: a tight loop that no back-off knows of.
func LimitTries(ctx context.Context, cancel context.CancelCauseFunc) context.Context {
	left := new(atomic.Int32)
	left.Store(MaxTries)
	trace := &httptrace.ClientTrace{GetConn: func(string) {
		if left.Add(-1) < 0 {
			cancel(ErrTurnedAway)
		}
	}}
	return httptrace.WithClientTrace(context.WithValue(ctx, triesKey{}, left), trace)
}

// NewTries is called when a request is answered with a redirect: the one that
// follows has tries of its own.
func NewTries(next *http.Request) {
	if left, ok := next.Context().Value(triesKey{}).(*atomic.Int32); ok {
		left.Store(MaxTries)
	}
}
