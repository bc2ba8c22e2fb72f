package ews

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

func TestNextReturnsWhatEachEnvelopeBringsAndThenEOF(t *testing.T) {
	st := opened(t, Options{}, anOK+
		notifications(notificationFor("one", anItemEvent("CreatedEvent", "I1"), anItemEvent("NewMailEvent", "I1")), notificationFor("two", anItemEvent("DeletedEvent", "I2")))+
		notifications(notificationFor("one", aStatusEvent), notificationFor("two", aStatusEvent))+
		"\r\n"+anOK+aGoodbye)
	if n := nextIs(t, st); n.Status != "OK" || !n.IsHeartbeat() || n.Received.IsZero() {
		t.Errorf("the opening: %+v", n)
	}
	n := nextIs(t, st)
	var told []string
	for _, e := range n.Events {
		told = append(told, strings.Join([]string{string(e.Type), e.ItemID.ID, e.ItemID.ChangeKey, e.ParentFolderID.ID, e.Mailbox, e.SubscriptionID, e.TimeStamp.Format(time.RFC3339)}, " "))
	}
	if want := []string{
		"CreatedEvent I1 CQAAAA== F a@contoso.test one 2026-11-27T01:02:03Z",
		"NewMailEvent I1 CQAAAA== F a@contoso.test one 2026-11-27T01:02:03Z",
		"DeletedEvent I2 CQAAAA== F b@contoso.test two 2026-11-27T01:02:03Z",
	}; !reflect.DeepEqual(told, want) || n.Status != "" || n.IsHeartbeat() {
		t.Errorf("got  %q\nwant %q", told, want)
	}
	if n := nextIs(t, st); len(n.Events) != 0 || n.Status != "" || !n.IsHeartbeat() {
		t.Errorf("a heartbeat of StatusEvents: %+v", n)
	}
	if n := nextIs(t, st); n.Status != "OK" || !n.IsHeartbeat() {
		t.Errorf("a heartbeat of a status: %+v", n)
	}
	if n := nextIs(t, st); n.Status != "Closed" || n.IsHeartbeat() {
		t.Errorf("the goodbye: %+v", n)
	}
	for range 2 {
		if n, err := st.Next(); n != nil || err != io.EOF {
			t.Errorf("the end: %v, %v", n, err)
		}
	}
}

// Other servers write what Exchange does not.
func TestOtherShapesAreUnderstood(t *testing.T) {
	combined := anEnvelope("Success", `<m:ResponseCode>NoError</m:ResponseCode><m:Notifications>`+notificationFor("one", anItemEvent("CreatedEvent", "I"))+`</m:Notifications><m:ConnectionStatus>OK</m:ConnectionStatus>`)
	for name, in := range map[string]string{
		"events and status":       combined,
		"a declaration":           `<?xml version="1.0" encoding="utf-8"?>` + "\n" + aCreation,
		"a byte order mark":       "\xef\xbb\xbf" + aCreation,
		"a prefix":                strings.NewReplacer(`<Envelope xmlns=`, `<SOAP:Envelope xmlns:SOAP=`, `</Envelope>`, `</SOAP:Envelope>`, "soap11:", "SOAP:", "xmlns:soap11", "xmlns:SOAP").Replace(aCreation),
		"SOAP 1.2":                strings.ReplaceAll(aCreation, "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"),
		"the id of messages":      strings.NewReplacer("<t:SubscriptionId>", "<m:SubscriptionId>", "</t:SubscriptionId>", "</m:SubscriptionId>").Replace(aCreation),
		"white space":             strings.NewReplacer("<t:SubscriptionId>one", "<t:SubscriptionId>\n\tone\r\n", "><", "> \n <").Replace(aCreation),
		"something unknown":       strings.NewReplacer("<t:SubscriptionId>", "<t:Later a='b'><t:CreatedEvent/></t:Later><t:SubscriptionId>", "<t:TimeStamp>", "<t:New/><t:TimeStamp>").Replace(aCreation),
		"MoreEvents":              strings.ReplaceAll(aCreation, "</t:SubscriptionId>", "</t:SubscriptionId><t:PreviousWatermark>AQ==</t:PreviousWatermark><t:MoreEvents>false</t:MoreEvents>"),
		"two messages":            strings.ReplaceAll(aCreation, "<m:ResponseMessages>", `<m:ResponseMessages><m:GetStreamingEventsResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:GetStreamingEventsResponseMessage>`),
		"a comment, CDATA and PI": strings.ReplaceAll(aCreation, "<t:SubscriptionId>one", "<?p ?><t:SubscriptionId><!-- </Envelope> --><![CDATA[one]]>"),
	} {
		st := opened(t, Options{}, in+aGoodbye)
		n, err := st.Next()
		if err != nil || len(n.Events) != 1 || n.Events[0].ItemID.ID != "I" || n.Events[0].Mailbox != "a@contoso.test" || n.Events[0].SubscriptionID != "one" {
			t.Errorf("%s: %+v, %v", name, n, err)
			continue
		}
		if n := nextIs(t, st); n.Status != "Closed" {
			t.Errorf("%s: then came %+v", name, n)
		}
	}
}

