package fakeserver

import (
	"strings"
	"testing"
	"time"
)

func (f *fixture) wantGone(id string) {
	f.t.Helper()
	f.wantError(f.call("POST", "/api/beta/me/GetNotifications", listenBody(1, 5, id)), 404, codeNoItem, "")
}

func TestASubscriptionNobodyListensToLivesHalfAnHour(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		alive, dead := f.subscribe("me/events"), f.subscribe("me/events")
		wait(30*time.Minute - time.Second)
		f.listen(alive).cancel()
		wait(time.Second)
		f.wantGone(dead)
		if e := f.change(Change{Resource: "me/events", ChangeType: "Created"})[0]; len(e.Subscriptions) != 1 || e.Subscriptions[0] != alive {
			t.Errorf("the change went to %v", e.Subscriptions)
		}
	})
}

func TestListeningRenewsAndAfterItThereIsHalfAnHour(t *testing.T) {
	overBoth(t, &Options{TokenLifetime: 24 * time.Hour}, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		r := f.listenFor(90, 60, id)
		if text, failed := r.rest(); failed || strings.Count(text, keepAlive) != 89 {
			t.Fatalf("failed %v, %d keep-alives, want 89", failed, strings.Count(text, keepAlive))
		}
		wait(29 * time.Minute)
		f.listenFor(1, 60, id).rest()
		wait(30 * time.Minute)
		f.wantGone(id)
	})
}

func TestOneDeadIDFailsTheWholeCall(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		mine := f.subscribe("me/events")
		other := *f
		other.token = f.s.Token("room1@contoso.test")
		foreign := other.subscribe("me/events")
		for _, bad := range []string{foreign, "unknown", newSubscriptionID()} {
			f.wantError(f.call("POST", "/api/beta/me/GetNotifications", listenBody(1, 5, mine, bad)), 404, codeNoItem, "")
		}
		if f.s.Subscriptions()[0].Listening {
			t.Error("the good id was taken by a call that failed")
		}
	})
}

func TestTheServerNoticesALostClientAtItsNextWriteOnly(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		r := f.listenFor(60, 30, id)
		r.now()
		r.cancel()
		wait(29 * time.Second)
		if n := f.s.Streams(); n != 1 || !f.s.Subscriptions()[0].Listening {
			t.Fatalf("before the next write there are %d streams, want still 1", n)
		}
		wait(2 * time.Second)
		if n := f.s.Streams(); n != 0 || f.s.Subscriptions()[0].Listening {
			t.Fatalf("after the next write there are %d streams", n)
		}
	})
}

func TestAChangeThatCouldNotBeWrittenIsSentToTheNextListener(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		r := f.listen(id)
		r.now()
		r.cancel()
		wait(time.Second)
		f.change(Change{Resource: "me/events", ChangeType: "Created", Count: 3})
		r2 := f.listen(id)
		r2.now()
		got := f.elements(r2.text)
		if len(got) != 3 || got[0].Sequence != 1 || got[2].Sequence != 3 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestTheNewestListenerTakesOver(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		a, b := f.subscribe("me/events"), f.subscribe("me/tasks")
		old := f.listen(a, b)
		old.now()
		half := f.listen(a)
		half.now()
		if !old.open() {
			t.Fatal("the older call ended though it has a subscription left")
		}
		f.change(Change{Resource: "me/events", ChangeType: "Created"})
		f.change(Change{Resource: "me/tasks", ChangeType: "Created"})
		if got := half.now(); !strings.Contains(got, a) {
			t.Errorf("the newer call got %q", got)
		}
		if got := old.now(); strings.Contains(got, a) || !strings.Contains(got, b) {
			t.Errorf("the older call got %q", got)
		}
		f.listen(b)
		if text, failed := old.rest(); text != "]}" || failed {
			t.Errorf("the older call ended with %q, failed %v", text, failed)
		}
	})
}

func TestExpireSubscriptionsEndsTheirStreams(t *testing.T) {
	inMemory(t, "h2", nil, func(t *testing.T, f *fixture) {
		a, b := f.subscribe("me/events"), f.subscribe("me/tasks")
		ra, rb := f.listen(a), f.listen(b)
		rb.now()
		if n := f.s.ExpireSubscriptions(a, "unknown"); n != 1 {
			t.Errorf("%d expired, want 1", n)
		}
		if text, failed := ra.rest(); failed || !strings.HasSuffix(text, "]}") {
			t.Errorf("the stream ended with %q, failed %v", text, failed)
		}
		f.wantGone(a)
		if !rb.open() {
			t.Error("the other stream has ended, too")
		}
		if n := f.s.ExpireSubscriptions(); n != 1 || len(f.s.Subscriptions()) != 0 {
			t.Errorf("%d expired, %d left", n, len(f.s.Subscriptions()))
		}
	})
}

func TestMaxConnectionCapsWhatWasAskedFor(t *testing.T) {
	inMemory(t, "h1", &Options{MaxConnection: 30 * time.Minute}, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		for asked, want := range map[int]time.Duration{120: 30 * time.Minute, 10: 10 * time.Minute} {
			start := time.Now()
			if text, failed := f.listenFor(asked, 60, id).rest(); failed || !strings.HasSuffix(text, "]}") {
				t.Errorf("asked for %d min: it failed", asked)
			}
			if got := time.Since(start); got != want {
				t.Errorf("asked for %d min, it lasted %v, want %v", asked, got, want)
			}
		}
	})
}

func TestStatusOKOption(t *testing.T) {
	inMemory(t, "h1", &Options{StatusOK: "OK"}, func(t *testing.T, f *fixture) {
		r := f.listen(f.subscribe("me/events"))
		wait(10 * time.Second)
		if got := r.now(); !strings.HasSuffix(got, `"Status":"OK"}`) {
			t.Errorf("got %q", got)
		}
	})
}
