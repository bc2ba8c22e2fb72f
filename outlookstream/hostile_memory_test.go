package outlookstream_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/calwatch/calwatch/outlookstream"
)

const (
	mib        = 1 << 20
	maxElement = 1 * mib // the default
	// perElement is what a stream may hold of elements: a buffer of twice
	// Options.MaxElement, the one before it while it grows, and a copy for the caller.
	perElement = 4 * maxElement
	// fixed is what a connection may hold besides: TLS, HTTP/2's window, headers; here
	// on both sides, as the server is of the same process.
	fixed = 1 * mib
)

// liveHeap is what the latest collection has left.
func liveHeap() int64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// A gauge measures the live heap at moments at which nobody is at work: garbage
// that is made during a collection would count.
type gauge struct {
	before int64
	peak   atomic.Int64 // above before
}

func newGauge() *gauge { return &gauge{before: liveHeap()} }

func (g *gauge) measure() {
	runtime.GC() // lets whoever is still at work come to a wait
	g.peak.Store(max(g.peak.Load(), liveHeap()-g.before))
}

// A gaugedConn measures at every so many bytes read.
type gaugedConn struct {
	net.Conn
	gaugedReader
}

func (c *gaugedConn) Read(p []byte) (int, error) { return c.gaugedReader.Read(p) }

const gaugedBytes = 2 * mib

// A gaugedReader is what measures.
type gaugedReader struct {
	io.Reader
	gauge *gauge
	read  int
}

func (r *gaugedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if r.read += n; r.read >= gaugedBytes {
		r.read = 0
		r.gauge.measure()
	}
	return n, err
}

// gauge lets the connections of a client be measured from now on.
func (h *hostile) gauge() *gauge {
	g := newGauge()
	transport := h.opts.HTTPClient.Transport.(*http.Transport)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &gaugedConn{conn, gaugedReader{conn, g, 0}}, nil
	}
	return g
}

// Whatever a server sends, a watch holds no more memory than is documented.
func TestMemoryStaysWithinItsBoundsWhateverIsSent(t *testing.T) {
	change := func(size int) string {
		const before, after = `{"SubscriptionId":"x","ChangeType":"Created","ResourceData":{"Id":"`, `"}}`
		return before + strings.Repeat("x", size-len(before)-len(after)) + after
	}
	stream := func(before, again string, total int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			streaming(w, before)
			block := strings.Repeat(again, max(1, (32<<10)/len(again)))
			for sent := 0; sent < total && r.Context().Err() == nil; sent += len(block) {
				if _, err := io.WriteString(w, block); err != nil {
					return
				}
			}
			if total < endlessSize {
				streaming(w, `"},`+keepAlive+`]}`)
			}
		}
	}
	status := func(status int, before, again string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, before)
			endlessly(w, again)
		}
	}
	atTheLimit := "," + change(maxElement)
	for _, tt := range []struct {
		name   string
		listen http.HandlerFunc
		bound  int64
		slow   bool // nobody reads for a while

		ends      bool
		delivered int
	}{
		{"an error body without an end", status(500, `{"error":{"code":"`, "x"), fixed, false, false, 0},
		{"an error body of nothing but [", status(500, `{"error":`, "["), fixed, false, false, 0},
		{"an element without an end", stream(preamble+`{"a":"`, "x", endlessSize), perElement + fixed, false, false, 0},
		{"an array without an end", stream(preamble+`[1`, ",1", endlessSize), perElement + fixed, false, false, 0},
		{"a number without an end", stream(preamble, "1", endlessSize), perElement + fixed, false, false, 0},
		{"nesting without an end", stream(preamble, "[", endlessSize), perElement + fixed, false, false, 0},
		{"white space without an end", stream(preamble, " ", endlessSize), fixed, false, false, 0},
		{"a name without an end", stream(`{"`, "x", endlessSize), fixed, false, false, 0},
		{"members without an end", stream(`{"a":0`, `,"`+strings.Repeat("b", 30)+`":"`+strings.Repeat("x", 1<<10)+`"`, endlessSize), fixed, false, false, 0},
		{"elements of 1 MiB", stream(preamble+change(maxElement), atTheLimit, 16*mib), perElement + fixed, false, true, 17},
		{"elements of 1 MiB and a byte", stream(preamble+change(maxElement+1), ","+change(maxElement+1), 16*mib), perElement + fixed, false, true, 0},
		{"an element of 50 MiB, skipped", stream(preamble+`{"a":"`, "x", 50*mib), perElement + fixed, false, true, 0},
		{"elements that nobody takes", stream(preamble+keepAlive, ","+keepAlive, endlessSize), fixed, true, false, 0},
	} {
		for _, protocol := range []string{"h1", "h2"} {
			t.Run(tt.name+" "+protocol, func(t *testing.T) {
				h := newHostile(t, protocol)
				h.serveHTTP(tt.listen)
				patience := endlessTime
				if tt.ends {
					patience = time.Minute
				}
				if delivered := h.measured(tt.name, tt.bound, patience, tt.slow); delivered != tt.delivered {
					t.Errorf("%d elements were delivered, want %d", delivered, tt.delivered)
				}
			})
		}
	}
	t.Run("headers h1", func(t *testing.T) {
		h := newHostile(t, "h1")
		h.serveBytes(func(w io.Writer) {
			_, _ = io.WriteString(w, okay)
			endlessly(w, "x: y\r\n")
		})
		h.measured("headers without an end", fixed, endlessTime, false)
	})
	t.Run("headers h2", func(t *testing.T) {
		h := newHostile(t, "h2")
		h.serveFrames(nil, func(c *h2conn, stream uint32) {
			block := headers(":status", "200", "x", strings.Repeat("y", 10_000))
			more := headers("x", strings.Repeat("y", 10_000))
			c.write(func(f *http2.Framer) error {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block})
			})
			for range 1000 {
				if !c.write(func(f *http2.Framer) error { return f.WriteContinuation(stream, false, more) }) {
					return
				}
			}
		})
		h.measured("headers without an end", fixed, endlessTime, false)
	})
}

