package ews

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// said is an error in an answer.
func said(code string) *Error { return &Error{Op: "Subscribe", Status: http.StatusOK, Code: code} }

// refusedWith is a 401 with a code of x-ms-diagnostics.
func refusedWith(code int) *Error {
	e := &Error{Op: "GetStreamingEvents", Status: http.StatusUnauthorized}
	e.Auth.Code = code
	return e
}

// What an error is to one mailbox of many.
type forMailbox int

const (
	nothing forMailbox = iota
	fatal
	moved
	astray // affinity is lost
)

// failures has a row for each class of error: what is done about the connection,
// what it is to the mailbox, and which sentinel a program finds in it.
var failures = []struct {
	name    string
	err     error
	want    reconnect.Action
	mailbox forMailbox
	is      error // nil: none
}{
	{"a clean end", io.EOF, reconnect.Reopen, nothing, io.EOF},
	{"an end that was cut off", fmt.Errorf("read: %w", io.EOF), reconnect.BackOff, nothing, nil},
	{"an end in the middle", io.ErrUnexpectedEOF, reconnect.BackOff, nothing, nil},
	{"silence", fmt.Errorf("listen: %w", outlookstream.ErrIdle), reconnect.BackOff, nothing, outlookstream.ErrIdle},
	{"nonsense", fmt.Errorf("listen: %w", outlookstream.ErrMalformed), reconnect.BackOff, nothing, outlookstream.ErrMalformed},
	{"no network", &net.OpError{Op: "dial", Err: errors.New("connection refused")}, reconnect.BackOff, nothing, nil},
	{"no answer in time", errNoAnswer, reconnect.BackOff, nothing, nil},
	{"turned away unread", reconnect.ErrTurnedAway, reconnect.BackOff, nothing, nil},
	{"a password function that fails", errors.New("no such file"), reconnect.BackOff, nothing, nil},
	{"a password function that hangs", errPasswordTimeout, reconnect.BackOff, nothing, nil},

	{"sign-in needed", fmt.Errorf("token: %w", &auth.InteractionError{Code: "invalid_grant"}), reconnect.GiveUp, nothing, auth.ErrInteractionRequired},
	{"sign-in set up wrongly", fmt.Errorf("token: %w", auth.ErrMisconfigured), reconnect.GiveUp, nothing, auth.ErrMisconfigured},
	{"a scheme that is not offered", notOffered(http.Header{"Www-Authenticate": {"Negotiate"}}, "Basic", plain), reconnect.GiveUp, nothing, auth.ErrMisconfigured},
	{"the only password was refused", &refusedPasswordError{user: "svc"}, reconnect.GiveUp, nothing, auth.ErrRejected},
	{"a certificate of somebody else", &url.Error{Op: "Post", Err: x509.HostnameError{Certificate: new(x509.Certificate)}}, reconnect.GiveUp, nothing, nil},
	{"a certificate of nobody", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, reconnect.GiveUp, nothing, nil},
	{"a redirect", &redirectError{location: func() string { return "https://x.test" }, text: "https://x.test"}, reconnect.GiveUp, nothing, errForeignRedirect},

	{"refused, without a reason", refusedWith(0), reconnect.Refresh, nothing, outlookstream.ErrUnauthorized},
	{"invalid signature", refusedWith(2000000), reconnect.Refresh, nothing, outlookstream.ErrUnauthorized},
	{"invalid token", refusedWith(2000001), reconnect.Refresh, nothing, outlookstream.ErrUnauthorized},
	{"token expired", refusedWith(2000002), reconnect.Refresh, nothing, outlookstream.ErrUnauthorized},
	{"invalid resource", refusedWith(2000003), reconnect.GiveUp, nothing, outlookstream.ErrUnauthorized},
	{"invalid tenant", refusedWith(2000004), reconnect.GiveUp, nothing, outlookstream.ErrUnauthorized},
	{"invalid user", refusedWith(2000005), reconnect.Refresh, nothing, outlookstream.ErrUnauthorized},
	{"invalid client", refusedWith(2000006), reconnect.GiveUp, nothing, outlookstream.ErrUnauthorized},
	{"internal error", refusedWith(2000007), reconnect.Refresh, nothing, outlookstream.ErrUnauthorized},
	{"invalid grant", refusedWith(2000008), reconnect.GiveUp, nothing, outlookstream.ErrUnauthorized},

	{"not valid here", said("ErrorInvalidSubscription"), reconnect.Resubscribe, nothing, outlookstream.ErrSubscriptionGone},
	{"not found", said("ErrorSubscriptionNotFound"), reconnect.Resubscribe, nothing, outlookstream.ErrSubscriptionGone},
	{"expired", said("ErrorExpiredSubscription"), reconnect.Resubscribe, nothing, outlookstream.ErrSubscriptionGone},
	{"unsubscribed", said("ErrorSubscriptionUnsubscribed"), reconnect.Resubscribe, nothing, outlookstream.ErrSubscriptionGone},
	{"events not readable", said("ErrorReadEventsFailed"), reconnect.Resubscribe, nothing, outlookstream.ErrSubscriptionGone},
	{"the watermark's event is gone", said("ErrorEventNotFound"), reconnect.Resubscribe, nothing, outlookstream.ErrSubscriptionGone},
	{"an old watermark", said("ErrorInvalidWatermark"), reconnect.Resubscribe, nothing, ErrInvalidState},
	{"a sync state of nobody", said("ErrorInvalidSyncStateData"), reconnect.Resubscribe, nothing, ErrInvalidState},
	{"events were missed", said("ErrorMissedNotificationEvents"), reconnect.BackOff, nothing, outlookstream.ErrMissed},
	{"taken over", said("ErrorNewEventStreamConnectionOpened"), reconnect.GiveUp, nothing, ErrTakenOver},

	{"somebody else's subscription", said("ErrorSubscriptionAccessDenied"), reconnect.GiveUp, nothing, outlookstream.ErrForbidden},
	{"a delegate", said("ErrorSubscriptionDelegateAccessNotSupported"), reconnect.GiveUp, fatal, outlookstream.ErrForbidden},
	{"impersonation of one denied", said("ErrorImpersonateUserDenied"), reconnect.GiveUp, fatal, outlookstream.ErrForbidden},
	{"impersonation denied", said("ErrorImpersonationDenied"), reconnect.GiveUp, fatal, outlookstream.ErrForbidden},
	{"impersonation failed", said("ErrorImpersonationFailed"), reconnect.GiveUp, fatal, outlookstream.ErrForbidden},
	{"access denied", said("ErrorAccessDenied"), reconnect.GiveUp, fatal, outlookstream.ErrForbidden},
	{"no mailbox", said("ErrorNonExistentMailbox"), reconnect.GiveUp, fatal, outlookstream.ErrMailboxUnavailable},
	{"no licence", said("ErrorInvalidLicense"), reconnect.GiveUp, fatal, outlookstream.ErrMailboxUnavailable},
	{"the organization is blocked", said("ErrorOrganizationAccessBlocked"), reconnect.GiveUp, fatal, outlookstream.ErrMailboxUnavailable},
	{"no folder", said("ErrorFolderNotFound"), reconnect.GiveUp, fatal, nil},
	{"no folder to sync", said("ErrorSyncFolderNotFound"), reconnect.GiveUp, fatal, nil},
	{"an id that is none", said("ErrorInvalidIdMalformed"), reconnect.GiveUp, fatal, nil},

	{"the mailbox is being moved", said("ErrorMailboxMoveInProgress"), reconnect.Resubscribe, moved, ErrMailboxMoved},
	{"the mailbox is elsewhere", said("ErrorProxyRequestNotAllowed"), reconnect.Resubscribe, moved, ErrMailboxMoved},
	{"the group's server cannot be asked", said("ErrorProxiedSubscriptionCallFailure"), reconnect.Resubscribe, astray, ErrAffinityLost},
	{"the other server cannot be asked", said("ErrorProxyCallFailed"), reconnect.Resubscribe, astray, ErrAffinityLost},
	{"nobody there can be asked", said("ErrorNoRespondingCASInDestinationSite"), reconnect.Resubscribe, astray, ErrAffinityLost},

	{"too many connections", said("ErrorExceededConnectionCount"), reconnect.BackOff, nothing, ErrLimit},
	{"too many subscriptions", said("ErrorExceededSubscriptionCount"), reconnect.BackOff, nothing, ErrLimit},
	{"busy", said("ErrorServerBusy"), reconnect.BackOff, nothing, outlookstream.ErrThrottled},
	{"busy, as a fault", &Error{Op: "Subscribe", Status: 500, Code: "ErrorServerBusy"}, reconnect.BackOff, nothing, outlookstream.ErrThrottled},
	{"too many sessions", said("ErrorTooManyObjectsOpened"), reconnect.BackOff, nothing, outlookstream.ErrThrottled},
	{"too many requests", &Error{Op: "Subscribe", Status: 429}, reconnect.BackOff, nothing, outlookstream.ErrThrottled},
	{"a moment's failure", said("ErrorInternalServerTransientError"), reconnect.BackOff, nothing, nil},
	{"a failure", said("ErrorInternalServerError"), reconnect.BackOff, nothing, nil},
	{"too slow", said("ErrorTimeoutExpired"), reconnect.BackOff, nothing, nil},
	{"the store is away", said("ErrorMailboxStoreUnavailable"), reconnect.BackOff, nothing, nil},
	{"a failover", said("ErrorMailboxFailover"), reconnect.BackOff, nothing, nil},
	{"the store cannot be reached", said("ErrorConnectionFailed"), reconnect.BackOff, nothing, nil},
	{"a code of tomorrow", said("ErrorOfTomorrow"), reconnect.BackOff, nothing, nil},

	{"a version it does not know", &Error{Op: "Subscribe", Status: 500, Code: "ErrorInvalidServerVersion"}, reconnect.GiveUp, nothing, ErrVersion},
	{"a version the mailbox does not know", said("ErrorInvalidSchemaVersionForMailboxVersion"), reconnect.GiveUp, nothing, ErrVersion},
	{"a version before which there is another", &Error{Op: "Subscribe", Status: 500, Code: "ErrorInvalidServerVersion", again: true}, reconnect.BackOff, nothing, ErrVersion},
	{"folders of two mailboxes", said("ErrorInvalidSubscriptionRequest"), reconnect.GiveUp, nothing, nil},
	{"not by the schema", &Error{Op: "Subscribe", Status: 500, Code: "ErrorSchemaValidation"}, reconnect.GiveUp, nothing, nil},
	{"an invalid request", &Error{Op: "Subscribe", Status: 500, Code: "ErrorInvalidRequest"}, reconnect.GiveUp, nothing, nil},

	{"EWS is blocked", &Error{Op: "Subscribe", Status: 403}, reconnect.GiveUp, nothing, outlookstream.ErrForbidden},
	{"no such address", &Error{Op: "Subscribe", Status: 404}, reconnect.GiveUp, nothing, nil},
	{"request timeout", &Error{Op: "Subscribe", Status: 408}, reconnect.BackOff, nothing, nil},
	{"retry", &Error{Op: "Subscribe", Status: 449}, reconnect.BackOff, nothing, nil},
	{"the account is blocked", &Error{Op: "Subscribe", Status: 456}, reconnect.GiveUp, nothing, nil},
	{"server error", &Error{Op: "Subscribe", Status: 500}, reconnect.BackOff, nothing, nil},
	{"unavailable", &Error{Op: "Subscribe", Status: 503}, reconnect.BackOff, nothing, nil},
}

