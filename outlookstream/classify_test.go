package outlookstream

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// failures has a row for each class of error: what a watch does about it, and
// which sentinel a program finds in it.
var failures = []struct {
	name string
	err  error
	want reconnect.Action
	is   error // nil: no sentinel of this package
}{
	{"a clean end", io.EOF, reconnect.Reopen, io.EOF},
	{"an end that was cut off", fmt.Errorf("read: %w", io.EOF), reconnect.BackOff, nil},
	{"an end in the middle", io.ErrUnexpectedEOF, reconnect.BackOff, nil},
	{"silence", fmt.Errorf("listen: %w", ErrIdle), reconnect.BackOff, ErrIdle},
	{"bytes without an end", fmt.Errorf("listen: %w", overdueError(time.Minute)), reconnect.BackOff, ErrIdle},
	{"turned away unread", reconnect.ErrTurnedAway, reconnect.BackOff, nil},
	{"an alert in the handshake", &net.OpError{Op: "remote error", Err: tls.AlertError(40)}, reconnect.BackOff, nil},
	{"nonsense", fmt.Errorf("listen: %w", ErrMalformed), reconnect.BackOff, ErrMalformed},
	{"no network", &net.OpError{Op: "dial", Err: errors.New("connection refused")}, reconnect.BackOff, nil},
	{"no such host", &net.DNSError{Err: "no such host", IsNotFound: true}, reconnect.BackOff, nil},
	{"no answer in time", errNoAnswer, reconnect.BackOff, nil},
	{"the authority cannot be reached", errors.New("dial tcp: timeout"), reconnect.BackOff, nil},

	{"sign-in needed", fmt.Errorf("token: %w", &auth.InteractionError{Code: "invalid_grant"}), reconnect.GiveUp, auth.ErrInteractionRequired},
	{"the only token was refused", fmt.Errorf("token: %w", auth.ErrRejected), reconnect.GiveUp, auth.ErrRejected},
	{"sign-in set up wrongly", fmt.Errorf("token: %w", auth.ErrMisconfigured), reconnect.GiveUp, auth.ErrMisconfigured},
	{"a certificate of somebody else", &url.Error{Op: "Post", Err: x509.HostnameError{Certificate: new(x509.Certificate)}}, reconnect.GiveUp, nil},
	{"a certificate of nobody", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, reconnect.GiveUp, nil},
	{"an expired certificate", x509.CertificateInvalidError{Reason: x509.Expired}, reconnect.GiveUp, nil},
	{"a certificate whose text cannot be shown", service.Cleaned(x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"\x1b[2J"}}, Host: "x"}, present), reconnect.GiveUp, nil},
	{"a redirect to another host", fmt.Errorf("post: %w", errForeignRedirect), reconnect.GiveUp, nil},
	{"a redirect to a host called as the token", service.Cleaned(fmt.Errorf("%w: https://%s.test", errForeignRedirect, testToken), present, errForeignRedirect), reconnect.GiveUp, nil},

	{"subscription removed", &removedError{subscription: "x"}, reconnect.Resubscribe, ErrRemoved},
	{"subscription gone", &Error{Op: opListen, Status: 404}, reconnect.Resubscribe, ErrSubscriptionGone},
	{"subscription gone, said in the stream", &Error{Op: opListen, Status: 200, Code: "ErrorItemNotFound"}, reconnect.Resubscribe, ErrSubscriptionGone},
	{"mailbox not enabled", &Error{Op: opListen, Status: 404, Code: "MailboxNotEnabledForRESTAPI"}, reconnect.GiveUp, ErrMailboxUnavailable},
	{"mailbox not supported", &Error{Op: opSubscribe, Status: 404, Code: "mailboxnotsupportedforrestapi"}, reconnect.GiveUp, ErrMailboxUnavailable},
	{"no such folder", &Error{Op: opSubscribe, Status: 404, Code: "ErrorItemNotFound"}, reconnect.GiveUp, nil},
	{"bad request", &Error{Op: opSubscribe, Status: 400}, reconnect.GiveUp, nil},
	{"token refused", &Error{Op: opListen, Status: 401}, reconnect.Refresh, ErrUnauthorized},
	{"permission missing", &Error{Op: opSubscribe, Status: 403}, reconnect.GiveUp, ErrForbidden},
	{"method not allowed", &Error{Op: opListen, Status: 405}, reconnect.GiveUp, nil},
	{"request timeout", &Error{Op: opListen, Status: 408}, reconnect.BackOff, nil},
	{"conflict", &Error{Op: opListen, Status: 409}, reconnect.BackOff, nil},
	{"retired", &Error{Op: opSubscribe, Status: 410}, reconnect.GiveUp, ErrRetired},
	{"misdirected", &Error{Op: opListen, Status: 421}, reconnect.BackOff, nil},
	{"locked", &Error{Op: opSubscribe, Status: 423}, reconnect.BackOff, nil},
	{"switching protocols", &Error{Op: opListen, Status: 101}, reconnect.BackOff, nil},
	{"too early", &Error{Op: opListen, Status: 425}, reconnect.BackOff, nil},
	{"throttled", &Error{Op: opSubscribe, Status: 429}, reconnect.BackOff, ErrThrottled},
	{"throttled, said in the stream", &Error{Op: opListen, Status: 200, Code: "ApplicationThrottled"}, reconnect.BackOff, ErrThrottled},
	{"a redirect that changes the method", &Error{Op: opListen, Status: 302}, reconnect.GiveUp, nil},
	{"server error", &Error{Op: opListen, Status: 500}, reconnect.BackOff, nil},
	{"unavailable", &Error{Op: opListen, Status: 503}, reconnect.BackOff, nil},
	{"gateway timeout", &Error{Op: opListen, Status: 504}, reconnect.BackOff, nil},
	{"bandwidth exceeded", &Error{Op: opListen, Status: 509}, reconnect.BackOff, nil},
	{"an error in the stream", &Error{Op: opListen, Status: 200, Code: "ErrorInvalidIdMalformed"}, reconnect.BackOff, nil},
}

