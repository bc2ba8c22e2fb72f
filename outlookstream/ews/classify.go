package ews

import (
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// classify decides what to do about an error, wherever it came from: getting
// credentials, connecting, Autodiscover, subscribing, or the middle of a stream.
// It is the only place that decides this for a whole connection; what an error is
// to one mailbox of a group, isMailboxFatal, isMoved and isAffinityLost say.
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
	case isUnspeakable(err):
		return reconnect.GiveUp
	}
	failure, ok := errors.AsType[*Error](err)
	if !ok {
		return reconnect.BackOff // the network, silence, nonsense: the next connection may be better
	}
	return classifyFailure(failure)
}

// classifyFailure is classify for what the service itself said.
func classifyFailure(failure *Error) reconnect.Action {
	switch {
	case errors.Is(failure, outlookstream.ErrUnauthorized):
		if slices.Contains(hopelessTokens, failure.Auth.Code) {
			return reconnect.GiveUp
		}
		return reconnect.Refresh
	case failure.again, errors.Is(failure, outlookstream.ErrThrottled), errors.Is(failure, ErrLimit), errors.Is(failure, outlookstream.ErrMissed):
		return reconnect.BackOff
	case errors.Is(failure, outlookstream.ErrSubscriptionGone),
		errors.Is(failure, ErrInvalidState),
		errors.Is(failure, ErrMailboxMoved),
		errors.Is(failure, ErrAffinityLost):
		return reconnect.Resubscribe
	case errors.Is(failure, ErrTakenOver), // two that take it from each other would never end
		errors.Is(failure, ErrVersion),
		errors.Is(failure, outlookstream.ErrForbidden),
		errors.Is(failure, outlookstream.ErrMailboxUnavailable),
		slices.Contains(mistakes, failure.Code),
		slices.Contains(lostFolders, failure.Code):
		return reconnect.GiveUp
	case slices.Contains(passing, failure.Status):
		return reconnect.BackOff
	case failure.Status >= 300 && failure.Status < 500:
		return reconnect.GiveUp // the service says that the request itself is wrong
	default:
		return reconnect.BackOff // 5xx, or a code that is about this moment or not known
	}
}

var (
	// hopelessTokens are the codes of x-ms-diagnostics that say that a token of
	// this kind will never do: for another audience, of another tenant, of an
	// application that may not, without the permission.
	hopelessTokens = []int{2000003, 2000004, 2000006, 2000008}

	// mistakes are the codes of requests that are wrong in themselves.
	mistakes = []string{
		"ErrorInvalidSubscriptionRequest", "ErrorSchemaValidation", "ErrorInvalidRequest", "ErrorInvalidOperation",
		"ErrorUnsupportedPathForQuery", "ErrorUnsupportedTypeForConversion",
	}

	// lostFolders are the codes of folders that are not there to be watched.
	lostFolders = []string{
		"ErrorFolderNotFound", "ErrorSyncFolderNotFound", "ErrorInvalidFolderId", "ErrorInvalidIdMalformed", "ErrorInvalidIdEmpty",
		"ErrorInvalidId", "ErrorCannotUseFolderIdForItemId", "ErrorCannotUseItemIdForFolderId",
	}

	// denials are those of forbiddenCodes that are about one mailbox.
	denials = append([]string{
		"ErrorAccessDenied",
		"ErrorImpersonationRequired", // the token is an application's, and Options.Impersonate is not set
		"ErrorSubscriptionDelegateAccessNotSupported",
	}, impersonationDenials...)

	// passing are the statuses below 500 that are about this moment, not about the
	// request. 449 is Exchange's "retry".
	passing = []int{
		http.StatusRequestTimeout, http.StatusConflict, http.StatusMisdirectedRequest, http.StatusLocked, http.StatusTooEarly,
		http.StatusTooManyRequests, 449,
	}
)

// isMailboxFatal reports whether an error is the end for the mailbox that it is
// about, and for no other: it has no licence, there is none, acting as it is not
// allowed, the folder is gone, what is wanted of it is not in the version.
func isMailboxFatal(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return isUnspeakable(err) || ok && (errors.Is(failure, outlookstream.ErrMailboxUnavailable) || slices.Contains(denials, failure.Code) ||
		slices.Contains(lostFolders, failure.Code))
}

// isMoved reports whether Autodiscover has to be asked again for where the
// mailbox is.
func isMoved(err error) bool { return errors.Is(err, ErrMailboxMoved) }

// isAffinityLost reports whether the group's cookies lead to where its
// subscriptions are not: it has to begin again, without them.
func isAffinityLost(err error) bool { return errors.Is(err, ErrAffinityLost) }
