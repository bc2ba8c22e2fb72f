package ews_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// What may become of a notification on its way, or of its answer.
var pushFates = []string{"arrives", "arrives", "arrives", "is lost", "its answer is lost", "arrives too late", "arrives twice", "arrives twice at once", "arrives once more, later"}

// A faultyWay is the service's way to a program that may be down.
type faultyWay struct {
	mu      sync.Mutex
	random  *rand.Rand
	handler http.Handler // nil: the program is down
	healed  bool
	fates   map[string]int
	running sync.WaitGroup
}

var errOnTheWay = errors.New("the connection broke")

// fate draws one, and how long something takes.
func (w *faultyWay) fate() (name string, delay time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.healed {
		return "arrives", 0
	}
	name = pushFates[w.random.IntN(len(pushFates))]
	w.fates[name]++
	return name, time.Second + time.Duration(w.random.Int64N(int64(10*time.Minute)))
}

func (w *faultyWay) set(h http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handler = h
}

// serve has the program that is there now answer.
func (w *faultyWay) serve(r *http.Request, body []byte) (*http.Response, error) {
	w.mu.Lock()
	h := w.handler
	w.mu.Unlock()
	if h == nil {
		return nil, errOnTheWay
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer.Result(), nil
}

// served is serve for a service that loses patience.
func (w *faultyWay) served(r *http.Request, body []byte, after time.Duration) (*http.Response, error) {
	type result struct {
		resp *http.Response
		err  error
	}
	answer := make(chan result, 1)
	w.running.Go(func() {
		time.Sleep(after)
		resp, err := w.serve(r, body)
		answer <- result{resp, err}
	})
	select {
	case a := <-answer:
		return a.resp, a.err
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
}

// RoundTrip implements http.RoundTripper.
func (w *faultyWay) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	switch fate, delay := w.fate(); fate {
	case "is lost":
		return nil, errOnTheWay
	case "its answer is lost":
		_, _ = w.served(r, body, 0)
		return nil, errOnTheWay
	case "arrives too late":
		return w.served(r, body, delay)
	case "arrives twice":
		_, _ = w.served(r, body, 0)
		return w.served(r, body, 0)
	case "arrives twice at once":
		w.running.Go(func() { _, _ = w.served(r, body, 0) })
		return w.served(r, body, 0)
	case "arrives once more, later":
		w.running.Go(func() { _, _ = w.served(r, body, delay) })
	}
	return w.served(r, body, 0)
}

// A pushedProgram watches by push. What it keeps outlives it: whatever it has
// seen, and, if it goes by that, the watermark.
type pushedProgram struct {
	server  *fakeserver.Server
	session *ews.Session
	way     *faultyWay
	resumes bool // goes on from the watermark, and does not read again

	mu        sync.Mutex
	run       int // which of its lives it is
	watermark string
	seen      []fakeserver.Seen
	resumed   int
}

const pushFrequency = 5 * time.Minute

// start begins a life, and returns how to end it: as a crash does.
func (p *pushedProgram) start(t *testing.T) (crash func()) {
	p.mu.Lock()
	p.run++
	run := p.run
	p.mu.Unlock()
	h := ews.NewPushHandler(func(_ context.Context, push *ews.Push) error { return p.take(run, push) })
	p.way.set(h)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			p.subscribe(ctx, h, t)
		}
	}()
	return func() {
		p.way.set(nil)
		p.mu.Lock()
		p.run++
		p.mu.Unlock()
		cancel()
		<-done
	}
}

// subscribe keeps one subscription for as long as there is one.
func (p *pushedProgram) subscribe(ctx context.Context, h *ews.PushHandler, t *testing.T) {
	o := ews.PushOptions{URL: "https://calendar.contoso.test/push", StatusFrequency: pushFrequency}
	p.mu.Lock()
	if p.resumes {
		o.Watermark = p.watermark
	}
	p.mu.Unlock()
	sub, err := h.Subscribe(ctx, p.session, ews.Mailbox{Folders: ews.Distinguished("inbox")}, &o)
	if err != nil {
		if ctx.Err() == nil {
			t.Error(err)
		}
		return
	}
	p.mu.Lock()
	switch {
	case o.Watermark != "":
		p.resumed++
	default:
		p.seen = append(p.seen, fakeserver.Seen{Resync: true, LedgerSeq: p.server.LedgerSeq()}) // it reads the folder
		p.watermark = sub.Watermark
	}
	p.mu.Unlock()
	if err := sub.Wait(ctx); ctx.Err() == nil && !errors.Is(err, outlookstream.ErrIdle) {
		t.Error(err)
	}
}

