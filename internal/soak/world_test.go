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
	"github.com/calwatch/calwatch/outlookstream"
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
	programs []*program
	journal  *journal
	result   result

	mu    sync.Mutex
	wrong []string
	over  chan struct{} // closed at the first thing that is wrong: what follows tells nothing new
	spacing
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
	w.server = fakeserver.New(&fakeserver.Options{
		MaxConcurrent: -1, // throttling is a fault of its own here
		SignIn:        &signin.Options{Now: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }},
	})
	endpoint, err := w.server.ListenMemory()
	if err != nil {
		panic(err)
	}
	w.endpoint = endpoint
	shared := map[int]*outlookstream.Client{}
	for i, spec := range s.programs {
		p := &program{programSpec: spec, world: w, number: i}
		switch {
		case !s.shared:
			p.client = w.client(spec.user, p.trace())
		case shared[spec.user] == nil:
			shared[spec.user] = w.client(spec.user, w.trace())
			fallthrough
		default:
			p.client = shared[spec.user]
		}
		w.programs = append(w.programs, p)
	}
	return w
}

func (w *world) client(user int, trace *outlookstream.Trace) *outlookstream.Client {
	template := w.endpoint.Client(w.protocol).Transport.(*http.Transport)
	template.DialContext = w.gate.dialer(template.DialContext)
	// Thousands of handshakes are most of the work, and not what this is about.
	template.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	template.TLSClientConfig.CurvePreferences = []tls.CurveID{tls.X25519}
	c, err := outlookstream.New(w.provider(user), &outlookstream.Options{
		Endpoint:          w.endpoint.API(),
		HTTPClient:        &http.Client{Transport: template},
		KeepAlive:         w.keepAlive,
		ConnectionTimeout: w.connection,
		MaxElement:        64 << 10,
		Logger:            w.journal.logger(),
		Trace:             trace,
	})
	if err != nil {
		panic(err)
	}
	return c
}

// provider issues tokens of an hour, as the authority's clock has it, which the
// programs' computer does not know.
func (w *world) provider(user int) auth.Provider {
	return auth.Cached(auth.Func(func(ctx context.Context, r auth.Request) (auth.Token, error) {
		switch w.silence.Load() {
		case 1:
			return auth.Token{}, errors.New("the sign-in service is down")
		case 2:
			<-ctx.Done()
			return auth.Token{}, context.Cause(ctx)
		}
		return auth.Token{Value: w.server.Token(users[user], r.Scopes...), ExpiresOn: time.Now().Add(time.Hour)}, nil
	}))
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
		w.judge()
	}
	cancel(errOver)
	for _, p := range w.programs {
		<-p.ended
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
		p.busy.Store(0) // or the next event, whenever it comes, keeps it past the probe
	}
	w.server.Disarm()
	w.endpoint.Refuse(false)
	w.gate.open()
	w.ahead.Store(0)
	if slices.ContainsFunc(w.steps, func(x step) bool {
		return x.fault.On == "stream" && (x.fault.Do == "slow" || x.fault.Do == "coalesce")
	}) {
		w.endpoint.Reset() // an open stream keeps the form that a fault gave it, and would be late with the probe
	}
	w.wait(w.quiet)
	w.wait(w.patience())
}

// patience is the longest that a program may take to be live again, after the
// last that was in its way.
func (w *world) patience() time.Duration {
	const (
		answer  = 30 * time.Second // for a request
		ceiling = time.Minute      // of the back-off
	)
	longest := 2*w.keepAlive + 5*time.Second + // a silent connection is found out
		4*(answer+ceiling) + // requests under way are given up
		pauseOfSupervisor
	for _, p := range w.programs {
		longest += 3 * time.Duration(len(p.resources)) * p.listing
	}
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
	for _, user := range users {
		for _, resource := range resources {
			w.change(fakeserver.Change{User: user, Resource: resource, ChangeType: "Created"})
		}
	}
	w.wait(5 * time.Second)
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
	<-time.After(w.keepAlive + time.Second) // the service notices that a client has gone when it next writes
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
