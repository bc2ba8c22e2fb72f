package outlookstream

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

const rich = `{"@odata.type":"#Microsoft.OutlookServices.Notification","Id":null,"SubscriptionId":"abc==",` +
	`"SubscriptionExpirationDateTime":"2016-09-09T18:36:42.3454926Z","SequenceNumber":9,"ChangeType":"Created",` +
	`"Resource":"https://outlook.office365.com/api/beta/Users('a@b')/Events('AAMk=')",` +
	`"ResourceData":{"@odata.type":"#Microsoft.OutlookServices.Event","@odata.etag":"W/\"x\"","Id":"AAMk=","Subject":"Plän {[\"]}","Attendees":[{"a":[]}]}}`

func TestDecodeElementKeepsEverythingOfANotification(t *testing.T) {
	raw := []byte(rich)
	now := time.Now()
	n, refusal, err := decodeElement(raw, now)
	if err != nil || refusal != nil {
		t.Fatal(err, refusal)
	}
	clear(raw) // the decoder reuses its buffer
	if n.ODataType != "#Microsoft.OutlookServices.Notification" || n.ID != "" || n.SubscriptionID != "abc==" || n.SequenceNumber != 9 ||
		n.ChangeType != "Created" || n.Resource != "https://outlook.office365.com/api/beta/Users('a@b')/Events('AAMk=')" || !n.Received.Equal(now) {
		t.Errorf("%+v", n)
	}
	if want := time.Date(2016, 9, 9, 18, 36, 42, 345492600, time.UTC); !n.SubscriptionExpirationDateTime.Equal(want) {
		t.Errorf("expires %v, want %v", n.SubscriptionExpirationDateTime, want)
	}
	if item := n.item(); item.ID != "AAMk=" || item.ETag != `W/"x"` {
		t.Errorf("item: %+v", item)
	}
	event, err := DecodeResource[struct {
		Subject   string
		Attendees []any
	}](n)
	if err != nil || event.Subject != `Plän {["]}` || len(event.Attendees) != 1 {
		t.Errorf("DecodeResource: %+v, %v", event, err)
	}
}

func TestDecodeElementToleratesWhatIsAbsentOrUnknown(t *testing.T) {
	for name, raw := range map[string]string{
		"empty":                    `{}`,
		"nulls":                    `{"@odata.type":null,"SequenceNumber":null,"ResourceData":null,"SubscriptionExpirationDateTime":null,"Error":null}`,
		"unknown members":          `{"Status":"OK","Later":{"value":[1]}}`,
		"a time of another format": `{"SubscriptionExpirationDateTime":"tomorrow"}`,
		"a removed subscription":   `{"SubscriptionId":"x","ChangeType":"SubscriptionRemoved","Error":{"Message":"m","Code":"AccountStateChanged"}}`,
	} {
		if _, refusal, err := decodeElement([]byte(raw), time.Now()); err != nil || refusal != nil {
			t.Errorf("%s: %v, %v", name, refusal, err)
		}
	}
}

func TestDecodeElementTellsAnErrorFromANotification(t *testing.T) {
	_, refusal, err := decodeElement([]byte(`{"error":{"code":"ErrorInvalidIdMalformed","message":"Id is malformed."}}`), time.Now())
	if err != nil || refusal == nil || refusal.Code != "ErrorInvalidIdMalformed" {
		t.Errorf("%v, %v", refusal, err)
	}
}

func TestDecodeElementRefusesNonsenseWithoutQuotingIt(t *testing.T) {
	for _, raw := range []string{`null`, `5`, `"geheim"`, `[]`, `true`, `{"SequenceNumber":"geheim"}`, `{"ResourceData":{},"ChangeType":["geheim"]}`} {
		_, _, err := decodeElement([]byte(raw), time.Now())
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", raw, err)
		} else if got := err.Error(); len(got) == 0 || strings.Contains(got, "geheim") {
			t.Errorf("%s: the error quotes what people wrote: %v", raw, err)
		}
	}
}

func TestTheEndOfASubscriptionIsRecognizedInAnyForm(t *testing.T) {
	for raw, subscription := range map[string]string{
		`{"SubscriptionId":"x","ChangeType":"SubscriptionRemoved","Error":"AccountStateChanged"}`:                          "x",
		`{"SubscriptionId":"x","ChangeType":"subscriptionremoved","SequenceNumber":"7"}`:                                   "x",
		`{"SubscriptionId":7,"ChangeType":"SubscriptionRemoved"}`:                                                          "",
		`{"SubscriptionId":"x","ChangeType":"SubscriptionRemoved","Error":{"Code":"AccountStateChanged","Message":"..."}}`: "x",
	} {
		n, refusal, err := decodeElement([]byte(raw), time.Now())
		if err != nil || refusal != nil || !is(n, "SubscriptionRemoved") || n.SubscriptionID != subscription {
			t.Errorf("%s: %+v, %v, %v", raw, n, refusal, err)
		}
	}
}

func TestWhyASubscriptionWasRemovedIsKept(t *testing.T) {
	n, _, err := decodeElement([]byte(`{"ChangeType":"SubscriptionRemoved","Error":{"Code":"AccountStateChanged","Message":"m"}}`), time.Now())
	if err != nil || n.Error == nil || *n.Error != (NotificationError{"AccountStateChanged", "m"}) {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestAKeepAliveIsOneInAnyCase(t *testing.T) {
	for _, kind := range []string{"#Microsoft.OutlookServices.KeepAliveNotification", "#microsoft.outlookservices.keepalivenotification"} {
		if n := (&Notification{ODataType: kind}); !n.IsKeepAlive() {
			t.Errorf("%s is none", kind)
		}
	}
}

func TestDecodeError(t *testing.T) {
	for body, want := range map[string]wireError{
		`{"error":{"code":"ErrorAccessDenied","message":"Access is denied."}}`: {"ErrorAccessDenied", "Access is denied."},
		"\xef\xbb\xbf" + `{"error":{"code":"A","message":"B"}}`:                {"A", "B"},
		`{"error":{"code":"A","innerError":{"request-id":"x"}}}`:               {Code: "A"},
		`<html>`:                      {},
		``:                            {},
		`{"error":"invalid_request"}`: {},
	} {
		if got := decodeError([]byte(body)); got != want {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

func TestTheIDOfAnItemIsInItsURL(t *testing.T) {
	for resource, want := range map[string]string{
		"https://x/api/beta/Users('a@b')/Events('AAMk%3D')": "AAMk=",
		"https://x/Users('a@b')/Events('100%')":             "100%",
		"https://x/me/events/AAMk":                          "",
		"https://x/api/beta/Users('alex@contoso.test')":     "",
		"":     "",
		"(')":  "",
		"('')": "",
	} {
		if got := idFromURL(resource); got != want {
			t.Errorf("%q: %q, want %q", resource, got, want)
		}
	}
}

func FuzzDecodeElement(f *testing.F) {
	f.Add([]byte(rich))
	f.Add([]byte(`{"error":{"code":"A"}}`))
	f.Add([]byte(`{"Resource":"('"}`))
	for _, raw := range append(usual, unusual...) {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) == 0 || !stdjson.Valid(raw) || raw[0] <= ' ' {
			return // the decoder of the stream lets nothing else through
		}
		n, refusal, err := decodeElement(raw, time.Now())
		compareHeader(t, bytes.Clone(raw))
		if (n != nil) == (refusal != nil || err != nil) {
			t.Fatalf("%q: %v, %v, %v", raw, n, refusal, err)
		}
		if n != nil {
			_ = n.item()
			_ = idFromURL(n.Resource)
		}
	})
}