// take deals with a notification, sometimes slowly, and sometimes not.
func (p *pushedProgram) take(run int, push *ews.Push) error {
	p.way.mu.Lock()
	healed, mood := p.way.healed, p.way.random.IntN(10)
	p.way.mu.Unlock()
	if mood == 0 && !healed {
		return errors.New("not now")
	}
	if mood == 1 && !healed {
		time.Sleep(40 * time.Second) // longer than the service waits
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if run != p.run {
		return errors.New("it has crashed")
	}
	for _, e := range push.Events {
		p.seen = append(p.seen, seenOf(p.server, e))
	}
	p.watermark = push.Watermark
	return nil
}

// Notifications are lost, repeated and overtaken, answers are lost, come late or
// say no, the program crashes and stays away: what happened is told, or the
// program knows that it has to read again.
func TestPushesLoseNothingWhateverBecomesOfThem(t *testing.T) {
	fates, lives, resumed := map[string]int{}, 0, 0
	runs, often := uint64(12), 50
	if testing.Short() {
		runs, often = 2, 5
	}
	for _, resumes := range []bool{false, true} {
		for seed := range runs {
			t.Run(fmt.Sprintf("from the watermark: %v, seed %d", resumes, seed), func(t *testing.T) {
				way := &faultyWay{random: rand.New(rand.NewPCG(seed, 1)), fates: fates}
				onFake(t, way, func(t *testing.T, server *fakeserver.Server, s *ews.Session) {
					p := &pushedProgram{server: server, session: s, way: way, resumes: resumes}
					p.live(t, rand.New(rand.NewPCG(seed, 2)))
					lives += p.run
					resumed += p.resumed
				})
			})
		}
	}
	t.Logf("%v; %d lives and crashes, %d subscriptions went on from a watermark", fates, lives, resumed)
	for fate := range maps.Keys(fates) {
		if fates[fate] < often {
			t.Errorf("%s: %d times", fate, fates[fate])
		}
	}
	if resumed < often {
		t.Errorf("%d subscriptions went on from a watermark", resumed)
	}
}

// live plays six hours of changes and crashes, and judges it.
func (p *pushedProgram) live(t *testing.T, random *rand.Rand) {
	crash := p.start(t)
	inbox := fakeserver.Change{Resource: fakeInbox, ChangeType: "NewMail"}
	for begin := time.Now(); time.Since(begin) < 6*time.Hour; {
		time.Sleep(time.Duration(random.Int64N(int64(20 * time.Minute))))
		switch random.IntN(6) {
		case 0:
			crash()
			changeOnFake(t, p.server, inbox)
			time.Sleep(time.Duration(random.Int64N(int64(20 * time.Minute))))
			crash = p.start(t)
		case 1:
			inbox := inbox
			inbox.Count = 60 // more than one notification has
			changeOnFake(t, p.server, inbox)
		default:
			changeOnFake(t, p.server, inbox)
		}
	}
	p.way.mu.Lock()
	p.way.healed = true
	p.way.mu.Unlock()
	time.Sleep(3 * pushFrequency) // until a subscription that was given up is known to be
	last := changeOnFake(t, p.server, inbox)
	time.Sleep(pushFrequency) // it may be between two attempts
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if told := p.seen[len(p.seen)-1]; told.LedgerSeq < last.Seq {
		t.Errorf("nothing comes any more: the last was entry %d, of %d", told.LedgerSeq, last.Seq)
	}
	if lost := p.server.LostSilentlyExchange("me", []string{"inbox"}, p.seen); len(lost) > 0 {
		t.Errorf("%d changes are lost, from %+v", len(lost), lost[0])
	}
	p.mu.Unlock()
	crash()
	p.way.running.Wait()
	p.mu.Lock()
}
