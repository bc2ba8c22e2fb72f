package outlookstream_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
)

// The contract of Watch, continued.

// 6. No tight loop, whatever the server does.

func TestAttemptsAreSpacedWhateverTheServerDoes(t *testing.T) {
	for name, fault := range map[string]fakeserver.Fault{
		"it hangs up at once":                        {On: "stream", Do: "cut"},
		"it ends well at once":                       {On: "stream", Do: "earlyEnd"},
		"it ends well after an element":              {On: "stream", Do: "earlyEnd", After: 1},
		"it hangs up after an element":               {On: "stream", Do: "cut", After: 1},
		"it sends an error at once":                  {On: "stream", Do: "inStreamError", Code: "ErrorServerBusy"},
		"it says in the stream that all is gone":     {On: "stream", Do: "inStreamError", Code: "ErrorItemNotFound"},
		"it sends nonsense":                          {On: "stream", Do: "doubleBrace"},
		"it sends nothing":                           {On: "stream", Do: "missingValue"},
		"it resets":                                  {On: "listen", Do: "reset"},
		"it does not know its own subscriptions":     {On: "listen", Do: "status", Status: 404},
		"it throttles":                               {On: "listen", Do: "status", Status: 429},
		"it throttles subscribing":                   {On: "subscribe", Do: "status", Status: 429},
		"it is down":                                 {On: "listen", Do: "status", Status: 503},
		"it is down and says come back now":          {On: "listen", Do: "status", Status: 503, RetryAfter: "0"},
		"it is down and says come back in the past":  {On: "listen", Do: "status", Status: 503, RetryAfter: "Sat, 01 Jan 2000 00:00:00 GMT"},
		"something in between answers with its page": {On: "listen", Do: "html"},
	} {
		t.Run(name, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				fault.Times = -1
				w.arm(fault)
				watcher := w.watch()
				watcher.pause(30 * time.Minute)
				watcher.cancel()
				attempts := w.requests("/GetNotifications")
				if fault.On == "subscribe" {
					attempts = w.requests("/subscriptions")
				}
				// Waits of half a minute on average, once the ceiling is reached.
				// Each round may take two requests.
				if n := len(attempts); n < 30 || n > 120 {
					t.Errorf("%d attempts in half an hour, want about one every half minute", n)
				}
			})
		})
	}
}

func TestACleanEndAfterAGoodConnectionReopensAtOnceWithTheSameSubscriptions(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.opts.ConnectionTimeout = 10 * time.Minute
		watcher := w.watch(events, outlookstream.Resource{Path: "me/messages"})
		watcher.resync(outlookstream.ErrStarted)
		watcher.resync(outlookstream.ErrStarted)
		for range 5 {
			watcher.resync(outlookstream.ErrReconnected)
			watcher.resync(outlookstream.ErrReconnected)
		}
		listens := w.listens()
		for i, gap := range gaps(listens) {
			if gap != 10*time.Minute {
				t.Errorf("connection %d was opened %v after the one before it, want exactly its 10 min", i+1, gap)
			}
			if listens[i].Body != listens[i+1].Body {
				t.Errorf("asked for %s, then for %s", listens[i].Body, listens[i+1].Body)
			}
		}
		if n := len(w.requests("/subscriptions")); n != 2 {
			t.Errorf("%d subscriptions were made", n)
		}
	})
}

func TestTheBackOffStartsOverOnlyAfterAConnectionWasGoodForAMinute(t *testing.T) {
	// firstWait returns the longest wait that was seen after a connection that
	// came after a long outage and was good for some time.
	firstWait := func(t *testing.T, protocol string, good time.Duration) (longest time.Duration) {
		for range 8 {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, protocol, nil)
				var waits []time.Duration
				w.opts.Trace = &outlookstream.Trace{Waiting: func(x outlookstream.TraceWaiting) { waits = append(waits, x.Delay) }}
				w.arm(fakeserver.Fault{On: "listen", Do: "status", Status: 503, Times: 12})
				watcher := w.watch()
				watcher.resync(outlookstream.ErrStarted)
				outage := len(waits)
				watcher.quiet(good)
				w.arm(fakeserver.Fault{On: "stream", Do: "cut"})
				watcher.resync(outlookstream.ErrReconnected)
				longest = max(longest, waits[outage])
			})
		}
		return longest
	}
	for _, protocol := range []string{"h1", "h2"} {
		if wait := firstWait(t, protocol, 50*time.Second); wait < time.Second {
			t.Errorf("%s: after 50 good seconds no wait was longer than %v: it has started over", protocol, wait)
		}
		if wait := firstWait(t, protocol, 70*time.Second); wait > 501*time.Millisecond {
			t.Errorf("%s: after 70 good seconds a wait was %v: it has not started over", protocol, wait)
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for _, on := range []string{"subscribe", "listen"} {
		for _, status := range []int{429, 503, 401, 404} {
			if on == "subscribe" && status == 404 {
				continue // permanent
			}
			t.Run(fmt.Sprint(on, " ", status), func(t *testing.T) {
				inEachWorld(t, func(t *testing.T, w *world) {
					start := time.Now()
					w.arm(fakeserver.Fault{On: on, Do: "status", Status: status, RetryAfter: "90"})
					p := w.watch().next()
					if took := p.at.Sub(start); took < 90*time.Second || took > 91*time.Second || p.err != nil {
						t.Errorf("%v, %v after %v, want 90 s and a little", p.event, p.err, took)
					}
				})
			})
		}
	}
}

func TestSubscriptionsThatAreGoneAreMadeAgainAtOnceEachTimeAfterAGoodConnection(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		for range 5 {
			watcher.change(outlookstream.Created, w.change("Created"))
			watcher.change(outlookstream.Created, w.change("Created"))
			watcher.quiet(5 * time.Minute)
			start := time.Now()
			w.server.ExpireSubscriptions()
			watcher.resync(outlookstream.ErrResubscribed)
			if took := time.Since(start); took > 0 {
				t.Errorf("it took %v", took)
			}
		}
	})
}
