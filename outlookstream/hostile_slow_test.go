package outlookstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A server that sends a byte now and then keeps a connection busy and says
// nothing. A byte is no sign of life: an element is.

// slowly writes text over and over, so many bytes every so often, a number that
// its length can be divided by, until the client has gone.
func slowly(w http.ResponseWriter, r *http.Request, text string, bytes int, every time.Duration) {
	flusher := http.NewResponseController(w)
	for at := 0; ; {
		select {
		case <-time.After(every):
		case <-r.Context().Done():
			return
		}
		if _, err := io.WriteString(w, text[at:at+bytes]); err != nil {
			return
		}
		at = (at + bytes) % len(text)
		if flusher.Flush() != nil {
			return
		}
	}
}

// streaming begins a stream.
func streaming(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, text)
	_ = http.NewResponseController(w).Flush()
}

const (
	keepAlive = `{"@odata.type":"#Microsoft.OutlookServices.KeepAliveNotification","Status":"Ok"}`
	preamble  = `{"@odata.context":"https://hostile.test/","value":[`
)

func TestASlowLorisDoesNotHoldAWatch(t *testing.T) {
	for name, tt := range map[string]struct {
		before, text string
		bytes        int
		every        time.Duration
		keepAlive    time.Duration
		want         time.Duration // until the connection is given up
	}{
		"an element, a byte every 10 s":            {preamble + keepAlive + `,{"a":"`, "x", 1, 10 * time.Second, 0, 5 * time.Minute},
		"an element, a byte a minute":              {preamble + `{"a":"`, "x", 1, time.Minute, time.Minute, 5 * time.Minute},
		"the same, where silence may last an hour": {preamble + `{"a":"`, "x", 1, time.Minute, 30 * time.Minute, 2*time.Hour + 10*time.Second},
		"white space instead of an element":        {preamble, " ", 1, 10 * time.Second, 0, 5 * time.Minute},
		"white space instead of a document":        {"", "\n", 1, 10 * time.Second, 0, 5 * time.Minute},
		"members without an array":                 {`{"a":0`, `,"a":0`, 1, 10 * time.Second, 0, 5 * time.Minute},
		"members after the array":                  {`{"value":[]`, `,"a":0`, 1, 10 * time.Second, 0, 5 * time.Minute},
		"a number":                                 {preamble, "1", 1, 10 * time.Second, 0, 5 * time.Minute},
		"a large element at 16 kB/s":               {preamble + `{"a":"`, strings.Repeat("x", 16<<10), 16 << 10, time.Second, 0, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			inBothProtocols(t, func(t *testing.T, h *hostile) {
				h.opts.KeepAlive = tt.keepAlive
				h.opts.ConnectionTimeout = 10 * time.Hour
				h.opts.MaxElement = 64 << 10
				h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
					streaming(w, tt.before)
					slowly(w, r, tt.text, tt.bytes, tt.every)
				})
				ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
				defer cancel()
				resyncs := 0
				for event, err := range h.client().Watch(ctx, events) {
					switch {
					case err != nil:
						t.Fatal(err)
					case event.Kind != outlookstream.Resync:
						t.Fatalf("%v did not happen", event)
					case errors.Is(event.Reason, outlookstream.ErrReconnected):
						resyncs++
					}
					if resyncs == 3 {
						break
					}
				}
				_, ends, waits := h.count()
				for i, end := range ends[:3] {
					// What was too large is told of before, and skipping it has a time of its own.
					if over := end.Duration - tt.want; over < 0 || over > 10*time.Second || !errors.Is(end.Err, outlookstream.ErrIdle) {
						t.Errorf("given up after %v, want %v: %v", end.Duration, tt.want, end.Err)
					}
					if says := waits[i].Err.Error(); !strings.Contains(says, "no element was complete within "+max(tt.want, 5*time.Minute).String()) {
						t.Errorf("%s", says)
					}
				}
			})
		})
	}
}

func TestAWatchThatIsHeldUpAgainAndAgainIsSpaced(t *testing.T) {
	inBothProtocols(t, func(t *testing.T, h *hostile) {
		h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
			streaming(w, preamble+keepAlive+`,`)
			slowly(w, r, " ", 1, 10*time.Second)
		})
		if err := h.forAWhile(time.Hour); !errors.Is(err, errOver) {
			t.Error(err)
		}
		if n, _, _ := h.count(); n < 11 || n > 13 {
			t.Errorf("%d connections in an hour, want one every five minutes", n)
		}
	})
}

// What is slow, and honest.

