package exchange

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// posted is one attempt to tell something.
type posted struct {
	after                  time.Duration // since the test began
	version                string
	previous, more, events string // of the Notification; events are local names
	watermark              string // the last
}

// listenerOf plays a program that is told.
type listenerOf struct {
	t      *testing.T
	start  time.Time
	answer func(n int, r *http.Request) (*http.Response, error) // to the n-th, from 0

	got []posted // only the delivery's goroutine, and who waits for it, touches it
}

// RoundTrip implements http.RoundTripper.
func (l *listenerOf) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	root, err := parse(body)
	if err != nil {
		l.t.Errorf("a notification that is no XML: %v", err)
		return nil, err
	}
	if r.Header.Get("Content-Type") != "text/xml; charset=utf-8" || r.Method != http.MethodPost {
		l.t.Errorf("%s of %s", r.Method, r.Header.Get("Content-Type"))
	}
	m := root.child(nsSoap, "Body").child(nsMessages, "SendNotification").child(nsMessages, "ResponseMessages").child(nsMessages, "SendNotificationResponseMessage")
	if m.child(nsMessages, "ResponseCode").value() != "NoError" {
		l.t.Errorf("%s", body)
	}
	n := m.child(nsMessages, "Notification")
	p := posted{after: time.Since(l.start)}
	p.version, _ = root.child(nsSoap, "Header").child(nsTypes, "RequestServerVersion").attr("Version")
	p.previous, p.more = n.child(nsTypes, "PreviousWatermark").value(), n.child(nsTypes, "MoreEvents").value()
	var events []string
	for _, e := range n.all() {
		if strings.HasSuffix(e.name.Local, "Event") {
			events = append(events, e.name.Local)
			p.watermark = e.child(nsTypes, "Watermark").value()
		}
	}
	p.events = strings.Join(events, " ")
	l.got = append(l.got, p)
	return l.answer(len(l.got)-1, r)
}

func (l *listenerOf) take() []posted {
	synctest.Wait()
	got := l.got
	l.got = nil
	return got
}

func answered(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body))}, nil
}

func pushResult(status string) string {
	return `<?xml version="1.0"?><s:Envelope xmlns:s="` + nsSoap + `"><s:Body><SendNotificationResult xmlns="` + nsMessages +
		`"><SubscriptionStatus>` + status + `</SubscriptionStatus></SendNotificationResult></s:Body></s:Envelope>`
}

func saysOK(int, *http.Request) (*http.Response, error) {
	return answered(http.StatusOK, pushResult("OK"))
}

