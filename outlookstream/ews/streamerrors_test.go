package ews

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

func TestLostEventsLeaveTheStreamAsItIs(t *testing.T) {
	for name, ids := range map[string]string{
		"ids of messages": "<m:SubscriptionId> two </m:SubscriptionId>", "ids of types": "<t:SubscriptionId>two</t:SubscriptionId>",
	} {
		st := opened(t, Options{}, anOK+anErrorEnvelope("ErrorMissedNotificationEvents", "<m:ErrorSubscriptionIds>"+ids+"</m:ErrorSubscriptionIds><m:ConnectionStatus>OK</m:ConnectionStatus>")+aCreation+aGoodbye)
		nextIs(t, st)
		_, err := st.Next()
		said, ok := errors.AsType[*Error](err)
		if !ok || !errors.Is(err, outlookstream.ErrMissed) || !slices.Equal(said.Subscriptions, []string{"two"}) || said.Mailbox != "b@contoso.test" || said.RequestID != "stream-1" || said.Status != http.StatusOK {
			t.Errorf("%s: %v, %+v", name, err, said)
		}
		if n := nextIs(t, st); len(n.Events) != 1 {
			t.Errorf("%s: then came %+v", name, n)
		}
		nextIs(t, st)
		if _, err := st.Next(); err != io.EOF {
			t.Errorf("%s: the end: %v", name, err)
		}
	}
}

func TestLostEventsAndClosedAreBoth(t *testing.T) {
	st := opened(t, Options{}, anErrorEnvelope("ErrorMissedNotificationEvents", aClosed))
	if _, err := st.Next(); !errors.Is(err, outlookstream.ErrMissed) {
		t.Errorf("%v", err)
	}
	if _, err := st.Next(); err != io.EOF {
		t.Errorf("%v", err)
	}
}

// What a server puts into one envelope is all of it told: the events, then what
// became of the others.
func TestEventsAndAnErrorInOneEnvelopeAreBothReturned(t *testing.T) {
	both := func(code string) string {
		return strings.Replace(aCreation, "</m:ResponseMessages>", `<m:GetStreamingEventsResponseMessage ResponseClass="Error"><m:ResponseCode>`+code+`</m:ResponseCode></m:GetStreamingEventsResponseMessage></m:ResponseMessages>`, 1)
	}
	st := opened(t, Options{}, both("ErrorMissedNotificationEvents")+both("ErrorInvalidSubscription")+anOK)
	for _, want := range []error{outlookstream.ErrMissed, outlookstream.ErrSubscriptionGone} {
		if n := nextIs(t, st); len(n.Events) != 1 {
			t.Errorf("%+v", n)
		}
		if _, err := st.Next(); !errors.Is(err, want) {
			t.Errorf("%v is not %v", err, want)
		}
	}
	if _, err := st.Next(); !errors.Is(err, outlookstream.ErrSubscriptionGone) {
		t.Errorf("after the end: %v", err)
	}
}

func TestAnErrorThatEndsTheStreamIsNotHiddenByLostEvents(t *testing.T) {
	missed := `<m:GetStreamingEventsResponseMessage ResponseClass="Error"><m:ResponseCode>ErrorMissedNotificationEvents</m:ResponseCode></m:GetStreamingEventsResponseMessage>`
	st := opened(t, Options{}, strings.Replace(anErrorEnvelope("ErrorInvalidSubscription", ""), "<m:ResponseMessages>", "<m:ResponseMessages>"+missed, 1))
	for range 2 {
		if _, err := st.Next(); !errors.Is(err, outlookstream.ErrSubscriptionGone) || errors.Is(err, outlookstream.ErrMissed) {
			t.Errorf("%v", err)
		}
	}
}

