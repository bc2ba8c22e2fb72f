package reconnect

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A played is a source whose attempts end as they are told, one after the other.
type played struct {
	ends    []end
	loop    *Loop
	start   time.Time
	at      []time.Duration // of each attempt
	waits   []time.Duration
	lost    int
	forgot  []error
	routine []bool // at each attempt
}

type end struct {
	goodFor time.Duration
	err     error
	verdict Verdict
	accept  bool // the service takes the token
}

var errOver = errors.New("over")

func (p *played) Attempt() (time.Duration, error) {
	p.at = append(p.at, time.Since(p.start))
	p.routine = append(p.routine, p.loop.Routine())
	if len(p.at) > len(p.ends) {
		return 0, Permanent(errOver)
	}
	e := p.ends[len(p.at)-1]
	if e.accept {
		p.loop.Accepted()
	}
	return e.goodFor, e.err
}

func (p *played) Classify(error) Verdict { return p.ends[len(p.at)-1].verdict }

func (p *played) Lost() { p.lost++ }

func (p *played) Forget(err error) { p.forgot = append(p.forgot, err) }

func (p *played) Waiting(_ error, delay time.Duration) { p.waits = append(p.waits, delay) }

// play runs the loop to its end and returns what it ended with.
func play(t *testing.T, ends ...end) (p *played, err error) {
	synctest.Test(t, func(t *testing.T) {
		p = &played{ends: ends, start: time.Now()}
		p.loop = NewLoop(p, NewPolicy(time.Second, time.Minute), time.Minute)
		err = p.loop.Run(t.Context())
	})
	return p, err
}

var errEnd = errors.New("an end")

func TestALoopGoesOnAtOnceOnlyWhereThatCannotBecomeATightLoop(t *testing.T) {
	good, bad := 2*time.Minute, 2*time.Second
	for name, tt := range map[string]struct {
		ends   []end
		atOnce []bool // the wait after each is none
	}{
		"a good connection that ended":   {[]end{{good, errEnd, Verdict{Action: Reopen}, true}}, []bool{true}},
		"a short one":                    {[]end{{bad, errEnd, Verdict{Action: Reopen}, true}}, []bool{false}},
		"one that broke":                 {[]end{{good, errEnd, Verdict{Action: BackOff}, true}}, []bool{false}},
		"one that its source ended":      {[]end{{0, errEnd, Verdict{Action: Renew}, true}, {0, errEnd, Verdict{Action: Renew}, true}}, []bool{true, true}},
		"subscriptions that are gone":    {[]end{{0, errEnd, Verdict{Action: Resubscribe}, true}, {0, errEnd, Verdict{Action: Resubscribe}, true}}, []bool{true, false}},
		"the same after a good one":      {[]end{{0, errEnd, Verdict{Action: Resubscribe}, true}, {good, errEnd, Verdict{Action: Resubscribe}, true}}, []bool{true, true}},
		"a refused token":                {[]end{{0, errEnd, Verdict{Action: Refresh, Answered: true}, false}}, []bool{true}},
		"an end with a time to wait":     {[]end{{good, errEnd, Verdict{Action: Reopen, RetryAfter: time.Hour}, true}}, []bool{false}},
		"a refusal with a time to wait":  {[]end{{0, errEnd, Verdict{Action: Refresh, Answered: true, RetryAfter: time.Hour}, false}}, []bool{false}},
		"refused, accepted, and refused": {[]end{{0, errEnd, Verdict{Action: Refresh}, false}, {0, errEnd, Verdict{Action: Refresh}, true}}, []bool{true, true}},
	} {
		p, err := play(t, tt.ends...)
		if err != errOver || p.lost != len(tt.ends) {
			t.Errorf("%s: %v, announced %d times", name, err, p.lost)
		}
		for i, wait := range p.waits {
			if (wait == 0) != tt.atOnce[i] {
				t.Errorf("%s: waits of %v", name, p.waits)
			}
			if after := tt.ends[i].verdict.RetryAfter; wait < after {
				t.Errorf("%s: a wait of %v, and the service asked for %v", name, wait, after)
			}
		}
	}
}

func TestALoopGivesUpWhatNobodyButAPersonCanMend(t *testing.T) {
	refused, challenged := errors.New("refused"), errors.New("challenged")
	again := Verdict{Action: Refresh, Answered: true}
	wants := Verdict{Action: Refresh, Answered: true, Challenge: true}
	for name, tt := range map[string]struct {
		ends []end
		is   []error
		not  error
	}{
		"an error that is for good":       {[]end{{0, errEnd, Verdict{Action: GiveUp}, false}}, []error{errEnd}, nil},
		"a token refused, and the next":   {[]end{{0, refused, again, false}, {0, errEnd, again, false}}, []error{errEnd}, nil},
		"claims, and no better token":     {[]end{{0, challenged, wants, false}, {0, errEnd, wants, false}}, []error{errEnd}, nil},
		"no token after a refusal":        {[]end{{0, refused, again, false}, {0, errEnd, Verdict{Action: GiveUp}, false}}, []error{errEnd, refused}, nil},
		"another answer after a refusal":  {[]end{{0, refused, again, false}, {0, errEnd, Verdict{Action: GiveUp, Answered: true}, false}}, []error{errEnd}, refused},
		"expired, then asked for claims":  {[]end{{0, refused, again, false}, {0, challenged, wants, false}}, []error{errOver}, nil},
		"a failure between two refusals":  {[]end{{0, refused, again, false}, {0, errEnd, Verdict{Action: BackOff, Answered: true}, false}, {0, refused, again, false}}, []error{errOver}, nil},
		"a broken line between the two":   {[]end{{0, refused, again, false}, {0, errEnd, Verdict{Action: BackOff}, false}, {0, refused, again, false}}, []error{refused}, nil},
		"resubscribed after it was taken": {[]end{{0, refused, again, false}, {0, errEnd, Verdict{Action: Resubscribe, Answered: true}, false}}, []error{errOver}, nil},
	} {
		_, err := play(t, tt.ends...)
		for _, is := range tt.is {
			if !errors.Is(err, is) {
				t.Errorf("%s: %v, want %v", name, err, is)
			}
		}
		if tt.not != nil && errors.Is(err, tt.not) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALoopForgetsWhatIsGoneAndKnowsWhatIsRoutine(t *testing.T) {
	gone := errors.New("gone")
	p, _ := play(t,
		end{2 * time.Minute, errEnd, Verdict{Action: Reopen}, true},
		end{0, errEnd, Verdict{Action: Refresh}, false},
		end{2 * time.Minute, errEnd, Verdict{Action: BackOff}, true},
		end{0, gone, Verdict{Action: Resubscribe}, true},
	)
	if !slices.Equal(p.forgot, []error{gone}) {
		t.Errorf("forgot %v", p.forgot)
	}
	if want := []bool{false, true, true, false, false}; !slices.Equal(p.routine, want) {
		t.Errorf("routine: %v, want %v", p.routine, want)
	}
}

func TestALoopEndsWithTheCauseOfItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("the cause")
		ctx, cancel := context.WithCancelCause(t.Context())
		p := &played{ends: []end{{0, errEnd, Verdict{Action: GiveUp}, false}}}
		p.loop = NewLoop(p, NewPolicy(time.Second, time.Minute), time.Minute)
		cancel(cause)
		if err := p.loop.Run(ctx); err != cause {
			t.Errorf("%v, want %v", err, cause)
		}
	})
}