func TestClosedIsClosedHoweverItIsWritten(t *testing.T) {
	st := opened(t, Options{}, strings.Replace(aGoodbye, "Closed", "\n closed ", 1))
	if n := nextIs(t, st); n.Status != "Closed" {
		t.Errorf("%+v", n)
	}
	if _, err := st.Next(); err != io.EOF {
		t.Errorf("%v", err)
	}
}

func TestAnEventOfAnUnknownTypeOrSubscriptionIsNotLeftOut(t *testing.T) {
	st := opened(t, Options{}, notifications(notificationFor("three", anItemEvent("CreatedEvent", "I")), notificationFor("one", anItemEvent("ShreddedEvent", "I"))))
	n := nextIs(t, st)
	if len(n.Events) != 2 || n.Events[0].Mailbox != "" || n.Events[0].SubscriptionID != "three" || n.Events[1].Type != "ShreddedEvent" {
		t.Errorf("%+v", n.Events)
	}
}

func TestAStreamThatWasCutOffIsNoCleanEnd(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":                        "",
		"after an envelope":              anOK,
		"within one":                     anOK + aGoodbye[:len(aGoodbye)-1],
		"after the beginning of one":     anOK + "<",
		"after white space":              anOK + "\r\n",
		"an envelope that says Closed, ": anOK + aGoodbye[:200],
	} {
		for _, whole := range []bool{true, false} {
			st, err := open(t, Options{}, func(r *http.Request) (*http.Response, error) {
				resp := answered(r, 200, body)
				if !whole {
					resp.Body = io.NopCloser(iotest.OneByteReader(strings.NewReader(body)))
				}
				return resp, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = st.Next()
			}
			failure, ok := errors.AsType[*outlookstream.ConnectionError](err)
			if !ok || !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || failure.Op != "GetStreamingEvents" {
				t.Errorf("%s: %v", name, err)
			}
			if _, again := st.Next(); again != err {
				t.Errorf("%s: then %v", name, again)
			}
			_ = st.Close()
		}
	}
}

func TestAConnectionThatBreaksIsAConnectionErrorThatSaysWhy(t *testing.T) {
	broken := errors.New("connection reset by peer")
	st, err := open(t, Options{}, func(r *http.Request) (*http.Response, error) {
		resp := answered(r, 200, "", "request-id", "stream-1")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(anOK+aCreation[:50]), iotest.ErrReader(broken)))
		return resp, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	nextIs(t, st)
	_, err = st.Next()
	if failure, ok := errors.AsType[*outlookstream.ConnectionError](err); !ok || !errors.Is(err, broken) || failure.RequestID != "stream-1" || !strings.Contains(err.Error(), "the connection broke") {
		t.Errorf("%v", err)
	}
}

func TestAnEnvelopeThatCannotBeUnderstoodIsSkippedAndTheStreamGoesOn(t *testing.T) {
	for name, tt := range map[string]struct {
		in  string
		is  error
		say string
	}{
		"too large":           {notifications(notificationFor("one", "<!-- "+strings.Repeat("x", 1<<13)+" -->")), outlookstream.ErrTooLarge, "more than 4096 bytes"},
		"names do not match":  {"<Envelope></envelope>", outlookstream.ErrMalformed, "not well-formed"},
		"a bad entity":        {strings.Replace(aCreation, "NoError", "&no;", 1), outlookstream.ErrMalformed, "not well-formed"},
		"not UTF-8":           {strings.Replace(aCreation, "NoError", "\xff", 1), outlookstream.ErrMalformed, "not well-formed"},
		"no message":          {"<Envelope/>", outlookstream.ErrMalformed, "without a response message"},
		"of another question": {strings.ReplaceAll(aCreation, "GetStreamingEventsResponse", "GetEventsResponse"), outlookstream.ErrMalformed, "without a response message"},
	} {
		st := opened(t, Options{MaxEnvelope: 4 << 10}, anOK+tt.in+aCreation+aGoodbye)
		nextIs(t, st)
		_, err := st.Next()
		if skipped, ok := errors.AsType[*outlookstream.SkippedError](err); !ok || !errors.Is(err, tt.is) || skipped.Offset <= int64(len(anOK)) || skipped.Offset > int64(len(anOK)+len(tt.in)) || !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %v", name, err)
		}
		if n := nextIs(t, st); len(n.Events) != 1 {
			t.Errorf("%s: then came %+v", name, n)
		}
		if n := nextIs(t, st); n.Status != "Closed" {
			t.Errorf("%s: in the end came %+v", name, n)
		}
	}
}
