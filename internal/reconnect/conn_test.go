package reconnect

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// deaf returns a connection of a Pool whose peer reads nothing.
func deaf(t *testing.T) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	p := NewPool(&http.Client{Transport: &http.Transport{}})
	lease := p.Acquire()
	t.Cleanup(func() {
		lease.Release()
		_ = theirs.Close()
	})
	conn, err := lease.generation.track(func(context.Context, string, string) (net.Conn, error) { return ours, nil })(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestAPeerThatDoesNotReadIsGivenUpOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := deaf(t)
		for range 2 {
			time.Sleep(time.Hour) // synctest: virtual; no deadline runs while nothing is written
			start := time.Now()
			if _, err := conn.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != writeTimeout {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		}
	})
}

func TestADeadlineOfWhoeverUsesTheConnectionIsKept(t *testing.T) {
	for name, set := range map[string]func(net.Conn, time.Time) error{"of writing": net.Conn.SetWriteDeadline, "of both": net.Conn.SetDeadline} {
		synctest.Test(t, func(t *testing.T) {
			conn := deaf(t)
			for _, want := range []time.Duration{time.Second, time.Hour, 0} {
				deadline := time.Now().Add(want)
				if want == 0 {
					deadline, want = time.Time{}, writeTimeout // taken back
				}
				if err := set(conn, deadline); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				if _, err := conn.Write([]byte("x")); err == nil || time.Since(start) != want {
					t.Errorf("%s: %v after %v, want %v", name, err, time.Since(start), want)
				}
			}
		})
	}
}