func TestASlowButHonestElementIsNotTakenForDead(t *testing.T) {
	inBothProtocols(t, func(t *testing.T, h *hostile) {
		const elements = 20
		h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
			streaming(w, preamble)
			flusher := http.NewResponseController(w)
			for i := range elements {
				text := fmt.Sprintf(`{"SubscriptionId":"x","SequenceNumber":%d,"ChangeType":"Created","ResourceData":{"Id":"%d","a":"%s"}}`, i+1, i, strings.Repeat("x", 20))
				if i > 0 {
					text = "," + text
				}
				for i := range text { // about two minutes and a half, half a second of which goes to the element before
					<-time.After(time.Second)
					_, _ = io.WriteString(w, text[i:i+1])
					_ = flusher.Flush()
				}
			}
			<-r.Context().Done()
		})
		changes := 0
		for event, err := range h.client().Watch(t.Context(), events) {
			if err != nil || event.Kind == outlookstream.Resync && changes > 0 {
				t.Fatal(event, err)
			}
			if event.Kind == outlookstream.Created {
				changes++
			}
			if changes == elements {
				break
			}
		}
	})
}

func TestABodyThatTakesHoursInTheMiddleOfAnElementIsNotTheServersFault(t *testing.T) {
	inBothProtocols(t, func(t *testing.T, h *hostile) {
		h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
			streaming(w, preamble)
			for i := range 3 {
				text := fmt.Sprintf(`{"SubscriptionId":"x","SequenceNumber":%d,"ChangeType":"Created","ResourceData":{"Id":"%d"}}`, i+1, i)
				if i > 0 {
					text = text[20:] // the rest of it
				}
				streaming(w, text+`,{"SubscriptionId":"x`)
				<-time.After(10 * time.Second)
			}
			<-r.Context().Done()
		})
		h.undisturbed(3, 5*time.Hour)
	})
}

// endsWell expects one more keep-alive, and the document's end.
func endsWell(t *testing.T, stream *outlookstream.Stream) {
	t.Helper()
	if n, err := stream.Next(); err != nil || !n.IsKeepAlive() {
		t.Errorf("%+v, %v", n, err)
	}
	if _, err := stream.Next(); err != io.EOF {
		t.Error(err)
	}
}

// undisturbed expects a watch's first changes, without a Resync in between, by
// a loop whose body takes its time.
func (h *hostile) undisturbed(wanted int, body time.Duration) {
	h.t.Helper()
	changes := 0
	for event, err := range h.client().Watch(h.t.Context(), events) {
		if err != nil || event.Kind == outlookstream.Resync && changes > 0 {
			h.t.Fatal(event, err)
		}
		if event.Kind == outlookstream.Created {
			changes++
		}
		if changes == wanted {
			break
		}
		<-time.After(body)
	}
}

func TestASlowTraceIsNotTheServersFault(t *testing.T) {
	inBothProtocols(t, func(t *testing.T, h *hostile) {
		h.opts.Trace.Live = func(outlookstream.TraceLive) { <-time.After(time.Hour) }
		h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
			streaming(w, preamble)
			<-time.After(time.Hour)
			streaming(w, keepAlive)
			<-time.After(20 * time.Second)
			streaming(w, "]}")
		})
		stream := h.open(t.Context())
		endsWell(t, stream)
	})
}

func TestALargeElementIsSkippedInItsOwnTime(t *testing.T) {
	inBothProtocols(t, func(t *testing.T, h *hostile) {
		h.opts.MaxElement = 64 << 10
		h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
			streaming(w, preamble+`{"a":"`)
			for range 28 { // 280 s
				streaming(w, strings.Repeat("x", 128<<10))
				<-time.After(10 * time.Second)
			}
			streaming(w, `"},`+keepAlive+`]}`)
		})
		stream := h.open(t.Context())
		if _, err := stream.Next(); !errors.Is(err, outlookstream.ErrTooLarge) {
			t.Fatal(err)
		}
		endsWell(t, stream)
	})
}

func TestTheTimeForAnElementGrowsWithItsSize(t *testing.T) {
	inBothProtocols(t, func(t *testing.T, h *hostile) {
		h.opts.MaxElement = 64 << 20
		h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
			streaming(w, preamble)
			slowly(w, r, " ", 1, 10*time.Second)
		})
		start := time.Now()
		_, err := h.open(t.Context()).Next()
		if took := time.Since(start).Round(time.Minute); !errors.Is(err, outlookstream.ErrIdle) || took != 273*time.Minute {
			t.Errorf("%v after %v, want twice what 64 MiB take at 8 KiB/s", err, took)
		}
	})
}

// open listens to the subscription "x".
func (h *hostile) open(ctx context.Context) *outlookstream.Stream {
	h.t.Helper()
	stream, err := h.client().Open(ctx, "x")
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = stream.Close() })
	return stream
}
