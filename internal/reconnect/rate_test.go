package reconnect

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// queue has n wait in a row, and returns when each got its turn, in the order of coming.
func queue(ctx context.Context, t *testing.T, r *Rate, n int) (wait func() []time.Duration) {
	start, turns := time.Now(), make([]time.Duration, n)
	var waiting sync.WaitGroup
	for i := range n {
		waiting.Go(func() {
			turns[i] = -1
			if err := r.Wait(ctx); err == nil {
				turns[i] = time.Since(start)
			} else if err != context.Cause(ctx) {
				t.Error(err)
			}
		})
		synctest.Wait()
	}
	return func() []time.Duration {
		waiting.Wait()
		return turns
	}
}

func TestARateSpreadsAStormAndStarvesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many, perSecond = 10_000, 100
		for i, at := range queue(t.Context(), t, NewRate(perSecond), many)() {
			want := time.Duration(max(0, i-perSecond+1)) * time.Second / perSecond
			if off := at - want; off < -time.Millisecond || off > time.Millisecond {
				t.Fatalf("the turn of no. %d came after %v, want %v", i+1, at, want)
			}
		}
	})
}

func TestARateLetsAFewGoAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRate(100)
		for range 10 {
			for i, at := range queue(t.Context(), t, r, 100)() {
				if at != 0 {
					t.Fatalf("no. %d of a hundred waited for %v", i+1, at)
				}
			}
			time.Sleep(time.Second) // synctest: virtual
		}
	})
}

// Who gives up does so at once, and leaves its turn to others.
func TestWhoGivesUpLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("the cause")
		r := NewRate(10)
		queue(t.Context(), t, r, 10)()
		ctx, cancel := context.WithCancelCause(t.Context())
		wait := queue(ctx, t, r, 1000)
		time.Sleep(50 * time.Millisecond) // synctest: virtual; half of the first one's wait
		start := time.Now()
		cancel(cause)
		for i, at := range wait() {
			if at != -1 {
				t.Errorf("no. %d got a turn", i+1)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("giving up took %v", took)
		}
		if at := queue(t.Context(), t, r, 1)()[0]; at > 51*time.Millisecond {
			t.Errorf("the next one waited for %v, behind those who had gone", at)
		}
		if err := r.Wait(ctx); err != cause {
			t.Errorf("a Wait whose context has ended: %v", err)
		}
	})
}
