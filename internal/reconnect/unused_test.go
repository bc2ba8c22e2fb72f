package reconnect

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
)

// closing dials a server that closes what it accepts.
func closing(dials *int) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		*dials++
		near, far := net.Pipe()
		_ = far.Close()
		return near, nil
	}
}

func TestAConnectionThatIsClosedBeforeItsFirstRequestIsATry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		lease := NewPool(&http.Client{Transport: &http.Transport{DialContext: closing(&dials)}}).Acquire()
		defer lease.Release()
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", nil)
		h, err := lease.generation.packer.host(r)
		if err != nil {
			t.Fatal(err)
		}
		cc, err := lease.generation.transport.NewClientConn(t.Context(), "http", h.route.address)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // and now it knows that it was closed
		if cc.Err() == nil {
			t.Fatal("the connection is well")
		}

		// It comes to two who wait for it, and one who does not.
		d := &dial{place: 2, cancel: func() {}}
		h.dials[d] = struct{}{}
		waiters := make([]*waiter, 3)
		for i := range waiters {
			waiters[i] = &waiter{ctx: t.Context(), lease: lease, done: make(chan struct{})}
			h.join(waiters[i])
		}
		c := newPackedConn(h, cc, d)
		if !h.made(d, c) {
			t.Fatal("nobody wants it")
		}
		h.room = 0 // it may take any number
		cc.SetStateHook(func(*http.ClientConn) { h.changed(c) })
		h.serve()
		synctest.Wait()
		for _, w := range waiters[:2] {
			if <-w.done; w.err != errUnused {
				t.Errorf("%v", w.err)
			}
		}
		// The third has a dial of its own, on which its request goes out, or does not.
		if w := waiters[2]; dials != 2 {
			t.Errorf("%d dials", dials)
		} else if <-w.done; w.conn == nil && w.err != errUnused {
			t.Errorf("%v", w.err)
		}
	})
}

func TestAServerThatClosesWhatItAcceptsIsDialledAFewTimes(t *testing.T) {
	for range 100 { // whether the close is seen before the request goes out is chance
		synctest.Test(t, func(t *testing.T) {
			dials := 0
			lease := NewPool(&http.Client{Transport: &http.Transport{DialContext: closing(&dials)}}).Acquire()
			defer lease.Release()
			tries := 0
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GetConn: func(string) { tries++ }})
			ctx, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			r, _ := http.NewRequestWithContext(LimitTries(ctx, cancel), http.MethodGet, "http://localhost/", nil)
			_, err := lease.Client().Do(r)
			if err == nil || dials > MaxTries || tries > MaxTries+1 {
				t.Errorf("%v after %d dials, %d tries", err, dials, tries)
			}
			if tries > MaxTries && !errors.Is(context.Cause(ctx), ErrTurnedAway) {
				t.Errorf("%v", err)
			}
		})
	}
}
