package outlookstream_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
)

// One test per row of docs/errors.md, as the service sends it.

func TestFailuresThatEndTheWatch(t *testing.T) {
	for name, tt := range map[string]struct {
		fault fakeserver.Fault
		is    error // nil: only an *Error
		says  string
	}{
		"400 on subscribing":          {fakeserver.Fault{On: "subscribe", Do: "status", Status: 400, Code: "ErrorInvalidIdMalformed"}, nil, "ErrorInvalidIdMalformed"},
		"400 on listening":            {fakeserver.Fault{On: "listen", Do: "status", Status: 400, Code: "ErrorIncorrectRoutingHint"}, nil, "ErrorIncorrectRoutingHint"},
		"403 on subscribing":          {fakeserver.Fault{On: "subscribe", Do: "status", Status: 403}, outlookstream.ErrForbidden, "ErrorAccessDenied"},
		"403 on listening":            {fakeserver.Fault{On: "listen", Do: "status", Status: 403}, outlookstream.ErrForbidden, "ErrorAccessDenied"},
		"404 on subscribing":          {fakeserver.Fault{On: "subscribe", Do: "status", Status: 404, Code: "ErrorItemNotFound"}, nil, "ErrorItemNotFound"},
		"mailbox not enabled":         {fakeserver.Fault{On: "subscribe", Do: "status", Status: 404, Code: "MailboxNotEnabledForRESTAPI"}, outlookstream.ErrMailboxUnavailable, "MailboxNotEnabledForRESTAPI"},
		"mailbox not supported":       {fakeserver.Fault{On: "listen", Do: "status", Status: 404, Code: "MailboxNotSupportedForRESTAPI"}, outlookstream.ErrMailboxUnavailable, "MailboxNotSupportedForRESTAPI"},
		"410 on subscribing":          {fakeserver.Fault{On: "subscribe", Do: "status", Status: 410}, outlookstream.ErrRetired, "Exchange Web Services"},
		"410 on listening":            {fakeserver.Fault{On: "listen", Do: "status", Status: 410}, outlookstream.ErrRetired, "Microsoft Graph"},
		"a redirect to another host":  {fakeserver.Fault{On: "subscribe", Do: "redirect"}, nil, "make it the Endpoint"},
		"one that changes the method": {fakeserver.Fault{On: "listen", Do: "redirect", Status: 302, Location: "/api/beta/me/GetNotifications"}, nil, "302"},
	} {
		t.Run(name, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				w.arm(tt.fault)
				err := w.watch().end()
				if tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("%v is not %v", err, tt.is)
				}
				if !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%v does not say %q", err, tt.says)
				}
				if failure, ok := errors.AsType[*outlookstream.Error](err); ok && (failure.RequestID == "" || failure.ClientRequestID == "" || failure.FEServer == "" || failure.BEServer == "" || failure.DiagInfo == "") {
					t.Errorf("diagnostics are missing: %+v", failure)
				} else if !ok && tt.fault.Do != "redirect" {
					t.Errorf("%v is no *Error", err)
				}
			})
		})
	}
}

