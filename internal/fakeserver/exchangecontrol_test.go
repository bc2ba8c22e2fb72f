package fakeserver

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

const soapSubscribe = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" ` +
	`xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
	`<soap:Header><t:RequestServerVersion Version="Exchange2013"/></soap:Header><soap:Body><m:Subscribe><m:StreamingSubscriptionRequest>` +
	`<t:FolderIds><t:DistinguishedFolderId Id="calendar"/></t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes>` +
	`</m:StreamingSubscriptionRequest></m:Subscribe></soap:Body></soap:Envelope>`

// soap sends a request to the Exchange half.
func (f *fixture) soap(document string) answer {
	f.t.Helper()
	r := f.request(f.t.Context(), http.MethodPost, exchange.Path, document)
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	return f.do(r)
}

func TestControlCoversExchange(t *testing.T) {
	withControl(t, func(t *testing.T, f *fixture) {
		if a := f.soap(soapSubscribe); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "NoError") {
			t.Fatalf("status %d: %s", a.StatusCode, a.body)
		}
		var made []Entry
		f.control("POST", "changes", `{"resource":"me/events","change":"Moved","to":"me/calendars('Old')/events"}`, &made)
		if len(made) != 2 || made[0].To != "me/calendars('Old')/events" || made[0].NewID == "" || made[0].ChangeKey == "" || made[1].MovedFrom != made[0].ID {
			t.Errorf("made %+v", made)
		}
		f.control("POST", "changes", `{"resource":"me/events","change":"Created"}`, nil)
		var subs []exchange.Subscription
		f.control("GET", "ews/subscriptions", nil, &subs)
		if len(subs) != 1 || subs[0].Queued != 1 || subs[0].Kind != "streaming" || subs[0].Owner != "alex@contoso.test" {
			t.Errorf("subscriptions %+v", subs)
		}
		var streams controlStreams
		f.control("GET", "ews/streams", nil, &streams)
		if streams.Streams != 0 {
			t.Errorf("%d streams", streams.Streams)
		}
		f.control("POST", "faults", `{"on":"ewsSubscribe","do":"soapFault","code":"ErrorServerBusy","delay":"2s"}`, nil)
		if a := f.soap(soapSubscribe); a.StatusCode != 500 || !strings.Contains(a.body, `Name="BackOffMilliseconds">2000<`) {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
		var expired struct{ Expired int }
		f.control("POST", "expire", `{"subscription":"`+subs[0].ID+`"}`, &expired)
		if expired.Expired != 1 || len(f.s.Exchange().Subscriptions()) != 0 {
			t.Errorf("%d subscriptions expired", expired.Expired)
		}
	})
}

func TestFaultsOfTheOneHalfAreNotThoseOfTheOther(t *testing.T) {
	s := New(nil)
	defer s.Close()
	for on, do := range map[string]string{
		exchange.OnStream: doSkipSequence, exchange.OnSubscribe: doErrorDocument, onStream: exchange.DoMissed, onSubscribe: exchange.DoSoapFault,
	} {
		if err := s.Arm(Fault{On: on, Do: do}); err == nil || !strings.Contains(err.Error(), "ewsStream: ") {
			t.Errorf("%s on %s: %v", do, on, err)
		}
	}
}

func TestExchangeRequestsAreLoggedWithoutSecrets(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		f.soap(strings.Replace(soapSubscribe, "calendar", f.token, 1))
		log := f.s.Requests()
		if len(log) != 1 || log[0].Status != 500 || log[0].Path != exchange.Path || !strings.Contains(log[0].Body, "Subscribe") || log[0].Token != Fingerprint(f.token) {
			t.Errorf("the log is %+v", log)
		}
		if strings.Contains(fmt.Sprint(log), f.token) {
			t.Error("a secret is in the log")
		}
	})
}

func TestAnExchangeRequestIsBounded(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		if a := f.soap(strings.Repeat(" ", maxExchangeBody+1)); a.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", a.StatusCode)
		}
	})
}