func present(text string, limit int) string { return service.Presentable(text, testToken, limit) }

var sentinels = []error{
	ErrUnauthorized, ErrForbidden, ErrSubscriptionGone, ErrMailboxUnavailable, ErrRetired, ErrThrottled, ErrIdle, ErrMalformed,
}

func TestClassify(t *testing.T) {
	for _, tt := range failures {
		for _, err := range []error{tt.err, wrapUnlessEOF(tt.err)} {
			if got := classify(err); got != tt.want {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
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

func TestErrorTextIsAChainAPersonCanActOn(t *testing.T) {
	err := &Error{
		Op: opSubscribe, Resource: "me/events", Status: http.StatusUnauthorized,
		Diagnostics: Diagnostics{RequestID: "r-1", ClientRequestID: "c-1", Auth: AuthDiagnostics{2000002, "The token has expired.", "invalid_lifetime"}},
	}
	want := "outlookstream: subscribe me/events: 401 Unauthorized (request-id r-1, client-request-id c-1): 2000002 token_expired: The token has expired."
	if got := err.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	err = &Error{Op: opListen, Status: http.StatusForbidden, Code: "ErrorAccessDenied", Message: "Access is denied."}
	if got, want := err.Error(), "outlookstream: listen: 403 Forbidden: ErrorAccessDenied: Access is denied."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestARetiredServiceTellsWhatToUseInstead(t *testing.T) {
	text := (&Error{Op: opSubscribe, Status: http.StatusGone}).Error()
	for _, word := range []string{"switched", "off", "Exchange Web Services", "Microsoft Graph"} {
		if !strings.Contains(text, word) {
			t.Errorf("%q does not say %q", text, word)
		}
	}
}
