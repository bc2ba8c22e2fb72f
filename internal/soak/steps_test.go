package soak

import (
	"fmt"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// do does what a step says.
func (w *world) do(x step) {
	w.journal.note(x.String())
	w.result.count(x)
	switch x.do {
	case change:
		w.doChange(x)
	case strike:
		w.arm(x.fault)
		x.kind = "Created"
		w.doChange(x) // to be struck
	case spell:
		w.arm(x.fault)
		w.meanwhile(x)
		w.disarm()
	case expire:
		w.expire()
	case revoke:
		w.server.SignIn().ExpireTokens()
	case silent:
		w.silence.Store(map[bool]int32{false: 1, true: 2}[x.mute])
		w.meanwhile(x)
		w.silence.Store(0)
	case restart:
		w.endpoint.Refuse(true)
		w.endpoint.Reset()
		w.expire()
		w.meanwhile(x)
		w.endpoint.Refuse(false)
	case freeze:
		w.result.frozen += w.endpoint.Conns()
		w.endpoint.Freeze()
	case reset:
		w.endpoint.Reset()
	case refuse:
		w.endpoint.Refuse(true)
		w.meanwhile(x)
		w.endpoint.Refuse(false)
	case suspend:
		w.gate.shut()
		w.meanwhile(x)
		w.gate.open()
	case clock:
		w.ahead.Store(int64(x.span))
	case slow:
		w.programs[x.n%len(w.programs)].core().busy.Store(int64(x.span))
	case leave:
		w.programs[x.n%len(w.programs)].core().leaving.Store(true)
	default:
		if !w.source.do(w, x) {
			panic(fmt.Sprintf("no step %q", x.do))
		}
	}
}

// expire makes the service forget every subscription.
func (w *world) expire() {
	w.server.ExpireSubscriptions()
	w.server.Exchange().ExpireSubscriptions()
}

func (w *world) doChange(x step) {
	if x.count == 0 {
		return
	}
	user, resource := w.target(x)
	c := fakeserver.Change{User: user, Resource: resource, ChangeType: x.kind, Count: x.count}
	if x.kind == "Moved" || x.kind == "Copied" {
		c.To = elsewhere(resource)
	}
	if x.do != change || x.span == 0 {
		w.change(c)
		return
	}
	c.Count = 1
	for range min(x.count, 20) { // one by one, while the programs are at work
		w.wait(x.span / 20)
		w.change(c)
	}
}

// target is what a step changes.
func (w *world) target(x step) (user, resource string) {
	if user, resource, watched := w.programs[x.n%len(w.programs)].target(x.of); watched {
		return user, resource
	}
	users, resources := w.places()
	return users[x.of%len(users)], resources[(x.n+x.of)%len(resources)]
}

// meanwhile lets a span pass in which things go on changing.
func (w *world) meanwhile(x step) {
	x.kind, x.count = "Created", max(x.count, 1)
	for range 4 {
		w.wait(x.span / 4)
		w.doChange(x)
		x.of++
	}
}

func (w *world) arm(f fakeserver.Fault) {
	if err := w.server.Arm(f); err != nil {
		panic(err)
	}
}

// A tally is what a run, or many, amounted to.
type tally struct {
	played     time.Duration
	watched    time.Duration // the same, times the programs
	runs       int
	changes    int
	faults     map[string]int // by name
	delivered  int            // sightings of changes, by all programs
	announced  int            // changes that a Resync stood for
	lost       int
	resyncs    map[string]int
	errors     int // ends of a watch that the program was told of
	attempts   int
	most       int // attempts of one program in one hour
	handshakes int // of NTLM
	frozen     int // connections
	probed     int64
}

func (t *tally) count(x step) {
	if t.faults == nil {
		t.faults = map[string]int{}
	}
	switch x.do {
	case change, slow, leave, come:
	case strike, spell:
		t.faults[x.fault.On+" "+x.fault.Do]++
	default:
		t.faults[string(x.do)]++
	}
}
