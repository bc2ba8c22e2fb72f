package ews_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	fake "github.com/calwatch/calwatch/internal/fakeserver/exchange"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A lateNetwork keeps the answers to Subscribe for a while, and some for good.
type lateNetwork struct {
	http.RoundTripper
	mu    sync.Mutex
	delay time.Duration
	lose  func(body string) bool // which answers get lost; nil: none; one call at a time
}

var errLost = errors.New("the connection broke")

func (n *lateNetwork) set(delay time.Duration, lose func(body string) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay, n.lose = delay, lose
}

func (n *lateNetwork) RoundTrip(r *http.Request) (*http.Response, error) {
	reader, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(reader)
	if err != nil {
		return nil, err
	}
	resp, err := n.RoundTripper.RoundTrip(r)
	if err != nil || !strings.Contains(string(body), ":Subscribe>") {
		return resp, err
	}
	n.mu.Lock()
	delay, lost := n.delay, n.lose != nil && n.lose(string(body))
	n.mu.Unlock()
	if lost {
		_ = resp.Body.Close()
		return nil, errLost
	}
	select {
	case <-time.After(delay):
		return resp, nil
	case <-r.Context().Done():
		_ = resp.Body.Close()
		return nil, r.Context().Err()
	}
}

// lateAnswers puts a lateNetwork between the world's client and its server.
func (w *world) lateAnswers(delay time.Duration, lose func(body string) bool) *lateNetwork {
	n := &lateNetwork{RoundTripper: w.opts.HTTPClient.Transport, delay: delay, lose: lose}
	w.opts.HTTPClient = &http.Client{Transport: n}
	return n
}

// wantNothingLeft fails the test if a subscription is alive.
func (w *world) wantNothingLeft() {
	w.t.Helper()
	if alive := w.perMailbox(); len(alive) > 0 {
		w.t.Errorf("subscriptions are left: %v", alive)
	}
}

func TestWhoLeavesWhileSubscribingGivesBackWhatIsStillAnswered(t *testing.T) {
	for _, after := range []time.Duration{500 * time.Millisecond, 1700 * time.Millisecond, 3100 * time.Millisecond} {
		inWorld(t, 20, site, func(t *testing.T, w *world) {
			w.lateAnswers(time.Second, nil)
			watcher := w.watchRooms(20)
			watcher.after(after)
			asked := len(w.requests("Subscribe"))
			start := time.Now()
			watcher.cancel(errEnough)
			_ = watcher.end()
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if more := len(w.requests("Subscribe")) - asked; more != 0 {
				t.Errorf("%d were asked for after the end", more)
			}
			w.wantNothingLeft()
		})
	}
}

// Nothing has gone out, so nothing can have been made.
func TestWhoLeavesDoesNotWaitForCredentials(t *testing.T) {
	inWorld(t, 5, site, func(t *testing.T, w *world) {
		w.provider = auth.Func(func(ctx context.Context, _ auth.Request) (auth.Token, error) {
			<-ctx.Done()
			return auth.Token{}, ctx.Err()
		})
		watcher := w.watchRooms(5)
		watcher.after(10 * time.Second)
		start := time.Now()
		watcher.cancel(errEnough)
		_ = watcher.end()
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// What is not answered at all is not waited for.
func TestWhoLeavesDoesNotWaitForAServerThatIsSilent(t *testing.T) {
	inWorld(t, 5, site, func(t *testing.T, w *world) {
		w.armForGood(fakeserver.Fault{On: fake.OnSubscribe, Do: "stall"})
		watcher := w.watchRooms(5)
		watcher.after(10 * time.Second)
		start := time.Now()
		watcher.cancel(errEnough)
		_ = watcher.end()
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestWhatWasMadeBesideAStreamIsGivenBack(t *testing.T) {
	for _, after := range []time.Duration{1500 * time.Millisecond, 2500 * time.Millisecond, 3500 * time.Millisecond} {
		inWorld(t, 12, site, func(t *testing.T, w *world) {
			network := w.lateAnswers(0, nil)
			set, watcher := w.watchSet(2)
			network.set(time.Second, nil)
			w.addRooms(set, 2, 12)
			watcher.after(after)
			watcher.cancel(errEnough)
			_ = watcher.end()
			w.wantNothingLeft()
		})
	}
}

func TestWhatWasMadeBeforeAnotherFailedIsKept(t *testing.T) {
	const n = 9
	inWorld(t, n, site, func(t *testing.T, w *world) {
		failed := false
		w.lateAnswers(time.Second, func(body string) bool {
			lost := strings.Contains(body, room(3)) && !failed
			failed = failed || lost
			return lost
		})
		watcher := w.watchRooms(n)
		if events := watcher.after(time.Minute); resyncs(events, outlookstream.ErrStarted) != n {
			t.Errorf("%v", events)
		}
		for mailbox, alive := range w.perMailbox() {
			if alive != 1 && mailbox != room(3) {
				t.Errorf("%s has %d subscriptions", mailbox, alive)
			}
		}
		if asked := len(w.requests("Subscribe")); asked != n+1 {
			t.Errorf("%d were asked for", asked)
		}
	})
}

func TestAMailboxThatIsReplacedWhileAnotherIsSubscribedToIsWatchedOnce(t *testing.T) {
	inWorld(t, 3, site, func(t *testing.T, w *world) {
		network := w.lateAnswers(0, nil)
		set, watcher := w.watchSet(2)
		network.set(1500*time.Millisecond, nil)
		w.addRooms(set, 2, 3)
		watcher.after(500 * time.Millisecond)
		for range 5 {
			watcher.after(1700 * time.Millisecond)
			set.Remove(room(1), room(2))
			w.addRooms(set, 1, 3)
		}
		watcher.after(time.Minute)
		for i := range 3 {
			if alive := w.perMailbox()[room(i)]; alive != 1 {
				t.Errorf("%s has %d subscriptions", room(i), alive)
			}
			id := w.change(i, "Created")
			if len(about(watcher.take(), id)) == 0 {
				t.Errorf("nothing of %s", room(i))
			}
		}
		watcher.cancel(errEnough)
		_ = watcher.end()
		w.wantNothingLeft()
	})
}