// measured listens for a moment, and prints a line of the table of docs/testing.md.
func (h *hostile) measured(name string, bound int64, patience time.Duration, slow bool) (delivered int) {
	h.t.Helper()
	g := h.gauge()
	delivered = h.brieflyWatched(g, patience, slow)
	if peak := g.peak.Load(); peak > bound {
		h.t.Errorf("%.2f MiB, more than %.2f", float64(peak)/mib, float64(bound)/mib)
	} else {
		h.t.Logf("| %s | %s | %.2f MiB |", name, h.protocol, float64(peak)/mib)
	}
	return delivered
}

const (
	endlessSize = 1 << 40
	endlessTime = 40 * time.Millisecond // for one element that has no end
)

// brieflyWatched listens for a moment.
func (h *hostile) brieflyWatched(g *gauge, patience time.Duration, slow bool) (delivered int) {
	h.t.Helper()
	client := h.client()
	client.SetElementTime(patience)
	stream, err := client.Open(h.t.Context(), "x")
	g.measure()
	if err != nil {
		return 0
	}
	defer stream.Close()
	if slow {
		<-time.After(100 * time.Millisecond)
		g.measure()
		return 0
	}
	for elements := 0; ; elements++ {
		n, err := stream.Next()
		if elements < 4 {
			g.measure()
		}
		runtime.KeepAlive(n)
		if _, skipped := errors.AsType[*outlookstream.SkippedError](err); err != nil && !skipped {
			if !errors.Is(err, outlookstream.ErrIdle) && !errors.Is(err, outlookstream.ErrMalformed) && !errors.Is(err, io.EOF) {
				h.t.Error(err)
			}
			return delivered
		}
		if err == nil && !n.IsKeepAlive() {
			delivered++
		}
	}
}

// A caller's own RoundTripper may decode what we did not ask for. What comes out
// is under the same bounds.
func TestAGzipBombThatACallersTransportDecodesStaysWithinTheBounds(t *testing.T) {
	bomb := gzipped(t, preamble+`{"a":"`, 32*mib)
	for _, status := range []int{200, 500} {
		h := newHostile(t, "h1")
		h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write(bomb)
		})
		g := newGauge()
		h.opts.HTTPClient.Transport = decoding{h.opts.HTTPClient.Transport, g}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		client := h.client()
		client.SetElementTime(40 * time.Millisecond)
		for event, err := range client.Watch(ctx, events) {
			if err == nil && event.Kind != outlookstream.Resync {
				t.Errorf("%v did not happen", event)
			}
		}
		peak := g.peak.Load()
		if peak > perElement+fixed {
			t.Errorf("%.2f MiB", float64(peak)/mib)
		}
		t.Logf("| a gzip bomb of 32 MiB that a caller's transport decodes, with status %d | h1 | %.2f MiB |", status, float64(max(peak, 0))/mib)
		h.opts.HTTPClient.CloseIdleConnections()
	}
}

type decoding struct {
	http.RoundTripper
	gauge *gauge
}

func (d decoding) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := d.RoundTripper.RoundTrip(r)
	if err != nil || isSubscribe(r.URL.Path) {
		return resp, err
	}
	decoder, err := gzip.NewReader(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{&gaugedReader{decoder, d.gauge, 0}, resp.Body}
	return resp, nil
}
