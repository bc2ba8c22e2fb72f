package outlookstream

import (
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// classify decides what to do about an error, wherever it came from: getting a
// token, connecting, subscribing, listening or the middle of a stream. It is
// the only place that decides this.
func classify(err error) reconnect.Action {
	switch {
	case err == io.EOF: // bare: a wrapped one is a connection that broke
		return reconnect.Reopen
	case errors.Is(err, auth.ErrInteractionRequired),
		errors.Is(err, auth.ErrRejected),
		errors.Is(err, auth.ErrMisconfigured):
		return reconnect.GiveUp
	case service.IsCertificateError(err):
		return reconnect.GiveUp
	case errors.Is(err, errForeignRedirect):
		return reconnect.GiveUp
	case errors.Is(err, ErrRemoved):
		return reconnect.Resubscribe
	}
	failure, ok := errors.AsType[*Error](err)
	if !ok {
		return reconnect.BackOff // the network, silence, nonsense: the next connection may be better
	}
	switch {
	case errors.Is(failure, ErrUnauthorized):
		return reconnect.Refresh
	case errors.Is(failure, ErrMailboxUnavailable), errors.Is(failure, ErrRetired):
		return reconnect.GiveUp
	case errors.Is(failure, ErrThrottled):
		return reconnect.BackOff
	case errors.Is(failure, ErrSubscriptionGone):
		return reconnect.Resubscribe
	case slices.Contains(passing, failure.Status):
		return reconnect.BackOff
	case failure.Status >= 300 && failure.Status < 500:
		return reconnect.GiveUp // the service says that the request itself is wrong
	default:
		return reconnect.BackOff // 5xx, or an error inside a stream
	}
}

// passing are the statuses below 500 that are about this moment, not about the
// request.
var passing = []int{
	http.StatusRequestTimeout, http.StatusConflict, http.StatusMisdirectedRequest, http.StatusLocked, http.StatusTooEarly,
}
