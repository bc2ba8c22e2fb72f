package load

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// The short form is run as it stands. What is checked of its numbers does not
// depend on how fast the machine is.
func TestTheShortFormOfExchangeMakesNoCallTooManyAndLosesNothingSilently(t *testing.T) {
	var log strings.Builder
	file, err := Run(t.Context(), Options{Exchange: true, Short: true, Log: &log})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	for _, n := range short.mailboxes {
		value := func(key string) float64 {
			v, ok := file.Values[fmt.Sprintf("ews.%d.%s", n, key)]
			if !ok {
				t.Errorf("%d mailboxes: %s was not measured", n, key)
			}
			return v
		}
		mailboxes, groups := float64(n), float64(short.groups)
		for key, want := range map[string]float64{
			"start.calls.Subscribe": mailboxes, "start.calls.GetStreamingEvents": groups, "start.calls.Autodiscover": 1, "start.calls": mailboxes + groups + 1,
			"start.streams": groups, "held.connections": groups,
			"loss.mailboxes": mailboxes / groups, "loss.announced": mailboxes / groups, "loss.disturbed": 0,
			"loss.calls.Subscribe": mailboxes / groups, "loss.calls.GetStreamingEvents": 2,
			"lost_silently": 0,
		} {
			if v := value(key); v != want {
				t.Errorf("%d mailboxes: %s is %v, want %v", n, key, v, want)
			}
		}
		if v, most := value("start.dialled"), 5*groups+1; v > most { // four for calls and one to listen, and Autodiscover's
			t.Errorf("%d mailboxes: %v connections were dialled, want %v at most", n, v, most)
		}
		for _, key := range []string{"held.heap", "held.rss", "changes_made", "work.changes", "work.latency_us.p50"} {
			if v := value(key); v <= 0 {
				t.Errorf("%d mailboxes: %s is %v", n, key, v)
			}
		}
	}
	few, many := short.mailboxes[0], short.mailboxes[1]
	goroutines := func(n int) float64 { return file.Values[fmt.Sprintf("ews.%d.held.goroutines", n)] }
	if goroutines(few) != goroutines(many) {
		t.Errorf("%v goroutines for %d mailboxes, %v for %d in as many groups", goroutines(few), few, goroutines(many), many)
	}
	if v := file.Values["ews.envelopes.3.stream_over_decoder"]; v <= 0 || v > 3 {
		t.Errorf("a Stream takes %v times as long as an xml.Decoder", v)
	}
	if t.Failed() {
		t.Log(log.String())
	}
}

func TestATimeIsThatFromTheFirstWriteToTheFirstSight(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	sent := []sighting{{ID: "a", At: at(1)}, {ID: "a", At: at(2)}, {ID: "b", At: at(5)}, {ID: "never", At: at(5)}}
	seen := []sighting{{ID: "b", At: at(9)}, {ID: "b", At: at(7)}, {ID: "a", At: at(4)}, {ID: "other", At: at(4)}}
	got := between(sent, seen)
	if len(got) != 2 || got[0] != 3*time.Second || got[1] != 2*time.Second {
		t.Errorf("%v", got)
	}
}

func TestWhatWasAddedIsCounted(t *testing.T) {
	got := since(map[string]int{"a": 3, "b": 1, "c": 1}, map[string]int{"a": 1, "b": 1})
	if !maps.Equal(got, map[string]int{"a": 2, "c": 1}) {
		t.Errorf("%v", got)
	}
}

func TestOperationsAreTold(t *testing.T) {
	for _, c := range []struct{ path, body, want string }{
		{"/EWS/Exchange.asmx", `<soap:Envelope><soap:Body><m:Subscribe><m:StreamingSubscriptionRequest>`, "Subscribe"},
		{"/EWS/Exchange.asmx", `<soap:Envelope><soap:Body><m:Unsubscribe/>`, "Unsubscribe"},
		{"/EWS/Exchange.asmx", `nonsense`, "unknown"},
		{"/autodiscover/autodiscover.svc", "", "Autodiscover"},
	} {
		if got := operation(fakeserver.Request{Path: c.path, Body: c.body}); got != c.want {
			t.Errorf("%s %s is %s", c.path, c.body, got)
		}
	}
}
