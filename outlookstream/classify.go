package outlookstream

import (
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// An action is what a watch does about the end of an attempt.
type action int

const (
	reopen      action = iota // the connection ended as it should: open the next, with the same subscriptions
	backOff                   // wait, then try the same again
	resubscribe               // the subscriptions are gone: make new ones
	refresh                   // the token was refused: get another one
	giveUp                    // nothing that a program could do would help
)

// classify decides what to do about an error, wherever it came from: getting a
// token, connecting, subscribing, listening or the middle of a stream. It is
// the only place that decides this.
func classify(err error) action {
	switch {
	case err == io.EOF: // bare: a wrapped one is a connection that broke
		return reopen
	case errors.Is(err, auth.ErrInteractionRequired),
		errors.Is(err, auth.ErrRejected),
		errors.Is(err, auth.ErrMisconfigured):
		return giveUp
	case isCertificateError(err):
		return giveUp
	case errors.Is(err, errForeignRedirect):
		return giveUp
	case errors.Is(err, ErrRemoved):
		return resubscribe
	}
	failure, ok := errors.AsType[*Error](err)
	if !ok {
		return backOff // the network, silence, nonsense: the next connection may be better
	}
	switch {
	case errors.Is(failure, ErrUnauthorized):
		return refresh
	case errors.Is(failure, ErrMailboxUnavailable), errors.Is(failure, ErrRetired):
		return giveUp
	case errors.Is(failure, ErrThrottled):
		return backOff
	case errors.Is(failure, ErrSubscriptionGone):
		return resubscribe
	case slices.Contains(passing, failure.Status):
		return backOff
	case failure.Status >= 300 && failure.Status < 500:
		return giveUp // the service says that the request itself is wrong
	default:
		return backOff // 5xx, or an error inside a stream
	}
}

// passing are the statuses below 500 that are about this moment, not about the
// request.
var passing = []int{
	http.StatusRequestTimeout, http.StatusConflict, http.StatusMisdirectedRequest, http.StatusLocked, http.StatusTooEarly,
}
