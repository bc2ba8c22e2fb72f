package outlookstream_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// Connecting. Everything up to an answer's end has to come within 30 s.

func TestASlowAnswerIsGivenUpOn(t *testing.T) {
	body := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			slowly(w, r, `{"error":{"code":"`+strings.Repeat("x", 100), 1, 10*time.Second)
		}
	}
	for name, tt := range map[string]struct {
		handle http.HandlerFunc
		status int // 0: no *Error
	}{
		"of an error":    {body(503), 503},
		"to subscribing": {body(201), 0},
		"of a redirect":  {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Location", "/x"); body(307)(w, r) }, 0},
		"in informational bits": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.WriteHeader(http.StatusProcessing)
				<-time.After(10 * time.Second)
			}
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBothProtocols(t, func(t *testing.T, h *hostile) {
				h.serveRequests(tt.handle)
				start := time.Now()
				_, err := h.client().Subscribe(t.Context(), events)
				if took := time.Since(start); took < 20*time.Second || took > 31*time.Second {
					t.Errorf("given up after %v", took)
				}
				failure, said := errors.AsType[*outlookstream.Error](err)
				if said != (tt.status != 0) || said && failure.Status != tt.status {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

func TestAConnectionThatIsMadeByteByByteIsGivenUpOn(t *testing.T) {
	for name, text := range map[string]string{
		"a header":    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx: ",
		"no TLS":      "",
		"a TLS alert": "\x15\x03\x03",
	} {
		t.Run(name, func(t *testing.T) {
			inBothProtocols(t, func(t *testing.T, h *hostile) {
				trickle := func(w io.Writer) {
					_, _ = io.WriteString(w, text)
					for {
						<-time.After(10 * time.Second)
						if _, err := w.Write([]byte{0}); err != nil {
							return
						}
					}
				}
				if h.protocol == "h1" && strings.HasPrefix(text, "HTTP") {
					h.serveBytes(trickle)
				} else {
					h.serve(func(c net.Conn) { trickle(c) })
				}
				if err := h.forAWhile(time.Hour); !errors.Is(err, errOver) {
					t.Error(err)
				}
				if _, _, waits := h.count(); len(waits) < 20 {
					t.Errorf("%d attempts in an hour", len(waits))
				}
			})
		})
	}
}
