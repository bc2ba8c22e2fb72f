package reconnect

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A hanging server has streams that do not end, and counts its connections.
type hanging struct {
	*httptest.Server
	accepted, open atomic.Int64
}

func newHanging(t *testing.T, limit int, h2 bool) *hanging {
	t.Helper()
	s := new(hanging)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.RemoteAddr+"\n")
		if r.URL.Path == "/short" {
			return
		}
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	s.EnableHTTP2 = h2
	s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: limit}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.accepted.Add(1)
			s.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			s.open.Add(-1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// A hangingStream is one request whose answer does not end.
type hangingStream struct {
	lease  *Lease
	cancel context.CancelFunc
	body   io.ReadCloser
	from   string // the connection's address
}

func openHanging(ctx context.Context, p *Pool, url string) (*hangingStream, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &hangingStream{lease: p.Acquire(), cancel: cancel}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.lease.Client().Do(r)
	if err != nil {
		s.lease.Release()
		cancel()
		return nil, err
	}
	s.body = resp.Body
	for p := make([]byte, 1); ; s.from += string(p) {
		if _, err := io.ReadFull(s.body, p); err != nil {
			s.close()
			return nil, err
		}
		if p[0] == '\n' {
			return s, nil
		}
	}
}

func (s *hangingStream) close() {
	s.cancel()
	_ = s.body.Close()
	s.lease.Release()
}

// openMany opens n streams from 64 openers.
func openMany(t *testing.T, p *Pool, url string, n int) []*hangingStream {
	t.Helper()
	streams := make([]*hangingStream, n)
	var next atomic.Int64
	var openers sync.WaitGroup
	for range 64 {
		openers.Go(func() {
			for i := next.Add(1) - 1; int(i) < n; i = next.Add(1) - 1 {
				s, err := openHanging(t.Context(), p, url)
				if err != nil {
					t.Error(err)
					return
				}
				streams[i] = s
			}
		})
	}
	openers.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return streams
}

func TestStreamsArePacked(t *testing.T) {
	for _, tt := range []struct{ streams, limit int }{{1000, 100}, {1000, 250}, {200, 10}, {100, 1}} {
		s := newHanging(t, tt.limit, true)
		p := NewPool(s.Client())
		held := p.Acquire() // else the last stream's end is the end of all
		streams := openMany(t, p, s.URL, tt.streams)
		fewest := int64((tt.streams + tt.limit - 1) / tt.limit)
		if n := s.accepted.Load(); n > fewest+fewest/5 {
			t.Errorf("%d streams at a limit of %d: %d connections, want %d", tt.streams, tt.limit, n, fewest)
		}
		for _, stream := range streams {
			stream.close()
		}
		held.Release()
		eventually(t, func() bool { return s.open.Load() == 0 })
	}
}

// eventually waits for what the kernel has to bring.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("it does not come to be")
		}
	}
}

func TestEachHTTP1StreamHasItsConnectionAndShortOnesShare(t *testing.T) {
	s := newHanging(t, 0, false)
	p := NewPool(s.Client())
	held := p.Acquire()
	for range 10 {
		remote(t, held, s.URL+"/short")
	}
	if n := s.accepted.Load(); n != 1 {
		t.Errorf("%d connections for ten requests in turn", n)
	}
	streams := openMany(t, p, s.URL, 200)
	if n := s.accepted.Load(); n != 200 {
		t.Errorf("%d connections for 200 streams", n)
	}
	for _, stream := range streams {
		stream.close()
	}
	held.Release()
	eventually(t, func() bool { return s.open.Load() == 0 })
}

// One flaky stream costs one connection its new requests, and nobody his stream.
func TestAsManyIdleConnectionsAreKeptAsWasAskedFor(t *testing.T) {
	const n = 5
	s := newHanging(t, 0, false)
	p := NewPool(s.Client())
	p.KeepIdle(n)
	lease := p.Acquire()
	defer lease.Release()
	for range 2 {
		var atOnce []*http.Response
		for range n {
			resp, err := lease.Client().Get(s.URL + "/short")
			if err != nil {
				t.Fatal(err)
			}
			atOnce = append(atOnce, resp) // not read: its connection is not free yet
		}
		for _, resp := range atOnce {
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		}
	}
	if got := s.accepted.Load(); got != n {
		t.Errorf("%d connections for requests of which %d are made at once", got, n)
	}
}