func TestWhatElseTheServiceSaysEndsTheStream(t *testing.T) {
	ids := "<m:ErrorSubscriptionIds><m:SubscriptionId>one</m:SubscriptionId><m:SubscriptionId>two</m:SubscriptionId></m:ErrorSubscriptionIds>" + aClosed
	for in, want := range map[string]struct {
		is      error
		code    string
		backOff time.Duration
		ids     int
	}{
		anErrorEnvelope("ErrorInvalidSubscription", ids):                                                                      {outlookstream.ErrSubscriptionGone, "ErrorInvalidSubscription", 0, 2},
		anErrorEnvelope("ErrorSubscriptionNotFound", ""):                                                                      {outlookstream.ErrSubscriptionGone, "ErrorSubscriptionNotFound", 0, 0},
		anErrorEnvelope("ErrorSubscriptionUnsubscribed", ids):                                                                 {outlookstream.ErrSubscriptionGone, "ErrorSubscriptionUnsubscribed", 0, 2},
		anErrorEnvelope("ErrorNewEventStreamConnectionOpened", ""):                                                            {ErrTakenOver, "ErrorNewEventStreamConnectionOpened", 0, 0},
		anErrorEnvelope("ErrorExceededConnectionCount", ""):                                                                   {ErrLimit, "ErrorExceededConnectionCount", 0, 0},
		anErrorEnvelope("ErrorSubscriptionAccessDenied", ""):                                                                  {outlookstream.ErrForbidden, "ErrorSubscriptionAccessDenied", 0, 0},
		anErrorEnvelope("ErrorServerBusy", `<m:MessageXml><m:Value Name="BackOffMilliseconds">1500</m:Value></m:MessageXml>`): {outlookstream.ErrThrottled, "ErrorServerBusy", 1500 * time.Millisecond, 0},
		anErrorEnvelope("ErrorProxiedSubscriptionCallFailure", ""):                                                            {ErrAffinityLost, "ErrorProxiedSubscriptionCallFailure", 0, 0},
		aFault: {outlookstream.ErrThrottled, "ErrorServerBusy", 297749 * time.Millisecond, 0},
		// A class is missing, and the code says enough.
		strings.Replace(anErrorEnvelope("ErrorReadEventsFailed", ""), ` ResponseClass="Error"`, "", 1): {outlookstream.ErrSubscriptionGone, "ErrorReadEventsFailed", 0, 0},
	} {
		for _, before := range []string{"", anOK} {
			st := opened(t, Options{}, before+in+aCreation)
			if before != "" {
				nextIs(t, st)
			}
			_, err := st.Next()
			said, ok := errors.AsType[*Error](err)
			if !ok || !errors.Is(err, want.is) || said.Code != want.code || said.BackOff != want.backOff || len(said.Subscriptions) != want.ids || said.Op != "GetStreamingEvents" || said.RequestID != "stream-1" {
				t.Errorf("%s: %v, %+v", want.code, err, said)
			}
			if _, again := st.Next(); again != err {
				t.Errorf("%s: then %v", want.code, again)
			}
		}
	}
}

func TestAPageInThePlaceOfAStreamIsMalformed(t *testing.T) {
	page := "<html><head><title>502</title></head><body>" + wireToken + "<br></body></html>"
	for name, tt := range map[string]struct{ in, kind, encoding, say string }{
		"a page":                    {page, "text/html; charset=utf-8", "", "text/html"},
		"a page that says it is":    {page, "text/xml", "", "web page"},
		"a page with a doctype":     {"<!DOCTYPE html>" + page, "text/xml", "", "document type declaration"},
		"XHTML":                     {`<x:html xmlns:x="x"></x:html>`, "text/xml", "", "<html> where an envelope was expected"},
		"a text":                    {"Service Unavailable: " + wireToken, "", "", `"Service Unavailable: [secret]"`},
		"another kind":              {anOK, "application/json", "", "application/json"},
		"compressed":                {"\x1f\x8b", "text/xml", "gzip", "encoded as gzip"},
		"compressed without saying": {"\x1f\x8b\x08", "text/xml", "", "0x1f where an XML document was expected"},
		"after an envelope":         {anOK + "\n" + page, "text/xml", "", "web page"},
	} {
		st, err := open(t, Options{}, func(r *http.Request) (*http.Response, error) {
			return answered(r, 200, tt.in, "Content-Type", tt.kind, "Content-Encoding", tt.encoding), nil
		})
		for err == nil {
			_, err = st.Next()
		}
		if st != nil {
			_ = st.Close()
		}
		if _, ok := errors.AsType[*outlookstream.ConnectionError](err); !ok || !errors.Is(err, outlookstream.ErrMalformed) || !strings.Contains(err.Error(), tt.say) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAStreamThatIsRefusedIsTheServicesError(t *testing.T) {
	_, err := open(t, Options{}, func(r *http.Request) (*http.Response, error) { return answered(r, 500, aFault, "request-id", "7"), nil })
	if said, ok := errors.AsType[*Error](err); !ok || said.Code != "ErrorServerBusy" || said.Status != 500 || said.RequestID != "7" || said.BackOff != 297749*time.Millisecond {
		t.Errorf("%v", err)
	}
}
