package fakeserver

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestEachSubscriptionExpiresAtItsOwnTimeWhateverWasSweptBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil)
		defer s.Close()
		subscribe := func() string {
			return s.store.subscribe("alex@contoso.test", target{collection: collection{"alex@contoso.test", "events"}}, "me/events", changeSet{}).id
		}
		subscribe()
		wait(10 * time.Minute)
		heard := subscribe()
		l, failure := s.store.listen("alex@contoso.test", []string{heard}, false, func(itemKind) bool { return true })
		if failure != nil {
			t.Fatal(failure)
		}
		wait(10 * time.Minute)
		subscribe() // at 20
		for _, step := range []struct {
			until time.Duration // since the step before
			alive int
		}{{10*time.Minute - time.Second, 3}, {time.Second, 2}, {20*time.Minute - time.Second, 2}, {time.Second, 1}, {24 * time.Hour, 1}} {
			wait(step.until)
			if got := len(s.Subscriptions()); got != step.alive {
				t.Errorf("after %v more, %d are alive, want %d", step.until, got, step.alive)
			}
		}
		s.store.leave(l)
		wait(30*time.Minute - time.Second)
		if got := len(s.Subscriptions()); got != 1 {
			t.Errorf("%d are alive, want the one that had a listener", got)
		}
		wait(time.Second)
		if got := len(s.Subscriptions()); got != 0 {
			t.Errorf("%d are alive, want none", got)
		}
	})
}
