package outlookstream

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What went wrong, to be told apart with [errors.Is]. docs/errors.md has a row
// for each: what a watch does about it, and what is left to do for a person.
var (
	// ErrUnauthorized says that the service refused the token (401).
	ErrUnauthorized = errors.New("the service refused the token")
	// ErrForbidden says that the token lacks a permission (403).
	ErrForbidden = errors.New("a permission is missing")
	// ErrSubscriptionGone says that a subscription expired or never was (404
	// on listening): subscribe again.
	ErrSubscriptionGone = errors.New("the subscription is gone")
	// ErrMailboxUnavailable says that this API does not serve the mailbox,
	// and that asking again will not change that.
	ErrMailboxUnavailable = errors.New("the mailbox is not available over this API")
	// ErrRetired says that the service was switched off (410).
	ErrRetired = errors.New("the service was switched off")
	// ErrThrottled says that there were too many requests (429).
	ErrThrottled = errors.New("too many requests")
	// ErrIdle says that a connection was silent for too long, or that bytes
	// came and no element was complete in all that time.
	ErrIdle = errors.New("the connection was silent for too long")
	// ErrMalformed says that an answer does not follow the protocol.
	ErrMalformed = errors.New("the answer does not follow the protocol")
	// ErrScopesNeeded says that a resource's type does not tell which
	// permission it needs: Options.Scopes has to name it.
	ErrScopesNeeded = errors.New("cannot tell which permission it needs")
)

// errNeverLived is ErrIdle of a stream that was accepted and never begun.
var errNeverLived = fmt.Errorf("%w: it was accepted, and not a byte came (a proxy that holds back responses?)", ErrIdle)

// An overdueError is ErrIdle of a connection that was not silent: the time it
// had for one element is over.
type overdueError time.Duration

func (e overdueError) Error() string {
	return fmt.Sprintf("bytes came, but no element was complete within %v", time.Duration(e))
}

func (overdueError) Unwrap() error { return ErrIdle }

// retiredAdvice is what a user of Microsoft's own service has to know.
const retiredAdvice = "Microsoft has switched the Outlook REST beta API off; no permission and no retry brings it back. " +
	"What works instead: a server that still speaks this protocol (set the endpoint), Exchange Web Services for on-premises Exchange, Microsoft Graph for Microsoft 365"

// An Error is what the service answered instead of doing what it was asked.
type Error struct {
	Op         string        // "subscribe", "listen" or "unsubscribe"
	Resource   string        // the Path of the Resource, when subscribing
	Status     int           // HTTP status; 200 for an error inside a stream or a successful answer
	Code       string        // the service's own code: "ErrorAccessDenied"; may be empty
	Message    string        // the service's own words; may be empty
	RetryAfter time.Duration // how long the service asked to wait, at most an hour; 0 if it did not say
	Diagnostics

	challenge string // the claims it asked for when it refused the token, as JSON
}

// Error returns everything needed to act on the error, never a token.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("outlookstream: ")
	b.WriteString(e.Op)
	if e.Resource != "" {
		fmt.Fprintf(&b, " %s", e.Resource)
	}
	fmt.Fprintf(&b, ": %d %s", e.Status, http.StatusText(e.Status))
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
	if errors.Is(e, ErrRetired) {
		fmt.Fprintf(&b, ": %s", retiredAdvice)
	}
	return b.String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Codes that say more than the status they come with.
var (
	// 404 with one of these is about the mailbox, not about a subscription.
	mailboxCodes = []string{"MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"}
	// Inside a stream there is no status to go by.
	throttledCodes = []string{"ApplicationThrottled", "ErrorTooManyObjectsOpened", "TooManyRequests"}
	goneCodes      = []string{"ErrorItemNotFound", "ErrorSubscriptionNotFound", "ErrorInvalidSubscription"}
)

// Is reports whether the error is of the class of one of the sentinels above.
func (e *Error) Is(target error) bool {
	is := func(codes []string) bool {
		return slices.ContainsFunc(codes, func(code string) bool { return strings.EqualFold(code, e.Code) })
	}
	switch target {
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized
	case ErrForbidden:
		return e.Status == http.StatusForbidden
	case ErrMailboxUnavailable:
		return is(mailboxCodes)
	case ErrSubscriptionGone:
		return e.Op == opListen && !is(mailboxCodes) && (e.Status == http.StatusNotFound || e.Status == http.StatusOK && is(goneCodes))
	case ErrRetired:
		return e.Status == http.StatusGone
	case ErrThrottled:
		return e.Status == http.StatusTooManyRequests || is(throttledCodes)
	default:
		return false
	}
}

// A ConnectionError says that a request or a stream failed without the service
// saying why: there was no token to send, the network failed, the connection
// was silent, the answer was not the protocol. Err tells them apart.
type ConnectionError struct {
	Op          string // "subscribe", "listen" or "unsubscribe"
	Resource    string // the Path of the Resource, when subscribing
	Err         error
	Diagnostics // as far as the service had answered
}

// Error returns the chain, never a token.
func (e *ConnectionError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "outlookstream: %s", e.Op)
	if e.Resource != "" {
		fmt.Fprintf(&b, " %s", e.Resource)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request-id %s, client-request-id %s)", e.RequestID, e.ClientRequestID)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

// Unwrap returns the reason.
func (e *ConnectionError) Unwrap() error { return e.Err }

// diagnosticsIn returns what an error knows of how the service handled the
// request.
func diagnosticsIn(err error) Diagnostics {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure.Diagnostics
	}
	if failure, ok := errors.AsType[*ConnectionError](err); ok {
		return failure.Diagnostics
	}
	return Diagnostics{}
}

// A SkippedError says that one element of a stream was left out, because it
// was too large ([ErrTooLarge]) or could not be understood ([ErrMalformed]).
// The stream goes on: Next may be called again.
type SkippedError struct {
	Offset int64 // where the element ended, or grew too large, in bytes from the start of the stream
	Err    error
}

func (e *SkippedError) Error() string {
	return fmt.Sprintf("outlookstream: listen: the element before offset %d was skipped: %v", e.Offset, e.Err)
}

// Unwrap returns the reason.
func (e *SkippedError) Unwrap() error { return e.Err }
