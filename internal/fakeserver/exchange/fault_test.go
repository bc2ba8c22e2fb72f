package exchange_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// update changes a task, which is one event.
func (f *fixture) update(id string) {
	f.t.Helper()
	f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: id})
}

func TestFaultsOfForm(t *testing.T) {
	const event = "[ Modified(AAM1) ]"
	cases := []struct {
		name  string
		fault fakeserver.Fault
		want  []string // after the opening, one event and one heartbeat
		text  func(text string) bool
	}{
		{"declaration", fakeserver.Fault{Do: "xmlDeclaration"}, []string{"OK", event, "[ Status ]"},
			func(s string) bool {
				return strings.Count(s, "<?xml ") == 3 && strings.Contains(s, "</Envelope><?xml ")
			}},
		{"byte order mark", fakeserver.Fault{Do: "bom"}, []string{"OK", event, "[ Status ]"},
			func(s string) bool { return strings.HasPrefix(s, "\uFEFF<Env") && strings.Count(s, "\uFEFF") == 3 }},
		{"prefix", fakeserver.Fault{Do: "soapPrefix"}, []string{"OK", event, "[ Status ]"},
			func(s string) bool {
				return !strings.Contains(s, "</Envelope>") && strings.Count(s, "</SOAP:Envelope>") == 3
			}},
		{"the other heartbeat", fakeserver.Fault{Do: "otherHeartbeat"}, []string{"OK", event, "OK"}, nil},
		{"combined", fakeserver.Fault{Do: "combined"}, []string{"OK", event + " OK", "[ Status ] OK"}, nil},
		{"white space", fakeserver.Fault{Do: "pretty"}, []string{"OK", event, "[ Status ]"},
			func(s string) bool {
				return !strings.Contains(s, "><") && strings.Contains(s, "</Envelope>\r\n\r\n<Env")
			}},
		{"byte by byte", fakeserver.Fault{Do: "byteByByte"}, []string{"OK", event, "[ Status ]"}, nil},
		{"huge", fakeserver.Fault{Do: "hugeElement", Bytes: 100_000}, []string{"OK", event, "[ Status ]"},
			func(s string) bool { return len(s) > 100_000 && strings.Count(s, "</Envelope>") == 3 }},
		{"duplicate", fakeserver.Fault{Do: "duplicate"}, []string{"OK", event, event, "[ Status ]"}, nil},
		{"unknown", fakeserver.Fault{Do: "unknownElement"}, []string{"OK", "[ Recalled(AAMkunknown) ]", event, "[ Status ]"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			overBoth(t, nil, func(t *testing.T, f *fixture) {
				id := f.subscribe("tasks")
				c.fault.On = exchange.OnStream
				f.arm(c.fault)
				f.update("AAM1")
				l := f.listen(2, id)
				wait(time.Minute)
				wantShort(t, l.now(), c.want...)
				if c.text != nil && !c.text(l.text()) {
					t.Errorf("the stream is %.3000q", l.text())
				}
			})
		})
	}
}

func TestErrorIDsInTheNamespaceOfTheSchema(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		f.arm(fakeserver.Fault{On: exchange.OnStream, Do: "typesIds"})
		l := f.listen(1, "bad")
		if all := l.now(); len(all) != 1 || all[0].message().at("ErrorSubscriptionIds", "SubscriptionId").space != tNS {
			t.Errorf("the answer is %s", l.text())
		}
	})
}

func TestEnvelopesAreWrittenTogetherOnDemand(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("tasks")
		f.arm(fakeserver.Fault{On: exchange.OnStream, Do: "coalesce", After: 3})
		l := f.listen(5, id)
		f.update("AAM1")
		if got := l.text(); got != "" || len(l.now()) != 0 {
			t.Errorf("something came before three were together: %s", got)
		}
		f.update("AAM2")
		wantShort(t, l.now(), "OK", "[ Modified(AAM1) ]", "[ Modified(AAM2) ]")
		l.wantClean()
	})
}