// pushed runs a test with a push subscription to the inbox, whose StatusFrequency is in minutes.
func pushed(t *testing.T, frequency int, answer func(int, *http.Request) (*http.Response, error), test func(t *testing.T, s *Server, l *listenerOf, id string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &listenerOf{t: t, start: time.Now(), answer: answer}
		s := New(&Options{Push: l})
		m := messageOf(t, s, pushRequest(frequency, ""))
		id := m.child(nsMessages, "SubscriptionId").value()
		if id == "" || m.child(nsMessages, "Watermark").value() == "" {
			t.Fatalf("%s", m.raw)
		}
		test(t, s, l, id)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func pushRequest(frequency int, watermark string) string {
	return fmt.Sprintf(`<m:Subscribe><m:PushSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="inbox"/></t:FolderIds>
		<t:EventTypes><t:EventType>CreatedEvent</t:EventType><t:EventType>NewMailEvent</t:EventType></t:EventTypes>
		%s<t:StatusFrequency>%d</t:StatusFrequency><t:URL>http://listener.test/push</t:URL></m:PushSubscriptionRequest></m:Subscribe>`,
		tag("t:Watermark", watermark), frequency)
}

func TestAPushSubscriptionThatGoesOnFromAWatermarkIsProbedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &listenerOf{t: t, start: time.Now(), answer: saysOK}
		s := New(&Options{Push: l})
		made(t, s, Created, "inbox", "a")
		messageOf(t, s, pushRequest(30, watermarkOf(0)))
		got := l.take()
		if len(got) != 2 || got[0].events != "StatusEvent" || got[1].events != "CreatedEvent NewMailEvent" || got[1].previous != watermarkOf(0) {
			t.Errorf("%+v, want a StatusEvent, and what has happened since the watermark", got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAPushSubscriptionBeginsWithAProbe(t *testing.T) {
	pushed(t, 30, saysOK, func(t *testing.T, _ *Server, l *listenerOf, _ string) {
		got := l.take()
		if len(got) != 1 || got[0].events != "StatusEvent" || got[0].after != 0 || got[0].more != "false" {
			t.Errorf("%+v, want one StatusEvent at once", got)
		}
		if got[0].version == "" || got[0].watermark != got[0].previous {
			t.Errorf("%+v: no version, or a watermark that nothing has moved", got[0])
		}
	})
}

func TestEventsArePushedAsTheyHappen(t *testing.T) {
	pushed(t, 30, saysOK, func(t *testing.T, s *Server, l *listenerOf, _ string) {
		probe := l.take()[0]
		time.Sleep(7 * time.Minute)
		made(t, s, Created, "inbox", "a")
		first := l.take()
		if len(first) != 1 || first[0].events != "CreatedEvent NewMailEvent" || first[0].after != 7*time.Minute || first[0].previous != probe.watermark {
			t.Fatalf("%+v after %+v", first, probe)
		}
		made(t, s, Created, "drafts", "elsewhere") // of no interest
		made(t, s, Created, "inbox", "b")
		if second := l.take(); len(second) != 1 || second[0].previous != first[0].watermark {
			t.Errorf("%+v after %+v", second, first)
		}
	})
}

func TestAPushHasAtMost50EventsAndSaysThatThereAreMore(t *testing.T) {
	pushed(t, 30, saysOK, func(t *testing.T, s *Server, l *listenerOf, _ string) {
		l.take()
		l.answer = func(n int, r *http.Request) (*http.Response, error) {
			if n == 0 { // all the others happen while the first is being told
				for i := range 60 {
					made(t, s, Created, "inbox", fmt.Sprint("b", i))
				}
			}
			return saysOK(n, r)
		}
		made(t, s, Created, "inbox", "a")
		var sizes []string
		for _, p := range l.take() {
			sizes = append(sizes, fmt.Sprint(len(strings.Fields(p.events)), p.more))
		}
		if want := []string{"2false", "50true", "50true", "20false"}; !slices.Equal(sizes, want) {
			t.Errorf("%q, want %q", sizes, want)
		}
	})
}

func TestAnIdlePushSubscriptionSaysSoEveryStatusFrequency(t *testing.T) {
	pushed(t, 5, saysOK, func(t *testing.T, _ *Server, l *listenerOf, _ string) {
		time.Sleep(12 * time.Minute)
		got := l.take()
		if len(got) != 3 || got[1].after != 5*time.Minute || got[2].after != 10*time.Minute || got[2].events != "StatusEvent" {
			t.Errorf("%+v, want a StatusEvent at 0, 5 and 10 minutes", got)
		}
	})
}

// The intervals are 30 s, and twice as long each time, until StatusFrequency is exceeded.
func TestAPushThatNobodyAnswersIsRetriedAndGivenUp(t *testing.T) {
	for name, answer := range map[string]func(int, *http.Request) (*http.Response, error){
		"refused":         func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"an error":        func(int, *http.Request) (*http.Response, error) { return answered(500, pushResult("OK")) },
		"not an envelope": func(int, *http.Request) (*http.Response, error) { return answered(200, "<html></html>") },
		"another status":  func(int, *http.Request) (*http.Response, error) { return answered(200, pushResult("Maybe")) },
		"no xml":          func(int, *http.Request) (*http.Response, error) { return answered(200, "OK") },
		"a redirection": func(int, *http.Request) (*http.Response, error) {
			resp, _ := answered(302, "")
			resp.Header.Set("Location", "http://elsewhere.test/")
			return resp, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			pushed(t, 5, answer, func(t *testing.T, s *Server, l *listenerOf, _ string) {
				time.Sleep(time.Hour)
				var at []time.Duration
				for _, p := range l.take() {
					at = append(at, p.after)
				}
				const second = time.Second
				if want := []time.Duration{0, 30 * second, 90 * second, 210 * second, 450 * second}; !slices.Equal(at, want) {
					t.Errorf("tried at %v, want %v", at, want)
				}
				if left := s.Subscriptions(); len(left) != 0 {
					t.Errorf("the subscription lives on: %+v", left)
				}
			})
		})
	}
}

func TestAPushThatIsAnsweredLateLosesNothing(t *testing.T) {
	var listens atomic.Bool
	answer := func(n int, r *http.Request) (*http.Response, error) {
		if !listens.Load() {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		return saysOK(n, r)
	}
	pushed(t, 30, saysOK, func(t *testing.T, s *Server, l *listenerOf, _ string) {
		probe := l.take()[0]
		l.answer = answer
		made(t, s, Created, "inbox", "a")
		time.Sleep(45 * time.Second) // 30 s for an answer, then 30 s until the next
		made(t, s, Created, "inbox", "b")
		listens.Store(true)
		time.Sleep(time.Minute)
		got := l.take()
		if len(got) != 3 || got[0].previous != probe.watermark || got[1] != (posted{after: time.Minute, version: got[0].version, previous: probe.watermark,
			more: "false", events: got[0].events, watermark: got[0].watermark}) || got[2].previous != got[1].watermark || got[2].events != got[0].events {
			t.Errorf("%+v", got)
		}
	})
}

func TestAPushIsEndedByItsAnswer(t *testing.T) {
	pushed(t, 30, saysOK, func(t *testing.T, s *Server, l *listenerOf, id string) {
		l.take()
		refusedWith(t, s, within("m:Unsubscribe", within("m:SubscriptionId", id)), "ErrorInvalidPullSubscriptionId")
		l.answer = func(int, *http.Request) (*http.Response, error) { return answered(200, pushResult("Unsubscribe")) }
		made(t, s, Created, "inbox", "a")
		l.take()
		made(t, s, Created, "inbox", "b")
		time.Sleep(time.Hour)
		if got := l.take(); len(got) != 0 {
			t.Errorf("told after the end: %+v", got)
		}
		if left := s.Subscriptions(); len(left) != 0 {
			t.Errorf("the subscription lives on: %+v", left)
		}
	})
}

func TestAPushSubscriptionThatIsTakenAwayIsToldNothingMore(t *testing.T) {
	refuse := func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }
	for name, answer := range map[string]func(int, *http.Request) (*http.Response, error){"idle": saysOK, "between tries": refuse} {
		t.Run(name, func(t *testing.T) {
			pushed(t, 30, answer, func(t *testing.T, s *Server, l *listenerOf, id string) {
				l.take()
				if n := s.ExpireSubscriptions(id); n != 1 {
					t.Errorf("%d subscriptions ended, want 1", n)
				}
				made(t, s, Created, "inbox", "a")
				time.Sleep(3 * time.Hour)
				if got := l.take(); len(got) != 0 {
					t.Errorf("told after the end: %+v", got)
				}
			})
		})
	}
}

// That Close waits is seen by the bubble, which no goroutine may outlive.
func TestCloseEndsAPushInTheMiddleOfIt(t *testing.T) {
	hang := func(_ int, r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	pushed(t, 30, hang, func(t *testing.T, s *Server, l *listenerOf, _ string) {
		l.take()
		before := time.Now()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(before); took != 0 {
			t.Errorf("Close took %v", took)
		}
	})
}

func FuzzPushAnswer(f *testing.F) {
	f.Add([]byte(pushResult("OK")))
	f.Add([]byte(pushResult("Unsubscribe")))
	f.Add([]byte("<a><b></a>"))
	f.Add([]byte(`<!DOCTYPE x><x/>`))
	f.Fuzz(func(t *testing.T, document []byte) {
		goOn, err := pushAnswer(document)
		if goOn && (err != nil || !strings.Contains(string(document), "SubscriptionStatus")) {
			t.Errorf("%q is taken for OK", document)
		}
	})
}