func TestFailuresThatAreSurvived(t *testing.T) {
	for name, tt := range map[string]struct {
		fault fakeserver.Fault
		is    error // what Trace.Waiting hears of
		after time.Duration
	}{
		"404 on listening":          {fakeserver.Fault{On: "listen", Do: "status", Status: 404}, outlookstream.ErrSubscriptionGone, 0},
		"408":                       {fakeserver.Fault{On: "listen", Do: "status", Status: 408}, nil, time.Second},
		"429 on subscribing":        {fakeserver.Fault{On: "subscribe", Do: "status", Status: 429}, outlookstream.ErrThrottled, time.Second},
		"429 on listening":          {fakeserver.Fault{On: "listen", Do: "status", Status: 429}, outlookstream.ErrThrottled, time.Second},
		"500":                       {fakeserver.Fault{On: "listen", Do: "status", Status: 500}, nil, time.Second},
		"503":                       {fakeserver.Fault{On: "subscribe", Do: "status", Status: 503}, nil, time.Second},
		"504":                       {fakeserver.Fault{On: "listen", Do: "status", Status: 504}, nil, time.Second},
		"509":                       {fakeserver.Fault{On: "listen", Do: "status", Status: 509}, nil, time.Second},
		"a reset on subscribing":    {fakeserver.Fault{On: "subscribe", Do: "reset"}, nil, time.Second},
		"a reset on listening":      {fakeserver.Fault{On: "listen", Do: "reset"}, nil, time.Second},
		"no answer to subscribing":  {fakeserver.Fault{On: "subscribe", Do: "stall"}, nil, 31 * time.Second},
		"no answer to listening":    {fakeserver.Fault{On: "listen", Do: "stall"}, nil, 31 * time.Second},
		"a page on subscribing":     {fakeserver.Fault{On: "subscribe", Do: "html"}, outlookstream.ErrMalformed, time.Second},
		"a page on listening":       {fakeserver.Fault{On: "listen", Do: "html"}, outlookstream.ErrMalformed, time.Second},
		"an error with status 200":  {fakeserver.Fault{On: "listen", Do: "errorDocument", Code: "ErrorServerBusy"}, nil, time.Second},
		"gone, with status 200":     {fakeserver.Fault{On: "listen", Do: "errorDocument", Code: "ErrorItemNotFound"}, outlookstream.ErrSubscriptionGone, time.Second},
		"an error for subscription": {fakeserver.Fault{On: "subscribe", Do: "errorDocument"}, outlookstream.ErrMalformed, time.Second},
		"no value":                  {fakeserver.Fault{On: "stream", Do: "missingValue"}, outlookstream.ErrMalformed, time.Second},
		"two braces":                {fakeserver.Fault{On: "stream", Do: "doubleBrace"}, outlookstream.ErrMalformed, time.Second},
		"silence":                   {fakeserver.Fault{On: "stream", Do: "stall"}, outlookstream.ErrIdle, 36 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				waits := make(chan outlookstream.TraceWaiting, 100)
				w.opts.Trace = &outlookstream.Trace{Waiting: func(x outlookstream.TraceWaiting) { waits <- x }}
				w.arm(tt.fault)
				start := time.Now()
				watcher := w.watch()
				wait := <-waits
				if tt.is != nil && !errors.Is(wait.Err, tt.is) {
					t.Errorf("%v is not %v", wait.Err, tt.is)
				}
				if failure, ok := errors.AsType[*outlookstream.Error](wait.Err); ok && (wait.RequestID == "" || wait.Diagnostics != failure.Diagnostics) {
					t.Errorf("diagnostics are missing: %+v", wait)
				}
				// A failed stream was open, and had its Resync.
				if tt.fault.On == "stream" || tt.fault.Do == "errorDocument" && tt.fault.On == "listen" {
					watcher.resync(outlookstream.ErrStarted)
					watcher.event()
				} else {
					watcher.resync(outlookstream.ErrStarted)
				}
				if took := time.Since(start); took > tt.after {
					t.Errorf("live again after %v, want at most %v", took, tt.after)
				}
				watcher.change(outlookstream.Created, w.change("Created"))
			})
		})
	}
}

func TestAServerThatIsDownIsWaitedFor(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		w.endpoint.Refuse(true)
		w.endpoint.Reset()
		watcher.quiet(10 * time.Minute)
		w.endpoint.Refuse(false)
		start := time.Now()
		watcher.resync(outlookstream.ErrReconnected)
		if took := time.Since(start); took > time.Minute {
			t.Errorf("it took %v to come back", took)
		}
		watcher.change(outlookstream.Created, w.change("Created"))
	})
}

func TestARedirectOnTheSameHostIsFollowed(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.arm(fakeserver.Fault{On: "listen", Do: "redirect", Location: "/api/beta/Me/GetNotifications"})
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		watcher.change(outlookstream.Created, w.change("Created"))
	})
}

func TestARedirectToAnotherHostGetsNoToken(t *testing.T) {
	for _, on := range []string{"subscribe", "listen"} {
		inEachWorld(t, func(t *testing.T, w *world) {
			w.arm(fakeserver.Fault{On: on, Do: "redirect"})
			w.watch().end()
			for i, r := range w.server.Requests() {
				if last := i == len(w.server.Requests())-1; last != (r.Status == 307) {
					t.Errorf("request %d of %d: %s %s: %d", i+1, len(w.server.Requests()), r.Method, r.Path, r.Status)
				}
			}
		})
	}
}

func TestARedirectLoopEnds(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.arm(fakeserver.Fault{On: "listen", Do: "redirect", Times: -1, Location: "/api/beta/me/GetNotifications"})
		err := w.watch().end()
		if failure, ok := errors.AsType[*outlookstream.Error](err); !ok || failure.Status != 307 || len(w.listens()) > 10 {
			t.Errorf("ended with %v after %d requests", err, len(w.listens()))
		}
	})
}

func TestACertificateThatCannotBeTrustedEndsTheWatch(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.opts.HTTPClient.Transport.(*http.Transport).TLSClientConfig.RootCAs = x509.NewCertPool()
		err := w.watch().end()
		if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
			t.Errorf("ended with %v", err)
		}
		if len(w.server.Requests()) != 0 {
			t.Error("a request was made")
		}
	})
}

func TestAThrottledClientSaysSo(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w = newWorld(t, w.protocol, &fakeserver.Options{MaxConcurrent: 1})
		first := w.watch()
		first.resync(outlookstream.ErrStarted)
		_, err := w.client().Subscribe(t.Context(), events)
		failure, ok := errors.AsType[*outlookstream.Error](err)
		if !ok || !errors.Is(err, outlookstream.ErrThrottled) || failure.Code != "ApplicationThrottled" {
			t.Errorf("%v", err)
		}
	})
}