func TestFaultsThatEndAStream(t *testing.T) {
	cases := []struct {
		name  string
		fault fakeserver.Fault
		want  []string // what arrives of it
		clean bool
	}{
		{"cut", fakeserver.Fault{Do: "cut", After: 1}, []string{"OK"}, false},
		{"cut in an envelope", fakeserver.Fault{Do: "cutMidElement", After: 1}, []string{"OK"}, false},
		{"cut before the first byte", fakeserver.Fault{Do: "cutAtByte"}, nil, false},
		{"cut at a byte", fakeserver.Fault{Do: "cutAtByte", Bytes: 300}, nil, false},
		{"reset", fakeserver.Fault{Do: "reset", After: 1}, []string{"OK"}, false},
		{"closed early", fakeserver.Fault{Do: "earlyEnd", After: 1}, []string{"OK", "Closed"}, true},
		{"a clean end without Closed", fakeserver.Fault{Do: "unclosed", After: 1}, []string{"OK"}, true},
		{"Closed without an end", fakeserver.Fault{Do: "noFinalChunk", After: 1}, []string{"OK", "Closed"}, false},
		{"an error", fakeserver.Fault{Do: "inStreamError", Code: "ErrorTimeoutExpired", After: 1}, []string{"OK", "ErrorTimeoutExpired Closed"}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			overBoth(t, nil, func(t *testing.T, f *fixture) {
				id := f.subscribe("tasks")
				c.fault.On = exchange.OnStream
				f.arm(c.fault)
				start := time.Now()
				l := f.listen(30, id)
				f.update("AAM1")
				err := l.ended()
				if clean := errors.Is(err, io.EOF); clean != c.clean {
					t.Errorf("the stream ended with %v", err)
				}
				if time.Since(start) > time.Second {
					t.Errorf("it ended after %v", time.Since(start))
				}
				wantShort(t, l.now(), c.want...)
				if n := f.s.Exchange().Streams(); n != 0 {
					t.Errorf("%d streams are open", n)
				}
			})
		})
	}
}

func TestAStalledStreamSaysNothingAnyMore(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("tasks")
		l := f.listen(30, id)
		l.now()
		f.arm(fakeserver.Fault{On: exchange.OnStream, Do: "stall"})
		f.update("AAM1")
		wait(time.Hour)
		wantShort(t, l.now(), "OK")
		l.hangUp()
		synctest.Wait()
		wantShort(t, f.listen(30, id).now(), "OK", "[ Modified(AAM1) ]")
	})
}

func TestWhatWasTakenAndNotWrittenIsLost(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("tasks")
		f.arm(fakeserver.Fault{On: exchange.OnStream, Do: "cutMidElement", After: 1})
		f.update("AAM1")
		if err := f.listen(30, id).ended(); errors.Is(err, io.EOF) {
			t.Fatal("the stream ended cleanly")
		}
		f.update("AAM2")
		wantShort(t, f.listen(30, id).now(), "OK", "[ Modified(AAM2) ]")
	})
}

func TestFaultsOfSubscriptionsOnAStream(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		one, two := f.subscribe("tasks"), f.subscribe("contacts")
		f.update("AAM1")
		f.arm(fakeserver.Fault{On: exchange.OnStream, Do: "missed"})
		l := f.listen(30, one, two)
		wantShort(t, l.checked(), "OK", "ErrorMissedNotificationEvents "+one+" OK")
		f.update("AAM2")
		l.now()
		f.arm(fakeserver.Fault{On: exchange.OnStream, Do: "dropSubscription", Code: "ErrorExpiredSubscription"})
		wantShort(t, l.checked()[2:], "[ Modified(AAM2) ]", "ErrorExpiredSubscription "+one+" OK")
		f.arm(fakeserver.Fault{On: exchange.OnStream, Do: "dropSubscription"})
		l.wantClean()
		wantShort(t, l.checked()[4:], "ErrorReadEventsFailed "+two+" Closed")
		f.arm(fakeserver.Fault{On: exchange.OnStream, Do: "inStreamError", Code: "ErrorInvalidSubscription"})
		three := f.subscribe("inbox")
		l = f.listen(30, three)
		l.wantClean()
		wantShort(t, l.checked(), "OK", "ErrorInvalidSubscription "+three+" Closed")
	})
}

