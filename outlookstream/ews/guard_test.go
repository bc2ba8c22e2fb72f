package ews_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

// falls says how a loop over events ended: what it panicked with, and whether
// it returned.
func (w *world) falls(rooms int) (thrown any, returned bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { thrown = recover() }()
		for range w.client().Watch(w.t.Context(), calendars(rooms)...) {
		}
		returned = true
	}()
	<-done
	return thrown, returned
}

// A panic on a goroutine of the watch's own would end the whole program.
func TestAPanicOfAFunctionOfTheCallersIsTheLoops(t *testing.T) {
	boom := func() { panic("boom") }
	for name, prepare := range map[string]func(w *world){
		"provider": func(w *world) {
			w.provider = auth.Func(func(context.Context, auth.Request) (auth.Token, error) { boom(); return auth.Token{}, nil })
		},
		"answered":     func(w *world) { w.opts.Trace = &ews.Trace{Answered: func(ews.TraceAnswered) { boom() }} },
		"connected":    func(w *world) { w.opts.Trace = &ews.Trace{Connected: func(ews.TraceConnected) { boom() }} },
		"live":         func(w *world) { w.opts.Trace = &ews.Trace{Live: func(ews.TraceLive) { boom() }} },
		"heartbeat":    func(w *world) { w.opts.Trace = &ews.Trace{Heartbeat: func(ews.TraceHeartbeat) { boom() }} },
		"disconnected": func(w *world) { w.opts.Trace = &ews.Trace{Disconnected: func(ews.TraceDisconnected) { boom() }} },
		"discovering": func(w *world) {
			w.opts.Discover = true
			w.opts.Autodiscover.Servers = []string{w.endpoint.URL}
			w.opts.Trace = &ews.Trace{Answered: func(ews.TraceAnswered) { boom() }}
		},
		"a mailbox that is tried later": func(w *world) {
			w.server.Exchange().SetMailboxFailure(room(2), "ErrorMailboxStoreUnavailable")
			var tries atomic.Int64
			w.opts.Trace = &ews.Trace{Answered: func(a ews.TraceAnswered) {
				if a.Err != nil && tries.Add(1) == 3 {
					boom()
				}
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 3, site, func(t *testing.T, w *world) {
				prepare(w)
				if thrown, _ := w.falls(3); thrown != "boom" {
					t.Errorf("the loop ended with %v", thrown)
				}
				<-time.After(2 * time.Minute)
				if n := w.endpoint.Conns(); n != 0 {
					t.Errorf("%d connections are left", n)
				}
			})
		})
	}
}

// As a test does that fails within a provider.
func TestAGoroutineThatAProviderEndsIsTheLoops(t *testing.T) {
	inWorld(t, 9, site, func(t *testing.T, w *world) {
		var asked atomic.Int64
		good := w.provider
		w.provider = auth.Func(func(ctx context.Context, r auth.Request) (auth.Token, error) {
			if asked.Add(1) == 4 {
				runtime.Goexit()
			}
			return good.Token(ctx, r)
		})
		if thrown, returned := w.falls(9); thrown != nil || returned {
			t.Errorf("the loop went on: %v, %v", thrown, returned)
		}
	})
}

func TestAPanicOfTheBodyIsTheLoops(t *testing.T) {
	inWorld(t, 9, site, func(t *testing.T, w *world) {
		func() {
			defer func() {
				if thrown := recover(); thrown != "body" {
					t.Errorf("%v", thrown)
				}
			}()
			for range w.client().Watch(t.Context(), calendars(9)...) {
				panic("body")
			}
		}()
		if n := len(w.server.Exchange().Subscriptions()); n != 0 {
			t.Errorf("%d subscriptions count on", n)
		}
	})
}

// Who gives up because of an event may well say so with that event's Reason.
func TestAContextMayEndWithAReasonOfAnEvent(t *testing.T) {
	skipped := &outlookstream.SkippedError{Err: outlookstream.ErrMissed}
	for _, cause := range []error{outlookstream.ErrMissed, skipped, &ews.Error{Code: "ErrorMissedNotificationEvents"}, &ews.Error{Code: "ErrorInvalidLicense"}} {
		inWorld(t, 2, site, func(t *testing.T, w *world) {
			watcher := w.watchRooms(2)
			watcher.after(time.Minute)
			watcher.cancel(cause)
			if err := watcher.end(); err != cause {
				t.Errorf("%v instead of %v", err, cause)
			}
			if events := watcher.take(); len(events) != 0 {
				t.Errorf("%v", events)
			}
		})
	}
}
