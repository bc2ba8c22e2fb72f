package ews

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// What went wrong, to be told apart with [errors.Is], beside the sentinels of
// package outlookstream, which errors of this package are, too, where they fit.
// docs/errors.md has a row for each: what a watch does about it, and what is left
// to do for a person.
var (
	// ErrMailboxMoved says that the mailbox is on another server now.
	ErrMailboxMoved = errors.New("the mailbox has moved")
	// ErrAffinityLost says that the service could not route a request of a
	// group to the server that has the group's subscriptions.
	ErrAffinityLost = errors.New("the request did not reach the server that has the subscriptions")
	// ErrTakenOver says that somebody else, with the same account, listens to
	// the same subscriptions now: the same program twice?
	ErrTakenOver = errors.New("another connection took the subscriptions over")
	// ErrLimit says that the account or the mailbox has as many connections or
	// subscriptions as it may have.
	ErrLimit = errors.New("a limit of the service is reached")
	// ErrVersion says that the server does not know the version of the protocol
	// that was asked for.
	ErrVersion = errors.New("the server does not speak this version of the protocol")
	// ErrInvalidState says that a SyncState or a watermark is of no use any
	// more: begin without one.
	ErrInvalidState = errors.New("the sync state or watermark is not valid any more")
)

// An Error is what the service answered instead of doing what it was asked: as a
// SOAP fault, in an answer, on a stream, or as no more than an HTTP status.
// Texts in it are shortened, and without control characters and secrets.
type Error struct {
	Op            string        // "Subscribe", "GetStreamingEvents", ...
	Mailbox       string        // which it was about; "" if it was not about one
	Status        int           // HTTP status; 200 for an error in an answer, 500 for a SOAP fault
	Code          string        // the service's ResponseCode: "ErrorServerBusy"; may be empty
	Message       string        // the service's own words; may be empty
	BackOff       time.Duration // BackOffMilliseconds, or Retry-After: how long the service asked to wait; 0 if it did not say
	Subscriptions []string      // ErrorSubscriptionIds: which of those asked for are meant; may be empty
	outlookstream.Diagnostics

	challenge string // the claims it asked for when it refused the token, as JSON
	again     bool   // the same request will be made in another way the next time
}

// Error returns everything needed to act on the error, never a secret.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ews: %s", e.Op)
	if e.Mailbox != "" {
		fmt.Fprintf(&b, " for %s", e.Mailbox)
	}
	if e.Status != http.StatusOK {
		fmt.Fprintf(&b, ": %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.RequestID != "" || e.ClientRequestID != "" {
		fmt.Fprintf(&b, " (request-id %s, client-request-id %s)", orDash(e.RequestID), orDash(e.ClientRequestID))
	}
	if e.Code != "" {
		fmt.Fprintf(&b, ": %s", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.Auth.Code != 0 {
		fmt.Fprintf(&b, ": %d %s: %s", e.Auth.Code, e.Auth.Name(), e.Auth.Reason)
	}
	if e.BackOff > 0 {
		fmt.Fprintf(&b, " (wait %v)", e.BackOff)
	}
	if advice := e.advice(); advice != "" {
		fmt.Fprintf(&b, ": %s", advice)
	}
	return b.String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Is reports whether the error is of the class of one of the sentinels of this
// package or of package outlookstream.
func (e *Error) Is(target error) bool {
	switch target {
	case outlookstream.ErrUnauthorized:
		return e.Status == http.StatusUnauthorized
	case outlookstream.ErrForbidden:
		return e.Status == http.StatusForbidden || slices.Contains(forbiddenCodes, e.Code)
	case outlookstream.ErrThrottled:
		return e.Status == http.StatusTooManyRequests || slices.Contains(busyCodes, e.Code)
	}
	codes, ok := codesOf[target]
	return ok && slices.Contains(codes, e.Code)
}

var (
	// A right is missing that only an administrator can give; or somebody else made
	// the subscription.
	forbiddenCodes = append([]string{"ErrorSubscriptionAccessDenied"}, denials...)
	busyCodes      = []string{"ErrorServerBusy", "ErrorTooManyObjectsOpened", "ServerBusy"}

	codesOf = map[error][]string{
		outlookstream.ErrSubscriptionGone: {
			"ErrorInvalidSubscription", "ErrorSubscriptionNotFound", "ErrorExpiredSubscription", "ErrorSubscriptionUnsubscribed",
			"ErrorReadEventsFailed", "ErrorEventNotFound", "ErrorInvalidPullSubscriptionId",
		},
		outlookstream.ErrMailboxUnavailable: {
			"ErrorNonExistentMailbox", "ErrorInvalidLicense", "ErrorOrganizationAccessBlocked", "ErrorNoPublicFolderReplicaAvailable",
			"InvalidUser", "InvalidDomain", // Autodiscover's
		},
		outlookstream.ErrMissed: {"ErrorMissedNotificationEvents"},
		ErrMailboxMoved:         {"ErrorMailboxMoveInProgress", "ErrorProxyRequestNotAllowed"},
		ErrAffinityLost:         {"ErrorProxiedSubscriptionCallFailure", "ErrorProxyCallFailed", "ErrorNoRespondingCASInDestinationSite"},
		ErrTakenOver:            {"ErrorNewEventStreamConnectionOpened"},
		ErrLimit:                {"ErrorExceededConnectionCount", "ErrorExceededSubscriptionCount"},
		ErrVersion:              {"ErrorInvalidServerVersion", "ErrorIncorrectSchemaVersion", "ErrorInvalidSchemaVersionForMailboxVersion"},
		ErrInvalidState:         {"ErrorInvalidSyncStateData", "ErrorInvalidWatermark"},
	}
)
