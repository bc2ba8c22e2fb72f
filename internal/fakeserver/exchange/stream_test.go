package exchange_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

const (
	inboxPath    = "me/mailfolders('inbox')/messages"
	calendarPath = "me/events"
	deletedPath  = "me/mailfolders('deleteditems')/messages"
)

func TestAStreamOpensAtOnceBeatsAndIsClosedInItsTime(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		start := time.Now()
		l := f.listen(2, f.subscribe("inbox"))
		wantShort(t, l.checked(), "OK")
		if h := l.resp.Header; h.Get("X-NoBuffering") != "1" || h.Get("Cache-Control") != "private" || h.Get("Content-Encoding") != "" ||
			l.resp.ContentLength >= 0 {
			t.Errorf("the headers are %v", h)
		}
		l.wantClean()
		if took := time.Since(start); took != 2*time.Minute {
			t.Errorf("the stream was closed after %v", took)
		}
		all := l.checked()
		wantShort(t, all, "OK", "[ Status ]", "[ Status ]", "Closed")
		if at := all[1].at.Sub(start); at != 45*time.Second {
			t.Errorf("the first heartbeat came after %v", at)
		}
	})
}

// Clients look for these very letters.
func TestTheWireFormIsTheServices(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("inbox")
		l := f.listen(1, id)
		l.now()
		const opening = `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><soap11:Header xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/">` +
			`<ServerVersionInfo xmlns="http://schemas.microsoft.com/exchange/services/2006/types" MajorVersion="15" MinorVersion="2" ` +
			`MajorBuildNumber="2562" MinorBuildNumber="17" Version="V2017_07_11"/></soap11:Header>` +
			`<soap11:Body xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/"><m:GetStreamingEventsResponse ` +
			`xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
			`<m:ResponseMessages><m:GetStreamingEventsResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>` +
			`<m:ConnectionStatus>OK</m:ConnectionStatus></m:GetStreamingEventsResponseMessage></m:ResponseMessages>` +
			`</m:GetStreamingEventsResponse></soap11:Body></Envelope>`
		if got := l.text(); got != opening {
			t.Fatalf("the stream opens with\n%s\nwant\n%s", got, opening)
		}
		f.change(fakeserver.Change{Resource: inboxPath, ChangeType: "Updated", ID: "AAMk"})
		l.now()
		rest := strings.TrimPrefix(l.text(), opening)
		want := `<m:Notifications><m:Notification><t:SubscriptionId>` + id + `</t:SubscriptionId><t:ModifiedEvent><t:TimeStamp>` +
			time.Now().UTC().Format("2006-01-02T15:04:05Z") + `</t:TimeStamp><t:ItemId Id="AAMk" ChangeKey="AQAAAA=="/><t:ParentFolderId Id="`
		if !strings.Contains(rest, want) || !strings.HasPrefix(rest, "<Envelope ") || !strings.HasSuffix(rest, "</Envelope>") ||
			strings.Contains(rest, "Watermark") || strings.Contains(rest, "ConnectionStatus") {
			t.Errorf("the event is\n%s\nwant in it\n%s", rest, want)
		}
	})
}

func TestBareHeartbeats(t *testing.T) {
	inMemory(t, "h1", &exchange.Options{BareHeartbeats: true, Heartbeat: 30 * time.Second}, func(t *testing.T, f *fixture) {
		l := f.listen(1, f.subscribe("inbox"))
		l.wantClean()
		wantShort(t, l.checked(), "OK", "OK", "Closed")
	})
}

func TestAConnectionLastsOneToThirtyMinutes(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("inbox")
		f.call(listenRequest(0, id)).wantFault(t, "ErrorSchemaValidation", "MinInclusive")
		f.call(listenRequest(31, id)).wantFault(t, "ErrorSchemaValidation", "MaxInclusive")
		f.call(listenRequest(1800, id)).wantFault(t, "ErrorSchemaValidation", "MaxInclusive")
		f.call(listenRequest(30)).wantFault(t, "ErrorSchemaValidation", "incomplete content")
		// Documentation of 2010 has the ids without what they are in.
		f.call(`<m:GetStreamingEvents><m:SubscriptionId>`+id+`</m:SubscriptionId><m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>`).
			wantFault(t, "ErrorSchemaValidation", "'SubscriptionIds'")
		f.listen(30, id)
	})
}

