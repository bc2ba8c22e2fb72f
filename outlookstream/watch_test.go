package outlookstream_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// The contract of Watch, line by line.

// 1. Nothing happens until it is ranged over; each range is a new, independent
// watch; a Client is safe for concurrent use.

func TestWatchDoesNothingBeforeItIsRangedOver(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watch := w.client().Watch(t.Context(), events)
		synctest.Wait()
		if n := len(w.server.Requests()); n != 0 || w.endpoint.Conns() != 0 {
			t.Errorf("%d requests, %d connections", n, w.endpoint.Conns())
		}
		for event, err := range watch {
			if event.Kind != outlookstream.Resync || err != nil {
				t.Errorf("%v, %v", event, err)
			}
			break
		}
	})
}

func TestEachRangeIsAWatchOfItsOwn(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		watch := w.client().Watch(t.Context(), events)
		for range 3 {
			for event := range watch {
				if !errors.Is(event.Reason, outlookstream.ErrStarted) {
					t.Errorf("the first event is %v", event)
				}
				break
			}
		}
		if n := len(w.server.Subscriptions()); n != 3 {
			t.Errorf("%d subscriptions, want one for each range", n)
		}
	})
}

func TestAClientIsSafeForConcurrentUse(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w = newWorld(t, w.protocol, &fakeserver.Options{MaxConcurrent: -1})
		client := w.client()
		var watchers []*watcher
		for range 20 {
			watchers = append(watchers, w.watchWith(client, events))
		}
		for _, watcher := range watchers {
			watcher.resync(outlookstream.ErrStarted)
		}
		id := w.change("Created")
		for _, watcher := range watchers {
			watcher.change(outlookstream.Created, id)
		}
	})
}

// 2. It ends in three ways only. A non-nil error is always the last pair and
// never comes with an event: watcher.end checks both.

func TestWatchEndsWhenTheLoopIsLeft(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		for range w.client().Watch(t.Context(), events) {
			break // a second pair would panic
		}
		w.noConnections()
	})
}

func TestWatchEndsWithTheCauseOfItsContext(t *testing.T) {
	cause := errors.New("the display was switched off")
	for name, before := range map[string]func(*world){
		"while listening":                func(*world) {},
		"while subscribing":              func(w *world) { w.arm(fakeserver.Fault{On: "subscribe", Do: "stall"}) },
		"while connecting":               func(w *world) { w.arm(fakeserver.Fault{On: "listen", Do: "stall"}) },
		"while waiting to connect again": func(w *world) { w.arm(fakeserver.Fault{On: "listen", Do: "status", Status: 503, RetryAfter: "600"}) },
		"while getting a token": func(w *world) {
			w.provider = auth.Func(func(ctx context.Context, _ auth.Request) (auth.Token, error) {
				<-ctx.Done()
				return auth.Token{}, ctx.Err()
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				before(w)
				ctx, cancel := context.WithCancelCause(t.Context())
				watcher := follow(t, func() { cancel(nil) }, w.client().Watch(ctx, events))
				if name == "while listening" {
					watcher.resync(outlookstream.ErrStarted)
				}
				watcher.quiet(10 * time.Second)
				start := time.Now()
				cancel(cause)
				if err := watcher.end(); err != cause {
					t.Errorf("ended with %v, want the cause itself", err)
				}
				if took := time.Since(start); took > time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestWatchEndsWithAPermanentFailure(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.arm(fakeserver.Fault{On: "subscribe", Do: "status", Status: 403})
		if err := w.watch().end(); !errors.Is(err, outlookstream.ErrForbidden) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestWatchRefusesWhatCannotBeWatchedAtOnce(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		for name, resources := range map[string][]outlookstream.Resource{
			"nothing": {}, "no path": {{}}, "no known permission": {{Path: "me/photos"}},
		} {
			pairs := 0
			for event, err := range w.client().Watch(t.Context(), resources...) {
				if pairs++; err == nil || event.Kind != 0 {
					t.Errorf("%s: %v, %v", name, event, err)
				}
			}
			if pairs != 1 || len(w.server.Requests()) != 0 {
				t.Errorf("%s: %d pairs, %d requests", name, pairs, len(w.server.Requests()))
			}
		}
	})
}

// 8. When it returns, no goroutine, timer or connection of it remains. The
// bubble sees to goroutines in every test here.

func TestNothingIsLeftOfAWatchThatReturned(t *testing.T) {
	for name, before := range map[string]func(*world){
		"a good connection":    func(*world) {},
		"a dead connection":    func(w *world) { w.endpoint.Freeze() },
		"a refused connection": func(w *world) { w.endpoint.Refuse(true); w.endpoint.Reset() },
		"a stalled stream":     func(w *world) { w.arm(fakeserver.Fault{On: "stream", Do: "stall"}) },
	} {
		t.Run(name, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				watcher := w.watch()
				watcher.resync(outlookstream.ErrStarted)
				before(w)
				watcher.quiet(7 * time.Second)
				watcher.cancel()
				if err := watcher.end(); !errors.Is(err, context.Canceled) {
					t.Errorf("ended with %v", err)
				}
				w.endpoint.Refuse(false)
				if name != "a dead connection" { // the server cannot see that it was closed
					w.noConnections()
				}
			})
		})
	}
}

func TestAPanicOfTheBodyLeavesNothingBehind(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			for range w.client().Watch(t.Context(), events) {
				panic("the body failed")
			}
		}()
		w.noConnections()
	})
}

func TestAGoexitOfTheBodyLeavesNothingBehind(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range w.client().Watch(t.Context(), events) {
				runtime.Goexit() // as t.FailNow does
			}
		}()
		<-done
		w.noConnections()
	})
}

func TestAPanicOfACallersFunctionLeavesNothingBehind(t *testing.T) {
	for name, arrange := range map[string]func(w *world){
		"provider": func(w *world) {
			asked := 0
			w.provider = auth.Func(func(_ context.Context, r auth.Request) (auth.Token, error) {
				if asked++; asked == 2 {
					panic("the provider failed")
				}
				return auth.Token{Value: w.server.Token(user, r.Scopes...)}, nil
			})
		},
		"Trace.Answered": func(w *world) {
			w.opts.Trace = &outlookstream.Trace{Answered: func(a outlookstream.TraceAnswered) {
				if a.Op == "listen" {
					panic("the trace failed")
				}
			}}
		},
		"Trace.Connected": func(w *world) {
			w.opts.Trace = &outlookstream.Trace{Connected: func(outlookstream.TraceConnected) { panic("the trace failed") }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inEachWorld(t, func(t *testing.T, w *world) {
				arrange(w)
				func() {
					defer func() {
						if thrown, ok := recover().(string); !ok || !strings.HasSuffix(thrown, " failed") {
							t.Errorf("the loop's goroutine panicked with %v, want the function's own value", thrown)
						}
					}()
					for range w.client().Watch(t.Context(), events) {
					}
				}()
				w.noConnections()
			})
		})
	}
}

func TestAGoexitOfTheProviderEndsTheLoopsGoroutine(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		w.provider = auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			runtime.Goexit() // as t.FailNow does in a test's provider
			return auth.Token{}, nil
		})
		done := make(chan struct{})
		survived := false
		go func() {
			defer close(done)
			for _, err := range w.client().Watch(t.Context(), events) {
				t.Errorf("the loop got %v", err)
			}
			survived = true
		}()
		<-done
		if survived {
			t.Error("the loop's goroutine went on")
		}
		w.noConnections()
	})
}
