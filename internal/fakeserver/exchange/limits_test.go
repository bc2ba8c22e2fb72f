package exchange_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

func TestStreamsAreLimitedByAccountOrImpersonatedMailbox(t *testing.T) {
	for limit, limits := range map[int]exchange.Limits{10: {}, 3: {Streams: 3}} {
		synctest.Test(t, func(t *testing.T) {
			opts := edgeOptions()
			opts.Limits = limits
			e := newEdge(t, opts)
			a := ask{impersonate: alex}
			var ids []string
			for range limit + 2 {
				ids = append(ids, e.subscribed(&a, one))
			}
			own := ask{anchor: alex} // not impersonating: the account's own budget
			for i := range limit {
				e.stream(own, ids[i])
			}
			synctest.Wait()
			e.want(e.do(own, listen(ids[limit])), 500, "ErrorExceededConnectionCount")
			extra := e.stream(a, ids[limit]) // the impersonated mailbox's
			synctest.Wait()
			if text, over := extra.now(); over || !strings.Contains(text, "<m:ConnectionStatus>OK") {
				t.Errorf("over: %v: %s", over, text)
			}
			time.Sleep(61 * time.Second) // synctest: virtual; all have ended
			again := e.stream(own, ids[limit+1])
			synctest.Wait()
			if _, over := again.now(); over {
				t.Error("streams that have ended still count")
			}
			again.wait(time.Hour)
		})
	}
}

// holding keeps requests back as long as it is held.
type holding struct {
	exchange.Host
	held chan struct{}
}

func (h holding) Closing(*http.Request) <-chan struct{}          { return nil }
func (h holding) Reset(*http.Request)                            { panic(http.ErrAbortHandler) }
func (h holding) StreamFaults(user string) exchange.StreamFaults { return nil }
func (h holding) StrikeRequest(_ http.ResponseWriter, r *http.Request, _, _ string) (exchange.Fault, bool) {
	if r.Header.Get("X-Test-Hold") != "" {
		<-h.held
	}
	return exchange.Fault{}, false
}

func TestCallsAtOnceAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := edgeOptions()
		h := holding{held: make(chan struct{})}
		opts.Host = h
		e := newEdge(t, opts)
		held := ask{account: alex, header: map[string]string{"X-Test-Hold": "1"}}
		done := make(chan reply)
		for range 27 {
			go func() { done <- e.do(held, unsubscribe("x")) }()
		}
		synctest.Wait()
		e.want(e.do(ask{account: alex}, subscribeInbox), 500, "ErrorExceededConnectionCount")
		e.want(e.do(ask{account: kim}, subscribeInbox), 200, "NoError")
		e.want(e.do(ask{account: alex, impersonate: kim}, subscribeInbox), 200, "NoError")
		close(h.held)
		for range 27 {
			e.want(<-done, 200, "ErrorSubscriptionNotFound")
		}
		e.want(e.do(ask{account: alex}, subscribeInbox), 200, "NoError")
	})
}

func TestSubscriptionsAreLimitedByMailbox(t *testing.T) {
	e := newEdge(t, nil)
	var id string
	for i := range 20 { // of all accounts together
		a := ask{account: []string{svc, app}[i%2], impersonate: alex}
		id = e.subscribed(&a, one)
	}
	a := ask{account: alex}
	e.want(e.do(a, subscribeInbox), 200, "ErrorExceededSubscriptionCount")
	k := ask{impersonate: kim}
	e.subscribed(&k, two)
	e.want(e.do(ask{account: app, impersonate: alex}, unsubscribe(id)), 200, "NoError")
	e.subscribed(&a, one)
	e.s.SetLimits(exchange.Limits{Subscriptions: -1})
	e.subscribed(&a, one)
}

func TestAStreamHasTwoHundredSubscriptions(t *testing.T) {
	e := newEdge(t, nil)
	ids := make([]string, 201)
	for i := range ids {
		ids[i] = fmt.Sprintf("AAAA%d", i)
	}
	a := ask{account: alex}
	e.want(e.do(a, listen(ids...)), 500, "ErrorInvalidRequest")
	e.want(e.do(a, listen(ids[:200]...)), 200, "ErrorInvalidSubscription")
	e.s.SetLimits(exchange.Limits{IDs: -1})
	e.want(e.do(a, listen(ids...)), 200, "ErrorInvalidSubscription")
}