func plain(text string, _ int) string { return text }

var sentinels = []error{
	outlookstream.ErrUnauthorized, outlookstream.ErrForbidden, outlookstream.ErrSubscriptionGone, outlookstream.ErrMailboxUnavailable,
	outlookstream.ErrThrottled, outlookstream.ErrIdle, outlookstream.ErrMalformed, outlookstream.ErrMissed,
	ErrMailboxMoved, ErrAffinityLost, ErrTakenOver, ErrLimit, ErrVersion, ErrInvalidState,
	auth.ErrInteractionRequired, auth.ErrRejected, auth.ErrMisconfigured,
}

func TestClassify(t *testing.T) {
	for _, tt := range failures {
		for _, err := range []error{tt.err, wrapUnlessEOF(tt.err)} {
			if got := classify(err); got != tt.want {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
			if got := isMailboxFatal(err); got != (tt.mailbox == fatal) {
				t.Errorf("%s: the end for the mailbox: %v", tt.name, got)
			}
			if got := isMoved(err); got != (tt.mailbox == moved) {
				t.Errorf("%s: moved: %v", tt.name, got)
			}
			if got := isAffinityLost(err); got != (tt.mailbox == astray) {
				t.Errorf("%s: affinity lost: %v", tt.name, got)
			}
		}
		if tt.is != nil && !errors.Is(tt.err, tt.is) {
			t.Errorf("%s: errors.Is(%v, %v) is false", tt.name, tt.err, tt.is)
		}
		for _, sentinel := range sentinels {
			if sentinel != tt.is && errors.Is(tt.err, sentinel) {
				t.Errorf("%s: is also %v", tt.name, sentinel)
			}
		}
	}
}

// wrapUnlessEOF: wrapping does not change what an error means, except for
// io.EOF, where that is the point.
func wrapUnlessEOF(err error) error {
	if err == io.EOF {
		return err
	}
	return fmt.Errorf("somewhere: %w", err)
}

// What ends a mailbox ends a connection, too, if nobody looks at whom it is about.
func TestWhatIsFatalForAMailboxIsNotRetried(t *testing.T) {
	for _, tt := range failures {
		if isMailboxFatal(tt.err) && classify(tt.err) != reconnect.GiveUp {
			t.Errorf("%s: %v", tt.name, classify(tt.err))
		}
	}
}
