package reconnect

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// A Rate bounds how often something is begun. Who waits gets its turn in the
// order of coming, and who gives up leaves nothing behind. It is safe for
// concurrent use.
type Rate struct {
	// Only the first in the row asks the limiter: what it has promised to many
	// and they give up, it does not offer to others.
	first   chan struct{}
	limiter *rate.Limiter
}

// NewRate allows as many beginnings at once, and as many more in each second.
// It must be one at least.
func NewRate(perSecond int) *Rate {
	return &Rate{first: make(chan struct{}, 1), limiter: rate.NewLimiter(rate.Limit(perSecond), perSecond)}
}

// Wait returns when it is the caller's turn, or with context.Cause(ctx) when
// ctx ends before.
func (r *Rate) Wait(ctx context.Context) error {
	select {
	case r.first <- struct{}{}: // waiters are let in as they came
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-r.first }()
	turn := r.limiter.Reserve()
	delay := turn.Delay()
	if delay == 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		turn.Cancel()
		return context.Cause(ctx)
	}
}