func TestOneAbandonedConnectionLeavesTheOthersPacking(t *testing.T) {
	s := newHanging(t, 10, true)
	p := NewPool(s.Client())
	streams := openMany(t, p, s.URL, 30)
	before := s.accepted.Load()
	flaky := streams[0]
	flaky.lease.Abandon()
	flaky.close()
	for range 10 { // what was flaky has to be opened again, too
		stream, err := openHanging(t.Context(), p, s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer stream.close()
		if stream.from == flaky.from {
			t.Error("a new stream went out on the abandoned connection")
		}
	}
	if n := s.accepted.Load() - before; n != 1 {
		t.Errorf("%d new connections for ten streams, want one", n)
	}
	open := s.open.Load()
	for _, stream := range streams[1:] {
		select {
		case err := <-readEnd(stream):
			t.Errorf("a stream that was well has ended: %v", err)
		default:
		}
	}
	for _, stream := range streams[1:] {
		if stream.from == flaky.from {
			stream.close()
		}
	}
	eventually(t, func() bool { return s.open.Load() == open-1 }) // nobody is on it any more
	for _, stream := range streams[1:] {
		if stream.from != flaky.from {
			stream.close()
		}
	}
}

func readEnd(s *hangingStream) <-chan error {
	end := make(chan error, 1)
	go func() {
		_, err := s.body.Read(make([]byte, 1))
		end <- err
	}()
	return end
}

// A dial does not end with the request that began it, nor do those who wait
// for it with anything but their own contexts.
func TestADialThatHangsIsWaitedForAndLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials, ended atomic.Int64
		p := NewPool(&http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				dials.Add(1)
				<-ctx.Done()
				ended.Add(1)
				return nil, ctx.Err()
			},
		}})
		held := p.Acquire()
		leases := make([]*Lease, 100)
		var waiting sync.WaitGroup
		begin := time.Now()
		for i := range leases {
			leases[i] = p.Acquire()
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*time.Second)
			waiting.Go(func() {
				defer cancel()
				r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://server.example/", nil)
				if _, err := leases[i].Client().Do(r); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if got := time.Since(begin); got != time.Duration(i+1)*time.Second {
					t.Errorf("no. %d ended after %v", i+1, got)
				}
			})
			synctest.Wait()
		}
		time.Sleep(50*time.Second + time.Millisecond) // synctest: virtual
		if d, e := dials.Load(), ended.Load(); d != 1 || e != 0 {
			t.Errorf("%d dials, %d ended: the first one's end is not the others'", d, e)
		}
		leases[49].Abandon() // it waited all the time: the dial is as good as dead
		synctest.Wait()
		if d, e := dials.Load(), ended.Load(); d != 2 || e != 1 {
			t.Errorf("%d dials, %d ended, after one was abandoned", d, e)
		}
		leases[10].Abandon() // it waited for the old one
		waiting.Wait()
		synctest.Wait()
		if d, e := dials.Load(), ended.Load(); d != 2 || e != 2 {
			t.Errorf("%d dials, %d ended: nobody waits any more", d, e)
		}
		for _, l := range leases {
			l.Release()
		}
		held.Release()
	})
}

func TestAFailedDialIsToldToThoseWhoWaitedForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mine := errors.New("mine")
		p := NewPool(&http.Client{Transport: &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				time.Sleep(time.Second) // synctest: virtual
				return nil, mine
			},
		}})
		begin := time.Now()
		var waiting sync.WaitGroup
		for range 100 {
			waiting.Go(func() {
				lease := p.Acquire()
				defer lease.Release()
				if _, err := lease.Client().Get("http://server.example/"); !errors.Is(err, mine) {
					t.Error(err)
				}
			})
		}
		waiting.Wait()
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("it took %v: one dial for each", took)
		}
	})
}

// A connection that the server has closed, or wants to, gets no request.
func TestAServerThatLeavesIsNotAskedThere(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		s := newHanging(t, 100, h2)
		lease := NewPool(s.Client()).Acquire()
		defer lease.Release()
		addresses := make(map[string]bool)
		for range 5 {
			addresses[remote(t, lease, s.URL+"/short")] = true
			s.CloseClientConnections()
			eventually(t, func() bool { return known(lease) == 0 })
		}
		if len(addresses) != 5 {
			t.Errorf("HTTP/2 %v: %d connections, want one for each request", h2, len(addresses))
		}
	}
}

// known returns how many connections there are to the server, as far as is known.
func known(l *Lease) (n int) {
	p := l.generation.packer
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.hosts {
		h.mu.Lock()
		n += len(h.conns)
		h.mu.Unlock()
	}
	return n
}

func TestWhatOnlyATransportCanDoIsLeftToIt(t *testing.T) {
	for name, change := range map[string]func(*http.Transport){
		"a limit":       func(t *http.Transport) { t.MaxConnsPerHost = 1 },
		"no keep-alive": func(t *http.Transport) { t.DisableKeepAlives = true },
	} {
		s := echo(t)
		client := s.Client()
		change(client.Transport.(*http.Transport))
		p := NewPool(client)
		lease := p.Acquire()
		defer lease.Release()
		if _, ok := lease.Client().Transport.(*http.Transport); !ok {
			t.Errorf("%s: it is packed", name)
		}
		a := remote(t, lease, s.URL)
		lease.Abandon()
		other := p.Acquire()
		defer other.Release()
		if b := remote(t, other, s.URL); a == b {
			t.Errorf("%s: the abandoned connection is used", name)
		}
	}
}
