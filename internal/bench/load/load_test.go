package load

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if played, err := Play(); played {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// The short form is run as it stands. What is checked of its numbers does not
// depend on how fast the machine is.
func TestTheShortFormMeasuresEverythingAndNothingIsLostSilently(t *testing.T) {
	var log strings.Builder
	file, err := Run(t.Context(), Options{Short: true, Log: &log})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	value := func(key string) float64 {
		v, ok := file.Values["load."+key]
		if !ok {
			t.Errorf("load.%s was not measured", key)
		}
		return v
	}
	n := short.counts[0]
	for _, protocol := range []string{"h1", "h2"} {
		if v := value(fmt.Sprintf("footprint.%s.ours_minus_bare.goroutines.%d", protocol, n)); v > 0 {
			t.Errorf("%s: %v goroutines for each idle stream beyond net/http's own", protocol, v)
		}
		if v := value(fmt.Sprintf("footprint.%s.ours.%d.rss_per_stream", protocol, n)); v <= 0 {
			t.Errorf("%s: an RSS of %v for each stream", protocol, v)
		}
		limit := 2*short.deadAlive + 5*time.Second
		for _, d := range deaths() {
			key := fmt.Sprintf("deadpeer.%s.%s.", protocol, d.key)
			if v := value(key + "noticed_seconds"); v < limit.Seconds()-1 || v > limit.Seconds()+3 {
				t.Errorf("%s, %s: noticed after %v s, the limit is %v", d.name, protocol, v, limit)
			}
			if v := value(key + "others_disturbed"); v != 0 {
				t.Errorf("%s, %s: %v other streams ended", d.name, protocol, v)
			}
		}
	}
	if v := value(fmt.Sprintf("connections.h2.ours.%d.ratio", short.limits[0])); v < 1 || v > 2 {
		t.Errorf("%v times as many HTTP/2 connections as are needed", v)
	}
	storm := fmt.Sprintf("storm.h2.%d.", short.rates[0])
	for key, want := range map[string]float64{
		storm + "announced": float64(short.stormStreams), storm + "lost_silently": 0, storm + "token_requests": 2,
		fmt.Sprintf("steady.h2.ours.%d.lost_silently", n): 0, fmt.Sprintf("steady.h2.ours.%d.reopened", n): 0,
	} {
		if v := value(key); v != want {
			t.Errorf("load.%s is %v, want %v", key, v, want)
		}
	}
	for _, key := range []string{storm + "changes_made", fmt.Sprintf("steady.h2.ours.%d.changes", n), fmt.Sprintf("steady.h2.ours.%d.latency_us.p50", n)} {
		if v := value(key); v <= 0 {
			t.Errorf("load.%s is %v", key, v)
		}
	}
	if t.Failed() {
		t.Log(log.String())
	}
}

func TestAChangeIsLostOnlyIfNeitherItNorAResyncAfterItWasSeen(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	ledger := []made{{"a", "1", at(10)}, {"a", "2", at(20)}, {"b", "1", at(20)}, {"b", "2", at(40)}}
	for _, c := range []struct {
		name string
		seen []sighting
		want verdict
	}{
		{"nothing", nil, verdict{made: 4, lost: 4}},
		{"all", []sighting{{Resource: "a", ID: "1"}, {Resource: "a", ID: "2"}, {Resource: "b", ID: "1"}, {Resource: "b", ID: "2"}}, verdict{made: 4, delivered: 4}},
		{"another resource's", []sighting{{Resource: "b", ID: "1"}, {Resource: "b", ID: "2"}}, verdict{made: 4, delivered: 2, lost: 2}},
		{"a Resync in between", []sighting{{Resource: "a", At: at(15)}, {Resource: "b", At: at(30)}, {Resource: "b", At: at(5)}}, verdict{made: 4, announced: 2, lost: 2}},
	} {
		if got := judge(ledger, c.seen); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestTheBusiestSecondIsFoundWhereverItBegins(t *testing.T) {
	for _, c := range []struct {
		tenths    []int
		most, all int
	}{
		{nil, 0, 0},
		{[]int{5}, 5, 5},
		{[]int{1, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0, 7}, 90, 98},
	} {
		if most, all := busiest(c.tenths); most != c.most || all != c.all {
			t.Errorf("%v: %d, %d, want %d, %d", c.tenths, most, all, c.most, c.all)
		}
	}
}

func TestAStampIsReadBackAndOnlyAWholeOne(t *testing.T) {
	stamped := fmt.Sprintf(`{"Subject":"stamp:%0*d"}`, stampDigits, time.Now().Add(-time.Second).UnixNano())
	if took, ok := age([]byte(stamped)); !ok || took < time.Second || took > time.Minute {
		t.Errorf("%v, %v", took, ok)
	}
	for _, text := range []string{"", "stamp:", stamped[:len(stamped)-4], `{"Subject":"` + emptyStamp + `"}`, "stamp:12345678901234567x9"} {
		if took, ok := age([]byte(text)); ok {
			t.Errorf("%q has the age %v", text, took)
		}
	}
}
