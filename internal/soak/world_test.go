package soak

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// errOver is why the programs stop.
var errOver = errors.New("the run is over")

// A world is one run of a schedule.
type world struct {
	schedule
	server   *fakeserver.Server
	endpoint *fakeserver.Endpoint
	gate     *gate        // between the programs' computer and the network
	ahead    atomic.Int64 // the authority's clock
	silence  atomic.Int32 // of the provider: 0, 1 (an error) or 2 (no answer)
	healed   atomic.Bool  // listing takes no time any more: the probe has to be heard of promptly
	told     atomic.Int64 // ends of watches, by an error
	programs []program
	journal  *journal
	result   result

	mu    sync.Mutex
	wrong []string
	over  chan struct{} // closed at the first thing that is wrong: what follows tells nothing new
}

// A program is one that watches.
type program interface {
	core() *player
	run(ctx context.Context)
	// target is the of-th place that it watches; false if there are not so many.
	target(of int) (user, resource string, watched bool)
	// judge holds what it was told against the ledger.
	judge(ledger []fakeserver.Entry)
}

// A result is what came of it.
type result struct {
	tally
	wrong   []string // what must not be
	journal string   // the last of what happened
}

// play runs a schedule.
func play(t *testing.T, s schedule) (r result) {
	defer func() { // synctest panics if a goroutine is left
		if p := recover(); p != nil {
			r.wrong = append(r.wrong, fmt.Sprintf("something is left running: %v", p))
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(s)
		w.live(t.Context())
		r = w.result
	})
	return r
}

func newWorld(s schedule) *world {
	w := &world{schedule: s, gate: newGate(), journal: newJournal(), over: make(chan struct{})}
	w.server, w.endpoint, w.programs = s.start(w)
	w.source.arm(w)
	return w
}

// listen makes the service listen.
func (w *world) listen(server *fakeserver.Server) *fakeserver.Endpoint {
	endpoint, err := server.ListenMemory()
	if err != nil {
		panic(err)
	}
	return endpoint
}

// signIn is the sign-in half with the authority's clock.
func (w *world) signIn() *signin.Options {
	return &signin.Options{Now: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }}
}

// transport is the programs' way to the service.
func (w *world) transport(endpoint *fakeserver.Endpoint, protocol string) *http.Transport {
	template := endpoint.Client(protocol).Transport.(*http.Transport)
	template.DialContext = w.gate.dialer(template.DialContext)
	// Thousands of handshakes are most of the work, and not what this is about.
	template.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	template.TLSClientConfig.CurvePreferences = []tls.CurveID{tls.X25519}
	return template
}

// provider issues tokens of an hour, as the authority's clock has it, which the
// programs' computer does not know. "" is an application.
func (w *world) provider(user string) auth.Provider {
	return auth.Cached(auth.Func(func(ctx context.Context, r auth.Request) (auth.Token, error) {
		if err := w.silenced(ctx); err != nil {
			return auth.Token{}, err
		}
		return auth.Token{Value: w.server.Token(user, r.Scopes...), ExpiresOn: time.Now().Add(time.Hour)}, nil
	}))
}

// silenced is what comes of asking for credentials now: nil if there are some.
func (w *world) silenced(ctx context.Context) error {
	switch w.silence.Load() {
	case 1:
		return errors.New("the sign-in service is down")
	case 2:
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return nil
}

// disarm takes the faults back, except for those that belong to the source.
func (w *world) disarm() {
	w.server.Disarm()
	w.source.arm(w)
}

// live plays the schedule from its first step to the judgement.
func (w *world) live(ctx context.Context) {
	begin := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	for _, p := range w.programs {
		p.run(ctx)
	}
	for _, x := range w.steps {
		w.wait(x.after)
		w.do(x)
	}
	w.heal()
	w.probe()
	select {
	case <-w.over: // and so the programs had no time to hear of everything
	default:
		synctest.Wait()
		ledger := w.server.Ledger()
		for _, p := range w.programs {
			p.judge(ledger)
		}
		w.source.judge(w)
	}
	cancel(errOver)
	for _, p := range w.programs {
		<-p.core().ended
	}
	w.cleanUp()
	w.result.played = time.Since(begin)
	w.result.watched = w.result.played * time.Duration(len(w.programs))
	w.judgeRequests()
	w.judgeSecrets()
	w.result.errors = int(w.told.Load())
	w.result.wrong, w.result.journal = w.wrong, w.journal.tail()
}

// wait lets time pass, unless nothing more is to be learned.
func (w *world) wait(d time.Duration) {
	select {
	case <-time.After(d): // a bubble's clock
	case <-w.over:
	}
}

// heal takes back whatever is in the way, lets the quiet hours pass, and then as
// much time as a program may need to notice that all is well.
func (w *world) heal() {
	w.journal.note("heal")
	w.healed.Store(true)
	for _, p := range w.programs {
		p.core().busy.Store(0) // or the next event, whenever it comes, keeps it past the probe
	}
	w.disarm()
	w.endpoint.Refuse(false)
	w.gate.open()
	w.gate.breakNext(0, 0)
	w.ahead.Store(0)
	w.source.heal(w)
	if slices.ContainsFunc(w.steps, func(x step) bool {
		return (x.fault.On == "stream" || x.fault.On == onStream) && (x.fault.Do == "slow" || x.fault.Do == "coalesce")
	}) {
		w.endpoint.Reset() // an open stream keeps the form that a fault gave it, and would be late with the probe
	}
	w.wait(w.quiet)
	w.wait(w.patience(w))
}

// delays is what the service and programs may take in addition, because of what
// has happened: how long programs are busy, and to wait the service asked.
func (w *world) delays() (longest time.Duration) {
	for _, x := range w.steps {
		switch {
		case x.do == slow:
			longest += x.span
		case x.fault.RetryAfter == "120" || x.fault.RetryAfter == "30":
			longest += 2 * time.Minute
		case strings.HasSuffix(x.fault.RetryAfter, "GMT"):
			longest += time.Hour
		}
	}
	return longest
}

// probe makes one more change of everything that is watched, of which everybody
// has to hear promptly now.
func (w *world) probe() {
	w.journal.note("probe")
	w.result.probed = w.server.LedgerSeq()
	users, resources := w.places()
	for _, user := range users {
		for _, resource := range resources {
			w.change(fakeserver.Change{User: user, Resource: resource, ChangeType: "Created"})
		}
	}
	w.wait(w.prompt())
}

func (w *world) change(c fakeserver.Change) {
	entries, err := w.server.Change(c)
	if err != nil {
		panic(err)
	}
	w.result.changes += len(entries)
}

// cleanUp expects that nothing is left of the programs.
func (w *world) cleanUp() {
	<-time.After(w.source.silence() + time.Second) // the service notices that a client has gone when it next writes
	synctest.Wait()
	if n := w.endpoint.Conns(); n > w.result.frozen {
		w.wrongf("%d connections are left (%d were frozen)", n, w.result.frozen)
	}
	if n := w.gate.count(); n > 0 { // a frozen one is one that the service does not see closed; the program has to
		w.wrongf("the programs left %d connections open", n)
	}
	if err := w.server.Close(); err != nil {
		w.wrongf("closing the service: %v", err)
	}
}

func (w *world) wrongf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.journal.note("WRONG: " + text)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, text)
	if len(w.wrong) == 1 {
		close(w.over)
	}
}
