package reconnect

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A Policy says how long to wait before the next attempt: a random time
// between (almost) zero and a ceiling that starts at Initial and doubles up
// to Max ("full jitter": clients that lost the same server do not come back
// in step).
//
// The ceiling goes back to Initial only when [Policy.Reset] is called. A
// source calls it after a connection that was good for a while, never merely
// because a connection was accepted: a server that accepts and hangs up would
// otherwise be called in a tight loop.
//
// A Policy belongs to one loop and is not safe for concurrent use.
type Policy struct {
	initial, maximum time.Duration
	exponential      *backoff.ExponentialBackOff // nil: the ceiling is initial

	// What the last attempt asked for; valid for one wait.
	immediate bool
	atLeast   time.Duration
}

// NewPolicy returns a Policy with the given first and last ceiling.
func NewPolicy(initial, maximum time.Duration) *Policy {
	return &Policy{initial: initial, maximum: maximum}
}

// Reset lets the ceiling start from Initial again.
func (p *Policy) Reset() { p.exponential = nil }

// Immediate makes the next wait zero, unless [Policy.AtLeast] was asked for, too.
// The caller must be sure that it cannot ask for this again and again.
func (p *Policy) Immediate() { p.immediate = true }

// AtLeast makes the next wait no shorter than d; it is what a server's
// Retry-After is for. The random part comes on top, since everybody whom the
// server sent away was told the same number.
func (p *Policy) AtLeast(d time.Duration) { p.atLeast = d }

// NextBackOff implements backoff.BackOff.
func (p *Policy) NextBackOff() time.Duration {
	immediate, atLeast := p.immediate, p.atLeast
	p.immediate, p.atLeast = false, 0
	if immediate && atLeast == 0 {
		return 0
	}
	if p.exponential == nil {
		// The library draws from interval*(1±factor); with a factor of 1 and half
		// the ceiling as interval that is the whole range from 0 to the ceiling.
		p.exponential = backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(p.initial/2),
			backoff.WithMaxInterval(p.maximum/2),
			backoff.WithMultiplier(2),
			backoff.WithRandomizationFactor(1),
			backoff.WithMaxElapsedTime(0), // never give up: that is the source's decision
		)
	}
	floor := p.initial / 10
	return atLeast + max(floor, p.exponential.NextBackOff())
}

// Run calls attempt again and again, waiting between two calls as the policy
// says, until attempt returns an error made by [Permanent] (Run returns what
// that wraps) or ctx ends (Run returns context.Cause). An attempt that returns
// nil ends it too. waiting, if not nil, hears of each wait before it begins.
func (p *Policy) Run(ctx context.Context, attempt func() error, waiting func(err error, delay time.Duration)) error {
	// The library has such a loop, too, but looks for its own permanent error
	// all along the chain, where somebody else's (a token provider's, say) would
	// end this one.
	for {
		err := attempt()
		if err == nil {
			return nil
		}
		if permanent, ok := err.(*permanentError); ok {
			return permanent.error
		}
		if err := p.wait(ctx, err, waiting); err != nil {
			return err
		}
	}
}

func (p *Policy) wait(ctx context.Context, after error, waiting func(err error, delay time.Duration)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	delay := p.NextBackOff()
	if waiting != nil {
		waiting(after, delay)
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Permanent marks an error that no further attempt can mend.
func Permanent(err error) error { return &permanentError{err} }

type permanentError struct{ error }
