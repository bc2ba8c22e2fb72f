package ews

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

func TestSilenceOfTwiceTheFrequencyIsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := 3 * time.Hour
		h, p := subscribePush(t, func(context.Context, *Push) error { time.Sleep(slow); return nil })
		start := time.Now()
		ended := make(chan error)
		go func() { ended <- p.Wait(t.Context()) }()
		time.Sleep(2*time.Hour - time.Second)
		push(h, statusOf("sub")) // for three hours: no silence either
		slow = 0
		time.Sleep(2*time.Hour - time.Second)
		push(h, statusOf("sub"))
		err := <-ended
		if want := 9*time.Hour - 2*time.Second; !errors.Is(err, outlookstream.ErrIdle) || time.Since(start) != want {
			t.Errorf("%v after %v, not %v", err, time.Since(start), want)
		}
		// It may be a mistake: what still comes is of a subscription that there is another for.
		if _, said := push(h, statusOf("sub")); said != "Unsubscribe" {
			t.Error(said)
		}
		if again := p.Wait(t.Context()); again != err {
			t.Error(again)
		}
	})
}

func TestWhoWaitsLearnsOfTheEndAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := subscribePush(t, nil)
		start := time.Now()
		ended := make(chan error)
		go func() { ended <- p.Wait(t.Context()) }()
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("enough")
		go func() { ended <- p.Wait(ctx) }()
		synctest.Wait()
		cancel(reason)
		if err := <-ended; err != reason {
			t.Errorf("cancelled: %v", err)
		}
		p.End()
		if err := <-ended; !errors.Is(err, outlookstream.ErrSubscriptionGone) || time.Since(start) != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// A service that gives the same id twice means one subscription.
func TestTheLaterOfTwoSubscriptionsWithOneIDIsAnsweredFor(t *testing.T) {
	handed := 0
	h, first := subscribePush(t, func(context.Context, *Push) error { handed++; return nil })
	s, _ := script(t, Options{}, answering("Subscribe", `<m:SubscriptionId>
	sub </m:SubscriptionId>`))
	if _, err := h.Subscribe(t.Context(), s, Mailbox{}, &PushOptions{URL: pushURL}); err != nil {
		t.Fatal(err)
	}
	first.End()
	if _, said := push(h, statusOf("sub")); said != "OK" || handed != 1 {
		t.Errorf("%s, handed on %d times", said, handed)
	}
}

func TestASubscribeThatPanicsIsOver(t *testing.T) {
	h, _ := subscribePush(t, nil)
	s, _ := script(t, Options{Trace: &Trace{Answered: func(TraceAnswered) { panic("a bug") }}}, answering("Subscribe", subscribed))
	func() {
		defer func() { _ = recover() }()
		_, _ = h.Subscribe(t.Context(), s, Mailbox{}, &PushOptions{URL: pushURL})
	}()
	if _, said := push(h, statusOf("stranger")); said != "Unsubscribe" {
		t.Error(said)
	}
}
