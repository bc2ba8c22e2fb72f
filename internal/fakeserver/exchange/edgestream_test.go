package exchange_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// openStream is a GetStreamingEvents call that goes on, inside a bubble.
type openStream struct {
	w    *lockedRecorder
	over chan struct{}
}

// lockedRecorder may be read while it is written to.
type lockedRecorder struct {
	mu sync.Mutex
	*httptest.ResponseRecorder
}

func (w *lockedRecorder) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ResponseRecorder.Write(p)
}

func (w *lockedRecorder) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ResponseRecorder.Flush()
}

func (e *edge) stream(a ask, ids ...string) *openStream {
	st := &openStream{w: &lockedRecorder{ResponseRecorder: httptest.NewRecorder()}, over: make(chan struct{})}
	r := e.request(a, listen(ids...))
	go func() {
		defer close(st.over)
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			}
		}()
		e.s.ServeHTTP(st.w, r)
	}()
	return st
}

// now is what came so far, and whether that was all.
func (st *openStream) now() (text string, over bool) {
	select {
	case <-st.over:
		over = true
	default:
	}
	st.w.mu.Lock()
	defer st.w.mu.Unlock()
	return st.w.Body.String(), over
}

// wait gives it some virtual time to end.
func (st *openStream) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-st.over:
		return true
	case <-timer.C:
		return false
	}
}
