package reconnect

import (
	"context"
	"fmt"
	"time"
)

// An Action is what a loop does about the end of an attempt.
type Action int

// The actions.
const (
	Reopen      Action = iota // the connection ended as it should: open the next, with the same subscriptions
	BackOff                   // wait, then try the same again
	Resubscribe               // subscriptions are gone: make new ones
	Refresh                   // the token was refused: get another one
	GiveUp                    // nothing that a program could do would help
	Renew                     // the source itself ended it, to change it: open the next at once
)

// String names the action.
func (a Action) String() string {
	switch a {
	case Reopen:
		return "reopen"
	case BackOff:
		return "back off"
	case Resubscribe:
		return "resubscribe"
	case Refresh:
		return "refresh"
	case GiveUp:
		return "give up"
	case Renew:
		return "renew"
	default:
		return fmt.Sprintf("Action(%d)", int(a))
	}
}

// A Verdict is what a source makes of the end of an attempt.
type Verdict struct {
	Action Action
	// RetryAfter is how long the service asked to wait; 0 if it did not.
	RetryAfter time.Duration
	// Answered: the service itself said what was wrong. If that was not the
	// token, the token was good enough for another answer.
	Answered bool
	// Challenge, with Refresh: the service said what it wants the next token
	// to have in it.
	Challenge bool
}

// A Source is what differs from one protocol to the other. Its methods are
// called on the goroutine of [Loop.Run].
type Source interface {
	// Attempt is one connection: from whatever must be done to get it to its
	// end, which err, never nil, says. goodFor is how long the connection had
	// been open then; 0 if it brought nothing. An error made by [Permanent] ends the loop.
	Attempt() (goodFor time.Duration, err error)
	// Classify decides what is done about the end of an attempt.
	Classify(err error) Verdict
	// Lost is called after each connection, and whenever none could be opened:
	// what happens until the next one may be missed.
	Lost()
	// Forget is called, after Lost, with the error that says that subscriptions are gone.
	Forget(err error)
	// Waiting hears of each wait between two attempts.
	Waiting(err error, delay time.Duration)
}

// A Loop connects again and again, and decides when. It belongs to one
// goroutine.
type Loop struct {
	source     Source
	policy     *Policy
	resetAfter time.Duration

	// What has been tried without waiting, and is not to be tried so again.
	refused      error // what the service said when it refused the token; nil: its last answer was another
	challenged   bool  // in a row with refused, it has asked for claims
	resubscribed bool  // since the last connection that was good

	routine bool      // the last connection was good and ended as it should
	away    time.Time // when the last connection that brought something ended; zero: not yet
}

// NewLoop returns a Loop that spaces attempts by policy, and takes a connection
// for good that lasted for resetAfter.
func NewLoop(source Source, policy *Policy, resetAfter time.Duration) *Loop {
	return &Loop{source: source, policy: policy, resetAfter: resetAfter}
}

// Run connects until ctx ends, and returns its cause, or until an attempt ends
// with what no other can mend, and returns that.
func (l *Loop) Run(ctx context.Context) error {
	return l.policy.Run(ctx, func() error { return l.attempt(ctx) }, l.source.Waiting)
}

// Routine reports whether the last connection ended as connections should.
func (l *Loop) Routine() bool { return l.routine }

// Away is when the last connection that brought something ended, or, if none
// has brought anything, the first attempt did; zero while that has not ended.
func (l *Loop) Away() time.Time { return l.away }

// Accepted notes that the service took the token. A source calls it as soon as
// it knows.
func (l *Loop) Accepted() { l.refused, l.challenged = nil, false }

// attempt is one attempt and what follows from its end.
func (l *Loop) attempt(ctx context.Context) error {
	goodFor, err := l.source.Attempt()
	if _, ok := err.(*permanentError); ok {
		return err
	}
	if ctx.Err() != nil {
		return Permanent(context.Cause(ctx))
	}

	if l.away.IsZero() || goodFor > 0 {
		l.away = time.Now()
	}
	good := goodFor >= l.resetAfter
	verdict := l.source.Classify(err)
	// That the token has expired meanwhile, too, is part of the routine.
	l.routine = good && verdict.Action == Reopen || verdict.Action == Renew || l.routine && verdict.Action == Refresh
	if good {
		l.policy.Reset()
		l.resubscribed = false
	}
	l.source.Lost()
	l.policy.AtLeast(verdict.RetryAfter)
	if verdict.Answered && verdict.Action != Refresh {
		l.Accepted()
	}
	switch verdict.Action {
	case Reopen:
		if good {
			l.policy.Immediate()
		}
	case Renew:
		l.policy.Immediate()
	case BackOff:
	case Resubscribe:
		l.source.Forget(err)
		if !l.resubscribed {
			l.resubscribed = true
			l.policy.Immediate()
		}
	case Refresh:
		// A new token was no better; unless the old one had expired before the
		// service came to ask for claims.
		challenge := verdict.Challenge && !l.challenged
		if l.refused != nil && !challenge {
			return Permanent(err)
		}
		l.refused, l.challenged = err, verdict.Challenge
		l.policy.Immediate()
	case GiveUp:
		if l.refused != nil && !verdict.Answered {
			err = fmt.Errorf("%w (the service had refused the credentials before: %w)", err, l.refused)
		}
		return Permanent(err)
	}
	return err
}