func TestWhatHappensBetweenConnectionsWaits(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("contacts")
		f.change(fakeserver.Change{Resource: "me/contacts", ChangeType: "Created", ID: "AAM1"})
		l := f.listen(1, id)
		wantShort(t, l.checked(), "OK", "[ Created(AAM1) Modified(folder) ]")
		l.wantClean()
		f.change(fakeserver.Change{Resource: "me/contacts", ChangeType: "Deleted", ID: "AAM1"})
		wait(time.Minute)
		l = f.listen(1, id)
		wantShort(t, l.checked(), "OK", "[ Deleted(AAM1) Modified(folder) ]")
	})
}

func TestASubscriptionThatNobodyUsesExpires(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("inbox")
		wait(4 * time.Minute)
		f.listen(10, id).wantClean() // as long as somebody listens, it lives
		wait(4 * time.Minute)
		alive := f.listen(1, id)
		alive.wantClean()
		wantShort(t, alive.checked(), "OK", "[ Status ]", "Closed")
		wait(5*time.Minute + time.Second) // the connection, too, is closed after five minutes
		l := f.listen(1, id)
		wantShort(t, l.checked(), "ErrorInvalidSubscription "+id+" Closed")
		l.wantClean()
		f.call(unsubscribeRequest(id)).want(t, "ErrorSubscriptionNotFound")
	})
}

func TestWithBadIDsTheGoodOnesGetNothing(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		good := f.subscribe("tasks")
		f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Created", ID: "AAM1"})
		l := f.listen(1, "bad1", good, "bad2")
		l.wantClean()
		all := l.checked()
		wantShort(t, all, "ErrorInvalidSubscription bad1 bad2 Closed")
		if m := all[0].message(); m.text("MessageText") != "Subscription is invalid." || m.text("DescriptiveLinkKey") != "0" {
			t.Errorf("the message is %q", m.text("MessageText"))
		}
		wantShort(t, f.listen(1, good).checked(), "OK", "[ Created(AAM1) Modified(folder) ]")
	})
}

func TestASecondConnectionEndsTheFirst(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		one, two := f.subscribe("inbox"), f.subscribe("calendar")
		first := f.listen(10, one, two)
		first.now()
		second := f.listen(10, one)
		first.wantClean()
		wantShort(t, first.checked(), "OK", "ErrorNewEventStreamConnectionOpened "+one+" Closed")
		f.change(fakeserver.Change{Resource: inboxPath, ChangeType: "Deleted", ID: "AAM1"})
		wantShort(t, second.checked(), "OK", "[ Deleted(AAM1) Modified(folder) ]")
		if n := f.s.Exchange().Streams(); n != 1 {
			t.Errorf("%d streams are open", n)
		}
	})
}

func TestSeveralSubscriptionsShareAnEnvelope(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		one, two := f.subscribe("tasks"), f.subscribe("contacts", "tasks")
		f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: "AAM1"})
		l := f.listen(1, one, two)
		all := l.checked()
		wantShort(t, all, "OK", "[ Modified(AAM1) ] [ Modified(AAM1) ]")
		for i, n := range all[1].message().at("Notifications").children {
			if want := []string{one, two}[i]; n.text("SubscriptionId") != want {
				t.Errorf("notification %d is of %s", i, n.text("SubscriptionId"))
			}
		}
	})
}

func TestFiftyEventsGoIntoOneMessage(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("tasks")
		for i := range 120 {
			f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: fmt.Sprint("AAM", i)})
		}
		all := f.listen(1, id).checked()
		if len(all) != 4 {
			t.Fatalf("there are %d envelopes", len(all))
		}
		next := 0
		for i, want := range []int{50, 50, 20} {
			events := all[i+1].message().at("Notifications", "Notification").children[1:]
			if len(events) != want {
				t.Errorf("envelope %d has %d events", i+1, len(events))
			}
			for _, e := range events {
				if got := e.at("ItemId").attrs["Id"]; got != fmt.Sprint("AAM", next) {
					t.Fatalf("event %d is of %s", next, got)
				}
				next++
			}
		}
	})
}

