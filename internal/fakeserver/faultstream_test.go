package fakeserver

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

// ending is how a stream under a fault ended.
type ending struct {
	text   string
	failed bool
}

// struck arms a fault, opens a stream, makes two changes and reads to the end.
func (f *fixture) struck(fault Fault) ending {
	f.t.Helper()
	fault.On = onStream
	f.arm(fault)
	id := f.subscribe("me/events")
	f.change(Change{Resource: "me/events", ChangeType: "Created", ID: "one"})
	f.change(Change{Resource: "me/events", ChangeType: "Created", ID: "two"})
	r := f.listenFor(1, 30, id)
	text, failed := r.rest()
	return ending{text, failed}
}

// elementsOf counts the complete notifications.
func elementsOf(text string) int { return len(completeNotification.FindAllString(text, -1)) }

var completeNotification = regexp.MustCompile(`"Id":"[^"]*"\}\}`)

func TestFaultsThatEndAStream(t *testing.T) {
	for name, c := range map[string]struct {
		fault    Fault
		elements int
		suffix   string
		failed   bool
	}{
		"cut at once":           {Fault{Do: "cut"}, 0, `"value":[`, true},
		"cut after one":         {Fault{Do: "cut", After: 1}, 1, `}}`, true},
		"cutMidElement":         {Fault{Do: "cutMidElement", After: 1}, 1, ``, true},
		"reset":                 {Fault{Do: "reset", After: 2}, 2, `}}`, true},
		"noFinalChunk":          {Fault{Do: "noFinalChunk", After: 2}, 2, `}}]}`, true},
		"unclosed":              {Fault{Do: "unclosed", After: 2}, 2, `}}`, false},
		"earlyEnd":              {Fault{Do: "earlyEnd", After: 1}, 1, `}}]}`, false},
		"earlyEnd at once":      {Fault{Do: "earlyEnd"}, 0, `"value":[]}`, false},
		"inStreamError":         {Fault{Do: "inStreamError", After: 1, Code: "ErrorInvalidIdMalformed"}, 1, `}},{"error":{"code":"ErrorInvalidIdMalformed","message":"Id is malformed."}}`, false},
		"inStreamError first":   {Fault{Do: "inStreamError", Code: "X", Message: "Y"}, 0, `"value":[{"error":{"code":"X","message":"Y"}}`, false},
		"inStreamError, no ','": {Fault{Do: "inStreamError", After: 1, Code: "withoutComma"}, 1, `}}{"error":{"code":"ErrorInternalServerTransientError","message":"A temporary error occurred. Try again later."}}`, false},
		"missingValue":          {Fault{Do: "missingValue"}, 0, `{"@odata.context":"https://outlook.fake.test/api/beta/metadata#Notifications"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, nil, func(t *testing.T, f *fixture) {
				got := f.struck(c.fault)
				if n := elementsOf(got.text); n != c.elements || !strings.HasSuffix(got.text, c.suffix) || got.failed != c.failed {
					t.Errorf("%d elements, failed %v, text %s", n, got.failed, got.text)
				}
				// The next stream is a good one, and has what was not written completely.
				r := f.listenFor(1, 30, f.s.Subscriptions()[0].ID)
				text, failed := r.rest()
				if failed || !strings.HasSuffix(text, "]}") || elementsOf(text) != 2-c.elements {
					t.Errorf("the next stream: failed %v, text %s", failed, text)
				}
			})
		})
	}
}

func TestCutMidElementLeavesHalfOfIt(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		got := f.struck(Fault{Do: "cutMidElement"})
		tail := strings.TrimPrefix(got.text, preamble)
		if tail == "" || json.Valid([]byte(tail)) || !strings.HasPrefix(tail, `{"@odata.type"`) {
			t.Errorf("after the preamble came %q", tail)
		}
	})
}

func TestCutAtByteIsExact(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		whole := f.struck(Fault{Do: "bom", After: 9}).text
		for _, n := range []int{0, 1, 5, len(preamble), len(preamble) + 1, len(preamble) + 100, len(preamble) + 500} {
			f.s.ExpireSubscriptions()
			got := f.struck(Fault{Do: "cutAtByte", Bytes: n})
			if len(got.text) != n || !got.failed {
				t.Errorf("at %d: %d bytes, failed %v", n, len(got.text), got.failed)
			}
			if !strings.HasPrefix(preamble, got.text[:min(n, len(preamble))]) {
				t.Errorf("at %d: %q is no prefix of %q", n, got.text, whole)
			}
		}
		if got := f.struck(Fault{Do: "cutAtByte", Bytes: 1 << 20}); got.failed || !strings.HasSuffix(got.text, "]}") {
			t.Errorf("beyond the end: failed %v, text %s", got.failed, got.text)
		}
	})
}

func TestStallKeepsTheStreamOpenAndTheChanges(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		f.arm(Fault{On: "stream", Do: "stall", After: 1})
		r := f.listen(id)
		f.change(Change{Resource: "me/events", ChangeType: "Created", Count: 2})
		r.now()
		wait(10 * time.Minute)
		if got := r.now(); got != "" || !r.open() || f.s.Streams() != 1 || elementsOf(r.text) != 1 {
			t.Fatalf("while stalled came %q, open %v", got, r.open())
		}
		r.cancel()
		wait(time.Second)
		if n := f.s.Streams(); n != 0 {
			t.Errorf("%d streams are left", n)
		}
		r2 := f.listen(id)
		if n := elementsOf(r2.now()); n != 1 {
			t.Errorf("%d elements were kept, want 1", n)
		}
	})
}

func TestAFaultArmedWhileAStreamIsOpenStrikesIt(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		r := f.listen(f.subscribe("me/events"))
		r.now()
		f.arm(Fault{On: "stream", Do: "cut", After: 1})
		f.change(Change{Resource: "me/events", ChangeType: "Created", Count: 5})
		if text, failed := r.rest(); !failed || elementsOf(text) != 1 {
			t.Errorf("failed %v, text %s", failed, text)
		}
	})
}

func TestSlowStreamWaitsBeforeEachElement(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		f.arm(Fault{On: "stream", Do: "slow", Delay: 3 * time.Second})
		f.change(Change{Resource: "me/events", ChangeType: "Created", Count: 2})
		r := f.listen(id)
		for _, want := range []int{0, 0, 0, 1, 1, 1, 2} {
			r.now()
			if n := elementsOf(r.text); n != want {
				t.Fatalf("%v after the start there are %d elements, want %d", time.Now(), n, want)
			}
			wait(time.Second)
		}
	})
}

func TestFaultsStrikeAsOftenAsTold(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		ends := func() (failed bool) {
			_, failed = f.listenFor(1, 30, id).rest()
			return failed
		}
		f.arm(Fault{On: "stream", Do: "cut", Times: 2})
		f.arm(Fault{On: "stream", Do: "cut", User: "room1@contoso.test"}) // somebody else's
		if a, b, c := ends(), ends(), ends(); !a || !b || c {
			t.Errorf("twice: %v %v %v", a, b, c)
		}
		f.arm(Fault{On: "stream", Do: "cut", Times: -1, User: "me"})
		for range 5 {
			if !ends() {
				t.Error("until disarmed: a stream ended well")
			}
		}
		f.s.Disarm()
		if ends() {
			t.Error("after Disarm: a stream was cut")
		}
		f.arm(Fault{On: "stream", Do: "cut", After: 5})
		for range 2 {
			if ends() { // too few elements: it stays armed
				t.Error("a stream was cut too early")
			}
		}
		f.change(Change{Resource: "me/events", ChangeType: "Created", Count: 5})
		if !ends() || ends() {
			t.Error("a fault that could not strike was not kept for the next stream")
		}
	})
}

func TestDisarmTakesBackWhatAnotherStreamHasTakenOn(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		f.arm(Fault{On: "stream", Do: "lose", Times: 2})
		a, b := f.listen(f.subscribe("me/events")), f.listen(f.subscribe("me/tasks"))
		a.now()
		b.now()
		f.change(Change{Resource: "me/events", ChangeType: "Created"})
		if text := a.now(); text != "" {
			t.Errorf("the first stream has %q: nothing was lost", text)
		}
		f.s.Disarm()
		f.change(Change{Resource: "me/tasks", ChangeType: "Created"})
		if text := b.now(); text == "" {
			t.Error("after Disarm, the second stream lost a notification")
		}
	})
}

func TestAClientThatVanishedWhileItWasWrittenToDoesNotKeepTheSubscription(t *testing.T) {
	for _, protocol := range []string{"h1", "h2"} {
		inMemory(t, protocol, nil, func(t *testing.T, f *fixture) {
			id := f.subscribe("me/events")
			old := f.listen(id)
			old.now()
			f.arm(Fault{On: "stream", Do: "hugeElement", Bytes: 20 << 20}) // more than anything holds
			f.change(Change{Resource: "me/events", ChangeType: "Created", ID: "one"})
			f.change(Change{Resource: "me/events", ChangeType: "Created", ID: "two"})
			next := f.listen(id)
			next.now()
			<-time.After(sendPatience + time.Minute)
			if text := next.now(); !strings.Contains(text, `"Id":"one"`) || !strings.Contains(text, `"Id":"two"`) {
				t.Errorf("%s: the next client has %d bytes, want both notifications", protocol, len(text))
			}
		})
	}
}

func TestInjectRawReachesEveryStream(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		a, b := f.listen(f.subscribe("me/events")), f.listen(f.subscribe("me/tasks"))
		a.now()
		b.now()
		for _, want := range []string{`{"x":1}`, `,{"x":1}`} {
			if n := f.s.InjectRaw(`{"x":1}`); n != 2 {
				t.Errorf("injected into %d streams, want 2", n)
			}
			if x, y := a.now(), b.now(); x != want || y != want {
				t.Errorf("got %q and %q, want %q", x, y, want)
			}
		}
	})
}
