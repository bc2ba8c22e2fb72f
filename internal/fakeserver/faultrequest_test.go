package fakeserver

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// both are the two requests that faults can be on.
func (f *fixture) both() map[string]func() *http.Request {
	id := f.subscribe("me/events")
	return map[string]func() *http.Request{
		"subscribe": func() *http.Request {
			return f.request(f.t.Context(), "POST", "/api/beta/me/subscriptions", subscribeBody("me/events", "Created"))
		},
		"listen": func() *http.Request {
			return f.request(f.t.Context(), "POST", "/api/beta/me/GetNotifications", listenBody(1, 30, id))
		},
	}
}

func TestStatusFaults(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		for on, request := range f.both() {
			for _, c := range []struct {
				fault Fault
				code  string
				text  string
			}{
				{Fault{Status: 403}, "ErrorAccessDenied", "Access is denied. Check credentials and try again."},
				{Fault{Status: 403, Code: "ErrorQuotaExceeded"}, "ErrorQuotaExceeded", "quota"},
				{Fault{Status: 404}, "ErrorItemNotFound", "not found"},
				{Fault{Status: 404, Code: "MailboxNotEnabledForRESTAPI"}, "MailboxNotEnabledForRESTAPI", "REST API is not yet supported for this mailbox."},
				{Fault{Status: 404, Code: "MailboxNotSupportedForRESTAPI"}, "MailboxNotSupportedForRESTAPI", "REST API is not yet supported for this mailbox."},
				{Fault{Status: 400, Code: "ErrorIncorrectRoutingHint"}, "ErrorIncorrectRoutingHint", "X-AnchorMailbox"},
				{Fault{Status: 410}, "Gone", "retired"},
				{Fault{Status: 429}, "ApplicationThrottled", "Application is over its MailboxConcurrency limit."},
				{Fault{Status: 429, RetryAfter: "17"}, "ApplicationThrottled", ""},
				{Fault{Status: 500}, "ErrorInternalServerError", ""},
				{Fault{Status: 503, Code: "MailboxInfoStale"}, "MailboxInfoStale", "stale"},
				{Fault{Status: 504, Message: "my own"}, "ErrorTimeoutExpired", "my own"},
				{Fault{Status: 509, Headers: map[string]string{"Rate-Limit-Reason": "because", "request-id": "r1"}}, "ErrorInternalServerTransientError", ""},
			} {
				c.fault.On, c.fault.Do = on, "status"
				f.arm(c.fault)
				a := f.do(request())
				f.named(on).wantError(a, c.fault.Status, c.code, c.text)
				if got := a.Header.Get("Retry-After"); got != c.fault.RetryAfter {
					t.Errorf("%s %d: Retry-After %q, want %q", on, c.fault.Status, got, c.fault.RetryAfter)
				}
				for name, want := range c.fault.Headers {
					if got := a.Header.Get(name); got != want {
						t.Errorf("%s %d: %s: %q, want %q", on, c.fault.Status, name, got, want)
					}
				}
			}
			f.arm(Fault{On: on, Do: "status", Status: 401})
			if a := f.do(request()); a.StatusCode != 401 || a.body != "" || !strings.Contains(a.Header.Get("WWW-Authenticate"), "invalid_token") {
				t.Errorf("%s: 401 with body %q and %q", on, a.body, a.Header)
			}
			if a := f.do(request()); a.StatusCode >= 300 {
				t.Errorf("%s: after its faults: status %d", on, a.StatusCode)
			}
		}
	})
}

