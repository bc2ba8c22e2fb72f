//go:build realnet && linux

package realnet

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// A withholder is a proxy that buffers responses, in the server's process:
// nginx does so over HTTP/1.1 only, and never the body alone.
type withholder struct {
	next    http.Handler
	what    string // "all", or "body": the header is passed on
	passing atomic.Bool
}

func (h *withholder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.passing.Load() && isStream(r) {
		w = &withheld{ResponseWriter: w, r: r, header: h.what == "body"}
	}
	h.next.ServeHTTP(w, r)
}

// isStream tells what has no end from the rest, over either API.
func isStream(r *http.Request) bool {
	if strings.HasSuffix(r.URL.Path, "/GetNotifications") {
		return true
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && bytes.Contains(body, []byte("GetStreamingEvents"))
}

// withheld takes all and passes nothing on. A client that gives up ends it.
type withheld struct {
	http.ResponseWriter
	r      *http.Request
	header bool
}

func (w *withheld) WriteHeader(status int) {
	if w.header {
		w.ResponseWriter.WriteHeader(status)
		_ = http.NewResponseController(w.ResponseWriter).Flush() // a client that has gone shows in Write
	}
}

func (w *withheld) Write(p []byte) (int, error) { return len(p), w.r.Context().Err() }

func (w *withheld) FlushError() error { return w.r.Context().Err() }
