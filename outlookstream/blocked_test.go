package outlookstream_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A connection that has died takes what is sent only until its buffer is full.
// Over HTTP/2, a stream ends only when the other side has been told.
func TestAConnectionThatTakesNothingAnyMoreIsGivenUp(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		var full atomic.Bool
		transport := w.opts.HTTPClient.Transport.(*http.Transport)
		dial := transport.DialContext
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil || full.Load() {
				return conn, err // the later ones are well
			}
			return &fullConn{Conn: conn, full: &full, closed: make(chan struct{})}, nil
		}
		watcher := w.watch()
		watcher.resync(outlookstream.ErrStarted)
		watcher.quiet(time.Minute)
		full.Store(true)
		w.endpoint.Freeze()
		begin := time.Now()
		watcher.resync(outlookstream.ErrReconnected)
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("it took %v", took)
		}
		watcher.change(outlookstream.Created, w.change("Created"))
	})
}

// A fullConn takes no byte once full is set, as if nobody had read the ones
// before.
type fullConn struct {
	net.Conn
	full   *atomic.Bool
	until  atomic.Pointer[time.Time] // of writing
	once   atomic.Bool
	closed chan struct{}
}

func (c *fullConn) Write(p []byte) (int, error) {
	if !c.full.Load() {
		return c.Conn.Write(p)
	}
	var overdue <-chan time.Time
	if until := c.until.Load(); until != nil && !until.IsZero() {
		overdue = time.After(time.Until(*until))
	}
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	case <-overdue:
		return 0, os.ErrDeadlineExceeded
	}
}

func (c *fullConn) SetWriteDeadline(t time.Time) error {
	c.until.Store(&t)
	return c.Conn.SetWriteDeadline(t)
}

func (c *fullConn) Close() error {
	if c.once.CompareAndSwap(false, true) {
		close(c.closed)
	}
	return c.Conn.Close()
}
