package fakeserver

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestStrictAboutPathAndMethod(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		for _, path := range []string{
			"/api/v2.0/me/subscriptions", "/api/beta/", "/api/beta/me", "/api/beta/me/messages", "/api/beta/groups/subscriptions",
			"/api/beta/me/subscriptions('x')/y", "/api/beta/me/subscriptions/x/y", "/api/beta/users", "/api/beta/users/x", "/api/beta/me/subscriptions('')",
			"/api/beta/me/GetNotifications('x')",
		} {
			if a := f.call("POST", path, "{}"); a.StatusCode != http.StatusNotFound || !strings.Contains(a.body, `"error"`) {
				t.Errorf("%s: status %d: %s", path, a.StatusCode, a.body)
			}
		}
		for _, c := range []struct{ method, path, allow string }{
			{"GET", "/api/beta/me/subscriptions", "POST"},
			{"PATCH", "/api/beta/me/subscriptions('x')", "DELETE"},
			{"GET", "/api/beta/me/GetNotifications", "POST"},
		} {
			a := f.call(c.method, c.path, nil)
			f.wantError(a, http.StatusMethodNotAllowed, codeMethod, c.method)
			if got := a.Header.Get("Allow"); got != c.allow {
				t.Errorf("%s %s: Allow %q, want %q", c.method, c.path, got, c.allow)
			}
		}
	})
}

func TestStrictAboutContentTypeAndSize(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		const path = "/api/beta/me/subscriptions"
		body := subscribeBody("me/events", "Created")
		for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json,"} {
			r := f.request(t.Context(), "POST", path, body)
			r.Header.Set("Content-Type", kind)
			f.wantError(f.do(r), http.StatusUnsupportedMediaType, codeMediaType, "application/json")
		}
		r := f.request(t.Context(), "POST", path, body)
		r.Header.Set("Content-Type", "Application/JSON; charset=utf-8")
		if a := f.do(r); a.StatusCode != http.StatusCreated {
			t.Errorf("a parameter in the Content-Type: status %d", a.StatusCode)
		}
		f.wantError(f.call("POST", path, `{"Resource":"`+strings.Repeat("x", maxBody)+`"}`), http.StatusRequestEntityTooLarge, codeTooLarge, "65536")
	})
}

func TestStrictAboutGetNotifications(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		good := func() map[string]any { return listenBody(1, 1, id) }
		for name, c := range map[string]struct {
			change func(map[string]any)
			code   string
			text   string
		}{
			"no timeout":        {func(b map[string]any) { delete(b, "ConnectionTimeoutInMinutes") }, codeMissing, "'ConnectionTimeoutInMinutes'"},
			"timeout 0":         {func(b map[string]any) { b["ConnectionTimeoutInMinutes"] = 0 }, codeBadValue, "'ConnectionTimeoutInMinutes'"},
			"timeout too long":  {func(b map[string]any) { b["ConnectionTimeoutInMinutes"] = 1441 }, codeBadValue, "1440"},
			"timeout as text":   {func(b map[string]any) { b["ConnectionTimeoutInMinutes"] = "30" }, codeBadValue, "Int32"},
			"timeout broken":    {func(b map[string]any) { b["ConnectionTimeoutInMinutes"] = 1.5 }, codeBadValue, "Int32"},
			"timeout too large": {func(b map[string]any) { b["ConnectionTimeoutInMinutes"] = 1 << 40 }, codeBadValue, "Int32"},
			"no keep-alive":     {func(b map[string]any) { delete(b, "KeepAliveNotificationIntervalInSeconds") }, codeMissing, "'KeepAliveNotificationIntervalInSeconds'"},
			"keep-alive 0":      {func(b map[string]any) { b["KeepAliveNotificationIntervalInSeconds"] = 0 }, codeBadValue, "'KeepAliveNotificationIntervalInSeconds'"},
			"no ids":            {func(b map[string]any) { delete(b, "SubscriptionIds") }, codeMissing, "'SubscriptionIds'"},
			"empty ids":         {func(b map[string]any) { b["SubscriptionIds"] = []string{} }, codeBadValue, "'SubscriptionIds'"},
			"an id, not a list": {func(b map[string]any) { b["SubscriptionIds"] = id }, codeBadValue, "'SubscriptionIds'"},
			"an empty id":       {func(b map[string]any) { b["SubscriptionIds"] = []string{id, ""} }, codeBadValue, "'SubscriptionIds'"},
			"a null id":         {func(b map[string]any) { b["SubscriptionIds"] = []any{nil} }, codeBadValue, "'SubscriptionIds'"},
			"another member":    {func(b map[string]any) { b["Timeout"] = 1 }, codeBadBody, "'Timeout'"},
		} {
			g := f.named(name)
			body := good()
			c.change(body)
			g.wantError(g.call("POST", "/api/beta/me/GetNotifications", body), 400, c.code, c.text)
		}
	})
}

