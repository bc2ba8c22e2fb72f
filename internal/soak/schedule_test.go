package soak

import (
	"fmt"
	"strings"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// A schedule is all there is to a run: who watches what, and what happens.
type schedule struct {
	source
	steps []step
	quiet time.Duration // at the end: hours in which nothing goes wrong
}

// A source is what programs watch, and which: see rest and exchange.
type source interface {
	String() string
	// start makes the service and the programs.
	start(w *world) (*fakeserver.Server, *fakeserver.Endpoint, []program)
	// do does what a step says that only this source knows; false if it does not.
	do(w *world, x step) bool
	// arm arms the faults that are there all the time.
	arm(w *world)
	// heal takes back what do has done.
	heal(w *world)
	// places are the users and resources in which there are changes.
	places() (users, resources []string)
	// patience is the longest that a program may take to be live again.
	patience(w *world) time.Duration
	// prompt is how soon a program is told that is live.
	prompt() time.Duration
	// silence is how long the service may say nothing on a connection.
	silence() time.Duration
	// judge looks at what the service noticed.
	judge(w *world)
	// secrets are those that the service did not issue itself.
	secrets() []string
	// resent says whether a token that was refused must not be sent then any more.
	resent(w *world, refused fakeserver.Request, sent time.Time) bool
}

// A step is one thing that happens.
type step struct {
	after time.Duration // since the step before
	do    what
	n     int              // which program
	of    int              // which of its resources is changed; beyond them: any, watched or not
	count int              // of changes
	kind  string           // of a change
	code  string           // of an error
	mute  bool             // for silent: no answer at all; for rotate: the connections are reset
	span  time.Duration    // for how long
	fault fakeserver.Fault // for strike and spell
}

type what string

const (
	change  what = "change"  // of items, or Missed, or SubscriptionRemoved
	strike  what = "strike"  // a fault, once or a few times
	spell   what = "spell"   // a fault at every occasion, for a while
	expire  what = "expire"  // every subscription is forgotten
	revoke  what = "revoke"  // every token
	silent  what = "silent"  // the provider has no token to give, or does not answer
	restart what = "restart" // the service goes away, forgets its subscriptions, and comes back
	freeze  what = "freeze"  // the connections become black holes
	reset   what = "reset"   // the connections are reset
	refuse  what = "refuse"  // no new connections
	suspend what = "suspend" // the computer of the programs sleeps
	clock   what = "clock"   // the authority's clock is set
	slow    what = "slow"    // a program is busy with its next event
	leave   what = "leave"   // a program leaves its loop and starts another
)

func (s schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v  %v of quiet at the end\n", s.source, s.quiet)
	for _, x := range s.steps {
		fmt.Fprintf(&b, "  %v\n", x)
	}
	return b.String()
}

func (x step) String() string {
	text := fmt.Sprintf("after %-8v %s", x.after, x.do)
	switch x.do {
	case change:
		return text + fmt.Sprintf(" %s, %d times, of what program %d watches (%d)", x.kind, x.count, x.n, x.of)
	case strike, spell:
		text += fmt.Sprintf(" %s on %s, and %d changes of what program %d watches (%d)", x.fault.Do, x.fault.On, x.count, x.n, x.of)
		for name, value := range map[string]any{
			"times": x.fault.Times, "after": x.fault.After, "status": x.fault.Status, "retryAfter": x.fault.RetryAfter, "delay": x.fault.Delay, "bytes": x.fault.Bytes, "code": x.fault.Code,
		} {
			if v := fmt.Sprint(value); v != "0" && v != "" && v != "0s" {
				text += " " + name + ":" + v
			}
		}
	case silent:
		text += map[bool]string{false: " (an error)", true: " (no answer)"}[x.mute]
	case slow, leave:
		text += fmt.Sprintf(" program %d", x.n)
	default:
		text += x.exchangeDetails()
	}
	if x.span > 0 {
		text += fmt.Sprintf(" for %v", x.span)
	}
	return text
}