func TestAFullQueueIsToldOfAndTheStreamGoesOn(t *testing.T) {
	inMemory(t, "h1", &exchange.Options{MaxQueue: 3}, func(t *testing.T, f *fixture) {
		id := f.subscribe("tasks")
		f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: "AAM1", Count: 9})
		l := f.listen(1, id)
		wantShort(t, l.checked(), "OK", "[ Modified(AAM1) Modified(AAM1) Modified(AAM1) ]", "ErrorMissedNotificationEvents "+id+" OK")
		f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: "AAM1"})
		if all := short(l.checked()); len(all) != 4 || all[3] != "[ Modified(AAM1) ]" {
			t.Errorf("after that came %q", all[3:])
		}
	})
}

func TestAFullQueueCanEndASubscriptionAsAtGromox(t *testing.T) {
	inMemory(t, "h1", &exchange.Options{MaxQueue: 3, DropOverflowing: true}, func(t *testing.T, f *fixture) {
		id := f.subscribe("tasks")
		f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: "AAM1", Count: 9})
		l := f.listen(1, id)
		l.wantClean()
		wantShort(t, l.checked(), "ErrorInvalidSubscription "+id+" Closed")
	})
}

func TestMissedEventsAndTheEndOfSubscriptionsAreToldOnTheStream(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		one, two, three := f.subscribe("tasks"), f.subscribe("contacts"), f.subscribe("inbox")
		l := f.listen(10, one, two, three)
		f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Missed"})
		wantShort(t, l.checked(), "OK", "ErrorMissedNotificationEvents "+one+" OK")
		f.call(unsubscribeRequest(two)).want(t, "NoError")
		wantShort(t, l.checked()[2:], "ErrorSubscriptionUnsubscribed "+two+" OK")
		f.change(fakeserver.Change{Resource: inboxPath, ChangeType: "SubscriptionRemoved"})
		wantShort(t, l.checked()[3:], "ErrorReadEventsFailed "+three+" OK")
		f.change(fakeserver.Change{Resource: "me/tasks", ChangeType: "Updated", ID: "AAM1"})
		wantShort(t, l.checked()[4:], "[ Modified(AAM1) ]")
		if n := f.s.ExpireSubscriptions(one); n != 1 {
			t.Errorf("%d subscriptions expired", n)
		}
		l.wantClean() // none are left
		wantShort(t, l.checked()[5:], "ErrorInvalidSubscription "+one+" Closed")
	})
}

func TestAStreamWhoseClientHasGoneCountsUntilTheServerNotices(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("inbox")
		l := f.listen(30, id)
		l.now()
		l.hangUp()
		synctest.Wait()
		if n := f.s.Exchange().Streams(); n != 1 {
			t.Errorf("%d streams are open", n)
		}
		wait(3 * time.Minute) // heartbeats go nowhere
		if n := f.s.Exchange().Streams(); n != 0 {
			t.Errorf("%d streams are open", n)
		}
		wantShort(t, f.listen(30, id).checked(), "OK")
	})
}

func TestCloseEndsStreamsAndWaits(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		l := f.listen(30, f.subscribe("inbox"))
		l.now()
		if err := f.s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := l.ended(); err == nil {
			t.Error("the stream has not ended")
		}
		if n := f.s.Exchange().Streams(); n != 0 {
			t.Errorf("%d streams are open", n)
		}
	})
}

func TestOverLoopback(t *testing.T) {
	for _, protocol := range []string{"h1", "h2"} {
		t.Run(protocol, func(t *testing.T) {
			s := fakeserver.New(nil)
			defer s.Close()
			e, err := s.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			f := &fixture{t: t, s: s, e: e, http: e.Client(protocol), token: s.Token("me")}
			id := f.subscribe("calendar")
			f.change(fakeserver.Change{Resource: calendarPath, ChangeType: "Deleted", ID: "AAM1"})
			resp, err := f.http.Do(f.request(t.Context(), envelope("Exchange2016", "", listenRequest(1, id))))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("status %d", resp.StatusCode)
			}
			r := newReader(resp.Body)
			for _, want := range []string{"OK", "[ Deleted(AAM1) Modified(folder) ]"} {
				root, err := r.next()
				if err != nil {
					t.Fatal(err)
				}
				wantShort(t, []arrived{{root: root}}, want)
			}
		})
	}
}

func TestAClientThatGivesUpWhileItAsksIsNoTrouble(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if resp, err := f.http.Do(f.request(ctx, envelope("Exchange2016", "", streamingRequest(folders("inbox")+allTypes)))); err == nil {
			resp.Body.Close()
		}
		f.subscribe("inbox")
	})
}