func TestAnchorMailboxMustBeKnown(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		for anchor, status := range map[string]int{
			"alex@contoso.test": 201, "ROOM1@contoso.test": 201, f.s.SignIn().Accounts()[0].ObjectID: 201, "nobody@contoso.test": 400,
		} {
			r := f.request(t.Context(), "POST", "/api/beta/me/subscriptions", subscribeBody("me/events", "Created"))
			r.Header.Set("X-AnchorMailbox", anchor)
			a := f.do(r)
			if a.StatusCode != status {
				t.Errorf("%s: status %d, want %d", anchor, a.StatusCode, status)
			}
			if status == 400 {
				f.wantError(a, 400, "ErrorIncorrectRoutingHint", "X-AnchorMailbox")
			}
		}
	})
}

func TestDiagnosticsAreOnEveryAnswer(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		seen := map[string]bool{}
		check := func(what string, resp *http.Response, echoed bool) {
			t.Helper()
			for _, name := range []string{"request-id", "X-FEServer", "X-BEServer", "X-TargetBEServer", "X-CalculatedBETarget", "X-DiagInfo", "Date"} {
				if resp.Header.Get(name) == "" {
					t.Errorf("%s: no %s", what, name)
				}
			}
			if seen[resp.Header.Get("request-id")] {
				t.Errorf("%s: the request-id is not fresh", what)
			}
			seen[resp.Header.Get("request-id")] = true
			if got := resp.Header.Get("client-request-id"); (got == "my id") != echoed {
				t.Errorf("%s: client-request-id %q", what, got)
			}
		}
		for _, wanted := range []string{"true", "false"} {
			r := f.request(t.Context(), "POST", "/api/beta/me/subscriptions", "{")
			r.Header.Set("client-request-id", "my id")
			r.Header.Set("return-client-request-id", wanted)
			check("400 "+wanted, f.do(r).Response, wanted == "true")
		}
		r := f.request(t.Context(), "DELETE", "/api/beta/me/nothing", nil)
		check("404", f.do(r).Response, false)
		r = f.request(t.Context(), "POST", "/api/beta/me/subscriptions", "{}")
		r.Header.Del("Authorization")
		check("401", f.do(r).Response, false)
		stream := f.listen(id)
		check("stream", stream.resp, false)
		if got := stream.resp.Header.Get("Content-Type"); got != "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8" {
			t.Errorf("the stream's Content-Type is %q", got)
		}
		stream.cancel()
	})
}

func TestMoreThanFourConcurrentRequestsAreThrottled(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		var last *reading
		for range 4 {
			last = f.listenFor(60, 10, f.subscribe("me/events"))
		}
		f.wantError(f.call("POST", "/api/beta/me/GetNotifications", listenBody(1, 5, id)), 429, "ApplicationThrottled",
			"Application is over its MailboxConcurrency limit.")

		other := *f
		other.token = f.s.Token("room1@contoso.test")
		other.subscribe("me/events") // another mailbox has a budget of its own

		last.cancel()
		wait(9 * time.Second)
		f.wantError(f.call("POST", "/api/beta/me/GetNotifications", listenBody(1, 5, id)), 429, "ApplicationThrottled", "")
		wait(2 * time.Second) // the next keep-alive has failed: only now has the server noticed
		f.listen(id).cancel()
	})
}

func TestThrottlingCanBeTurnedOff(t *testing.T) {
	inMemory(t, "h2", &Options{MaxConcurrent: -1}, func(t *testing.T, f *fixture) {
		for range 20 {
			f.listen(f.subscribe("me/events"))
		}
		if n := f.s.Streams(); n != 20 {
			t.Errorf("%d streams, want 20", n)
		}
	})
}