func TestFaultsOnRequests(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		body := streamingRequest(folders("inbox") + allTypes)
		arm := func(fault fakeserver.Fault) {
			fault.On = exchange.OnSubscribe
			f.arm(fault)
		}
		arm(fakeserver.Fault{Do: "soapFault", Code: "ErrorServerBusy", Delay: 297_749 * time.Millisecond})
		detail := f.call(body).wantFault(t, "ErrorServerBusy", "cannot service").at("detail", "MessageXml")
		if v := detail.at("Value"); detail.space != tNS || v.space != tNS || v.attrs["Name"] != "BackOffMilliseconds" || v.chars != "297749" {
			t.Error("the fault does not say how long to wait")
		}
		arm(fakeserver.Fault{Do: "errorMessage", Code: "ErrorServerBusy", Delay: time.Second})
		if v := f.call(body).want(t, "ErrorServerBusy").at("MessageXml"); v == nil || v.space != mNS || v.at("Value").chars != "1000" {
			t.Error("the message does not say how long to wait")
		}
		arm(fakeserver.Fault{Do: "soapFault"})
		f.call(body).wantFault(t, "ErrorInternalServerTransientError", "")
		arm(fakeserver.Fault{Do: "status", Status: http.StatusServiceUnavailable, RetryAfter: "7"})
		if a := f.call(body); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "7" || a.body != "" {
			t.Errorf("status %d, %v, %q", a.StatusCode, a.Header, a.body)
		}
		arm(fakeserver.Fault{Do: "status", Status: http.StatusUnauthorized})
		if a := f.call(body); a.StatusCode != http.StatusUnauthorized || a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("status %d, %v", a.StatusCode, a.Header)
		}
		arm(fakeserver.Fault{Do: "html"})
		if a := f.call(body); a.StatusCode != http.StatusOK || !strings.HasPrefix(a.body, "<!DOCTYPE html>") {
			t.Errorf("status %d, %q", a.StatusCode, a.body)
		}
		arm(fakeserver.Fault{Do: "slow", Delay: 10 * time.Second})
		start := time.Now()
		if f.call(body).want(t, "NoError"); time.Since(start) != 10*time.Second {
			t.Errorf("it took %v", time.Since(start))
		}
		arm(fakeserver.Fault{Do: "reset"})
		if resp, err := f.http.Do(f.request(t.Context(), envelope("Exchange2016", "", body))); err == nil {
			resp.Body.Close()
			t.Error("a reset connection gave an answer")
		}
		arm(fakeserver.Fault{Do: "stall"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if resp, err := f.http.Do(f.request(ctx, envelope("Exchange2016", "", body))); err == nil {
			resp.Body.Close()
			t.Error("a stalled request was answered")
		}
		arm(fakeserver.Fault{Do: "status", Status: 500, User: room1}) // somebody else's
		f.call(body).want(t, "NoError")
		f.s.Disarm()

		f.arm(fakeserver.Fault{On: exchange.OnListen, Do: "errorMessage", Code: "ErrorExceededConnectionCount"})
		f.call(listenRequest(1, "x")).want(t, "ErrorExceededConnectionCount")
		f.arm(fakeserver.Fault{On: exchange.OnCall, Do: "soapFault", Code: "ErrorTimeoutExpired"})
		f.call(unsubscribeRequest("x")).wantFault(t, "ErrorTimeoutExpired", "")
	})
}

func TestASlowStream(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		start := time.Now()
		f.arm(fakeserver.Fault{On: exchange.OnStream, Do: "slow", Delay: 3 * time.Second})
		l := f.listen(1, f.subscribe("tasks"))
		f.update("AAM1")
		wait(10 * time.Second)
		all := l.checked()
		wantShort(t, all, "OK", "[ Modified(AAM1) ]")
		if all[0].at.Sub(start) != 3*time.Second || all[1].at.Sub(start) != 6*time.Second {
			t.Errorf("they came after %v and %v", all[0].at.Sub(start), all[1].at.Sub(start))
		}
	})
}

func TestEveryFaultOnAStreamCanBeArmedAndIsSurvived(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		for _, do := range fakeserver.FaultsOn(exchange.OnStream) {
			id := f.subscribe("tasks")
			f.arm(fakeserver.Fault{On: exchange.OnStream, Do: do})
			f.update("AAM1")
			ctx, cancel := context.WithCancel(t.Context())
			resp, err := f.http.Do(f.request(ctx, envelope("Exchange2016", "", listenRequest(1, id))))
			if err == nil {
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}()
				wait(3 * time.Minute)
				cancel()
				<-done
			}
			cancel()
			f.s.Disarm()
			synctest.Wait()
			if n := f.s.Exchange().Streams(); n != 0 {
				t.Fatalf("%s: %d streams are open", do, n)
			}
			next := f.subscribe("tasks")
			l := f.listen(1, next)
			wantShort(t, l.checked(), "OK")
			l.hangUp()
			f.s.ExpireSubscriptions()
			wait(time.Minute)
		}
	})
}

// The reader that judges everything the server sends has to be able to say no.
func TestTheManagedAPIWouldNotTakeWhatIsMixed(t *testing.T) {
	for _, do := range []string{"combined", "typesIds", "unknownElement"} {
		inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
			id := f.subscribe("tasks")
			f.update("AAM1")
			f.arm(fakeserver.Fault{On: exchange.OnStream, Do: do})
			if do == "typesIds" {
				id = "bad"
			}
			l := f.listen(1, id)
			refused := false
			for _, a := range l.now() {
				refused = refused || checkDotNet(a.root) != nil
			}
			if !refused {
				t.Errorf("%s: it takes %s", do, l.text())
			}
		})
	}
}