func TestThrottlingHasItsShapes(t *testing.T) {
	for _, test := range []struct {
		shape  exchange.BusyShape
		status int
		code   string
	}{
		{exchange.BusyStatus, 503, ""}, {exchange.BusyFault, 500, "ErrorServerBusy"},
		{exchange.BusyMessage, 200, "ErrorServerBusy"}, {exchange.BusyWrapped, 200, "ErrorInternalServerError"},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newEdge(t, nil)
			if err := e.s.Throttle(exchange.Busy{Mailbox: "Alex@contoso.test", Shape: test.shape, BackOff: 297749 * time.Millisecond}); err != nil {
				t.Fatal(err)
			}
			a := ask{impersonate: alex}
			k := ask{impersonate: kim}
			e.subscribed(&k, two)
			r := e.do(a, subscribeInbox)
			e.want(r, test.status, test.code)
			if test.shape == exchange.BusyStatus && r.Header().Get("Retry-After") != "298" || test.shape != exchange.BusyStatus && r.backOff != "297749" {
				t.Errorf("%s: told to wait %q, %q", test.shape, r.Header().Get("Retry-After"), r.backOff)
			}
			prefix := map[exchange.BusyShape]string{exchange.BusyFault: "t:MessageXml", exchange.BusyMessage: "m:MessageXml", exchange.BusyWrapped: "m:MessageXml"}[test.shape]
			if !strings.Contains(r.Body.String(), prefix) {
				t.Errorf("%s: there is no %s in %s", test.shape, prefix, r.Body)
			}
			time.Sleep(297 * time.Second) // synctest: virtual
			e.want(e.do(a, unsubscribe("x")), test.status, test.code)
			early := e.s.Early()
			if len(early) != 1 || early[0].Mailbox != alex || early[0].Operation != "Unsubscribe" || early[0].By != 749*time.Millisecond {
				t.Errorf("%s: early %+v", test.shape, early)
			}
			time.Sleep(749 * time.Millisecond) // synctest: virtual
			e.subscribed(&a, one)
			if n := len(e.s.Early()); n != 1 {
				t.Errorf("who came in time is noted: %d", n)
			}
		})
	}
}

func TestThrottlingIsArmedAndLifted(t *testing.T) {
	e := newEdge(t, nil)
	a, k := ask{impersonate: alex}, ask{impersonate: kim}
	arm := func(b exchange.Busy) {
		t.Helper()
		if err := e.s.Throttle(b); err != nil {
			t.Fatal(err)
		}
	}
	arm(exchange.Busy{Shape: exchange.BusyFault, Times: 2})
	e.want(e.do(a, subscribeInbox), 500, "ErrorServerBusy")
	e.want(e.do(k, subscribeInbox), 500, "ErrorServerBusy")
	e.subscribed(&a, one)
	arm(exchange.Busy{Shape: exchange.BusyFault, Operation: "GetStreamingEvents"})
	e.subscribed(&a, one)
	e.want(e.do(a, listen("x")), 500, "ErrorServerBusy")
	e.want(e.do(a, listen("x")), 200, "ErrorInvalidSubscription")
	arm(exchange.Busy{Shape: exchange.BusyFault, BackOff: time.Hour, Times: -1})
	e.want(e.do(a, subscribeInbox), 500, "ErrorServerBusy")
	e.want(e.do(k, subscribeInbox), 500, "ErrorServerBusy")
	e.s.LiftThrottling()
	e.subscribed(&a, one)
	for _, bad := range []exchange.Busy{{Shape: "429"}, {Shape: exchange.BusyFault, BackOff: -1}, {Shape: exchange.BusyFault, Times: -2}} {
		if e.s.Throttle(bad) == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	if n := len(e.s.Early()); n != 0 {
		t.Errorf("%d came early", n)
	}
}
