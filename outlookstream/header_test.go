package outlookstream

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/jsonstream"
)

// headerOf reads an element as a stream does.
func headerOf(raw []byte) (h header) {
	for name, value := range jsonstream.Fields(raw) {
		h.take(name, value)
	}
	return h
}

var usual = []string{
	rich, keepAliveElement,
	`{"@odata.type":"#Microsoft.OutlookServices.Notification","Id":null,"SubscriptionId":"x","SequenceNumber":1,"ChangeType":"Missed"}`,
	`{"Id":"n","SubscriptionExpirationDateTime":"tomorrow","Unknown":{"Id":1},"ResourceData":null}`,
	`{"SubscriptionExpirationDateTime":"2016-09-09T18:36:42,5+02:00","SequenceNumber":999999999999999999}`,
	`{"Resource":"a","Resource":"b","Resource":null,"ResourceData":1,"ResourceData":{"Id":2}}`,
	`{"ResourceData":{"Id":"` + strings.Repeat("x", 600) + `"}}`, `{"ResourceData":{"Id":"` + strings.Repeat("x", 2000) + `"}}`,
	`{"Status":"Gut","ChangeType":"Deleted","SubscriptionId":"grün"}`, `{"ResourceData":[]}`, `{"Id":""}`,
	`{"@odata.type":"#Microsoft.OutlookServices.KeepAliveNotification","Status":"OK","ChangeType":"Updated","SubscriptionId":"x","SequenceNumber":7,"SequenceNumber":null}`,
}

var unusual = []string{
	`{}`, `{"Id":"\u0041"}`, `{"id":"x"}`, `{"SUBSCRIPTIONID":"x"}`, `{"Re\u017fource":"x"}`, "{\"Re\u017fource\":\"x\"}", `{"SequenceNumber":-1}`, `{"SequenceNumber":1.0}`,
	`{"SequenceNumber":1000000000000000000}`, `{"SequenceNumber":"1"}`, `{"Error":null}`, `{"error":{"code":"A"}}`, `{"ChangeType":7}`, `{"Status":{}}`,
}

func TestAHeaderSaysWhatTheWholeElementDoes(t *testing.T) {
	for _, raw := range usual {
		if h := headerOf([]byte(raw)); h.unusual || h.members == 0 {
			t.Errorf("%s is usual", raw)
		}
		compareHeader(t, []byte(raw))
	}
	for _, raw := range unusual {
		if h := headerOf([]byte(raw)); !h.unusual && h.members > 0 {
			t.Errorf("%s is not for a header", raw)
		}
	}
}

// compareHeader has an element read in both ways.
func compareHeader(t *testing.T, raw []byte) {
	t.Helper()
	now := time.Now()
	h := headerOf(raw)
	if h.unusual || h.members == 0 {
		return
	}
	want, refusal, err := decodeElement(raw, now)
	if refusal != nil || err != nil {
		t.Fatalf("%s: taken from its header, though %v, %v", raw, refusal, err)
	}
	got := h.notification(now)
	if h.isKeepAlive() && (!want.IsKeepAlive() || want.Status != string(h.status) || !reflect.DeepEqual(*want, Notification{ODataType: keepAliveType, Status: want.Status, Received: now})) {
		t.Errorf("%s: taken for a keep-alive: %+v", raw, want)
	}
	copied := bytes.Clone(raw)
	clear(raw) // the decoder reuses its buffer
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %+v\nwant %+v", copied, got, want)
	}
}

func TestANotificationOwnsItsMemory(t *testing.T) {
	h := headerOf([]byte(rich))
	n := h.notification(time.Now())
	resource := n.Resource
	n.ResourceData = append(n.ResourceData, "and more than there is room for"...)
	clear(n.ResourceData)
	if n.Resource != resource || n.SubscriptionID != "abc==" {
		t.Errorf("writing to the item has changed the notification: %+v", n)
	}
}

func TestUnquoteSaysWhatTheCodecDoes(t *testing.T) {
	for _, value := range []string{`""`, `"a"`, `"W/\"CQ\/AA\\==\""`, `"\""`, `"\\"`, `"a\u0041\"b"`, `"\n"`, `"\"\n"`, `"Grün\""`, `7`, `null`, `{}`, `[]`} {
		var want string
		_ = json.Unmarshal([]byte(value), &want)
		var texts owned
		if got := texts.unquote([]byte(value)); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
	var texts owned
	if a, b := texts.unquote([]byte(`"a\"b"`)), texts.unquote([]byte(`"c"`)); a != `a"b` || b != "c" {
		t.Errorf("%q, %q", a, b)
	}
}

func TestTimesAreReadAsTheStandardLibraryReadsThem(t *testing.T) {
	for _, text := range []string{"2016-09-09T18:36:42.3454926Z", "0000-01-01T00:00:00.0000000Z", "9999-12-28T23:59:59.9999999Z", "2016-02-29T00:00:00.0000001Z",
		"2015-02-29T00:00:00.0000000Z", "2016-13-01T00:00:00.0000000Z", "2016-00-10T00:00:00.0000000Z", "2016-01-00T00:00:00.0000000Z", "2016-01-01T24:00:00.0000000Z",
		"2016-01-01T00:60:00.0000000Z", "2016-01-01T00:00:60.0000000Z", "2016-01-01T00:00:00.000000-Z", "2016-01-01 00:00:00.0000000Z", "2016-01-01T00:00:00Z",
		"2016-01-01T00:00:00.1+02:00", "", "x"} {
		want, _ := time.Parse(time.RFC3339Nano, text)
		if got := parseTime([]byte(text)); !got.Equal(want) || got.Location() != want.Location() && got.Location().String() != want.Location().String() {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