func TestOtherRequestFaults(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		f.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for on, request := range f.both() {
			f.arm(Fault{On: on, Do: "redirect"})
			if a := f.do(request()); a.StatusCode != 307 || a.Header.Get("Location") != "https://outlook365.fake.test"+request().URL.Path {
				t.Errorf("%s redirect: status %d to %s", on, a.StatusCode, a.Header.Get("Location"))
			}
			f.arm(Fault{On: on, Do: "redirect", Status: 302, Location: "https://elsewhere.example/x"})
			if a := f.do(request()); a.StatusCode != 302 || a.Header.Get("Location") != "https://elsewhere.example/x" {
				t.Errorf("%s redirect: status %d to %s", on, a.StatusCode, a.Header.Get("Location"))
			}
			f.arm(Fault{On: on, Do: "html"})
			if a := f.do(request()); a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || !strings.HasPrefix(a.body, "<!DOCTYPE") {
				t.Errorf("%s html: status %d, %s", on, a.StatusCode, a.body)
			}
			f.arm(Fault{On: on, Do: "html", Status: 502})
			if a := f.do(request()); a.StatusCode != 502 {
				t.Errorf("%s html: status %d", on, a.StatusCode)
			}
			f.arm(Fault{On: on, Do: "errorDocument", Code: "ErrorX"})
			f.wantError(f.do(request()), 200, "ErrorX", "")
			f.arm(Fault{On: on, Do: "slow", Delay: 20 * time.Second})
			start := time.Now()
			if resp, err := f.http.Do(request()); err != nil || resp.StatusCode >= 300 || time.Since(start) != 20*time.Second {
				t.Errorf("%s slow: %v after %v", on, err, time.Since(start))
			} else {
				resp.Body.Close()
			}
		}
		f.arm(Fault{On: "subscribe", Do: "otherHost"})
		if entity := f.subscribed("me/events", "Created"); !strings.HasPrefix(entity.ODataID, "https://outlook365.fake.test/api/beta/Users(") {
			t.Errorf("otherHost: %s", entity.ODataID)
		}
	})
}

func TestARedirectionLeadsToTheSameServer(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		f.arm(Fault{On: "subscribe", Do: "redirect"})
		r := f.request(t.Context(), "POST", "/api/beta/me/subscriptions", subscribeBody("me/events", "Created"))
		if a := f.do(r); a.StatusCode != 401 { // net/http takes the token off for another host
			t.Errorf("status %d", a.StatusCode)
		}
		log := f.s.Requests()
		if last := log[len(log)-1]; last.Host != "outlook365.fake.test" || last.Token != "" {
			t.Errorf("last request %+v", last)
		}
	})
}

func TestStalledAndResetRequests(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		for on, request := range f.both() {
			f.arm(Fault{On: on, Do: "stall"})
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			_, err := f.http.Do(request().WithContext(ctx))
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s stall: error %v", on, err)
			}
			cancel()
			f.token = f.s.Token("me") // the other has expired

			f.arm(Fault{On: on, Do: "reset", Times: 3})
			r := request()
			r.GetBody = nil // nothing can be tried again
			_, err = f.http.Do(r)
			if _, ok := errors.AsType[*url.Error](err); !ok {
				t.Errorf("%s reset: error %v", on, err)
			}
			f.s.Disarm()
			if id := f.subscribe("me/tasks"); id == "" {
				t.Error("the server is of no use any more")
			}
			f.s.ExpireSubscriptions()
			f.subscribe("me/events")
			break // ids have changed
		}
	})
}

func TestArmSaysWhatThereIs(t *testing.T) {
	s := New(nil)
	for _, f := range []Fault{
		{On: "stream", Do: "explode"}, {On: "subscribe", Do: "cut"}, {On: "nowhere", Do: "status", Status: 500}, {},
		{On: "token", Do: "loseBetween"},
	} {
		err := s.Arm(f)
		if err == nil {
			t.Errorf("%+v was armed", f)
			continue
		}
		for _, part := range []string{f.Do, f.On, "subscribe: status stall", "cutMidElement", "devicecode: "} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%+v: %v does not mention %q", f, err, part)
			}
		}
	}
	for _, f := range []Fault{
		{On: "stream", Do: "cut", Times: -2}, {On: "stream", Do: "cut", After: -1}, {On: "listen", Do: "status"}, {On: "listen", Do: "status", Status: 99},
		{On: "listen", Do: "redirect", Status: 200}, {On: "stream", Do: "cut", User: "nobody@contoso.test"},
		{On: "listen", Do: "status", Status: 500, Headers: map[string]string{"A": "b\r\nC: d"}},
	} {
		if err := s.Arm(f); err == nil {
			t.Errorf("%+v was armed", f)
		}
	}
	for _, kind := range faultKinds { // every row can be armed
		for _, on := range kind.on {
			if err := s.Arm(Fault{On: on, Do: kind.do, Status: 307}); err != nil {
				t.Errorf("%v", err)
			}
		}
	}
}
