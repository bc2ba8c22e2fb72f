package reconnect

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// longest draws many policies and returns the longest n-th wait.
func longest(n int, prepare func(*Policy)) time.Duration {
	var most time.Duration
	for range 2000 {
		p := NewPolicy(500*time.Millisecond, time.Minute)
		var wait time.Duration
		for range n {
			if prepare != nil {
				prepare(p)
			}
			wait = p.NextBackOff()
		}
		most = max(most, wait)
	}
	return most
}

func TestPolicyCeilingDoublesUpToTheMaximum(t *testing.T) {
	for i, ceiling := range []time.Duration{
		500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second,
		16 * time.Second, 32 * time.Second, time.Minute, time.Minute, time.Minute,
	} {
		got := longest(i+1, nil)
		if got > ceiling+time.Millisecond || got < ceiling*9/10 {
			t.Errorf("longest of 2000 waits no. %d: %v, want just under %v", i+1, got, ceiling)
		}
	}
}

func TestPolicyWaitsAreSpreadOverTheWholeRange(t *testing.T) {
	var low, high int
	for range 2000 {
		switch wait := NewPolicy(time.Second, time.Minute).NextBackOff(); {
		case wait < 100*time.Millisecond:
			t.Fatalf("a wait of %v is below the floor", wait)
		case wait < 500*time.Millisecond:
			low++
		default:
			high++
		}
	}
	if low < 800 || high < 800 {
		t.Errorf("%d waits in the lower half, %d in the upper: not full jitter", low, high)
	}
}

func TestPolicyResetStartsFromTheFirstCeiling(t *testing.T) {
	if got := longest(8, (*Policy).Reset); got > 501*time.Millisecond {
		t.Errorf("a wait after Reset: %v", got)
	}
}

func TestPolicyImmediateIsForOneWait(t *testing.T) {
	p := NewPolicy(time.Second, time.Minute)
	p.Immediate()
	if got := p.NextBackOff(); got != 0 {
		t.Errorf("first wait: %v, want 0", got)
	}
	if got := p.NextBackOff(); got == 0 {
		t.Error("second wait is 0, too")
	}
}

func TestPolicyAtLeastWinsOverImmediate(t *testing.T) {
	p := NewPolicy(time.Second, time.Minute)
	p.Immediate()
	p.AtLeast(time.Minute)
	if got := p.NextBackOff(); got < time.Minute {
		t.Errorf("a wait of %v", got)
	}
}

func TestPolicyAtLeastIsForOneWait(t *testing.T) {
	p := NewPolicy(time.Second, time.Minute)
	p.AtLeast(time.Hour)
	if got := p.NextBackOff(); got < time.Hour || got > time.Hour+time.Second {
		t.Errorf("first wait: %v, want an hour and a little", got)
	}
	if got := p.NextBackOff(); got > 2*time.Second {
		t.Errorf("second wait: %v", got)
	}
}

func TestRunWaitsBetweenAttemptsAndEndsAtAPermanentError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again, final := errors.New("again"), errors.New("final")
		start := time.Now()
		attempts, waited := 0, time.Duration(0)
		err := NewPolicy(time.Second, time.Minute).Run(t.Context(), func() error {
			if attempts++; attempts == 5 {
				return Permanent(final)
			}
			return again
		}, func(err error, delay time.Duration) {
			if err != again {
				t.Errorf("waiting after %v", err)
			}
			waited += delay
		})
		if err != final {
			t.Errorf("Run: %v, want the permanent error itself", err)
		}
		if elapsed := time.Since(start); elapsed != waited || waited == 0 {
			t.Errorf("%v passed, %v were announced", elapsed, waited)
		}
	})
}

func TestRunIsNotEndedBySomebodyElsesPermanentError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		foreign := backoff.Permanent(errors.New("of a provider that uses the same library"))
		attempts := 0
		err := NewPolicy(time.Second, time.Minute).Run(t.Context(), func() error {
			if attempts++; attempts == 3 {
				return nil
			}
			return foreign
		}, nil)
		if err != nil || attempts != 3 {
			t.Errorf("%v after %d attempts", err, attempts)
		}
	})
}

func TestRunEndsWithTheCauseOfTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("the cause")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { cancel(cause) })
		err := NewPolicy(time.Minute, time.Minute).Run(ctx, func() error { return errors.New("again") }, nil)
		if err != cause {
			t.Errorf("Run: %v, want %v", err, cause)
		}
	})
}
