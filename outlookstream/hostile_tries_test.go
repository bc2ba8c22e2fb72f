package outlookstream_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/calwatch/calwatch/outlookstream"
)

// A server that says at once that it has not looked at a request is asked again by
// the Transport, at once, without a limit of its own.
func TestARequestThatIsTurnedAwayUnreadIsNotSentForEver(t *testing.T) {
	inVirtualHTTP2(t, func(t *testing.T, h *hostile) {
		h.serveFrames(nil, func(c *h2conn, stream uint32) {
			c.write(func(f *http2.Framer) error { return f.WriteGoAway(0, http2.ErrCodeNo, nil) })
		})
		start := time.Now()
		_, err := h.client().Open(t.Context(), "x")
		if err == nil || !strings.Contains(err.Error(), "turns requests away unread") || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if n, _, _ := h.count(); n != maxTries || h.net.dialed() != maxTries {
			t.Errorf("sent %d times over %d connections", n, h.net.dialed())
		}
	})
}

func TestARequestThatIsTurnedAwayOnceIsSentAgain(t *testing.T) {
	inVirtualHTTP2(t, func(t *testing.T, h *hostile) {
		h.serveFrames(nil, func(c *h2conn, stream uint32) {
			if n, _, _ := h.count(); n == 1 {
				c.write(func(f *http2.Framer) error { return f.WriteGoAway(0, http2.ErrCodeNo, nil) })
				return
			}
			c.answer(stream, "200", preamble+keepAlive, false)
		})
		if n, err := h.open(t.Context()).Next(); err != nil || !n.IsKeepAlive() {
			t.Errorf("%v, %v", n, err)
		}
	})
}

// So does one that refuses each stream, on a connection that it keeps.
func TestARefusedStreamIsSentAgainAndNotForEver(t *testing.T) {
	for refusals, want := range map[int]int{1: 2, 2: maxTries, 1000: maxTries} {
		inVirtualHTTP2(t, func(t *testing.T, h *hostile) {
			h.serveFrames(nil, func(c *h2conn, stream uint32) {
				if n, _, _ := h.count(); n <= refusals {
					c.write(func(f *http2.Framer) error { return f.WriteRSTStream(stream, http2.ErrCodeRefusedStream) })
					return
				}
				c.answer(stream, "200", preamble+keepAlive, false)
			})
			stream, err := h.client().Open(t.Context(), "x")
			if err == nil {
				defer stream.Close()
			}
			if n, _, _ := h.count(); n != want || (err == nil) != (refusals < maxTries) {
				t.Errorf("refused %d times: sent %d times, want %d; %v", refusals, n, want, err)
			}
		})
	}
}

// The first request on a connection goes out alone, as nobody knows yet how many
// the server takes; but one that gets no answer does not hold the others.
func TestOneRequestWithoutAnAnswerDoesNotHoldOthers(t *testing.T) {
	inVirtualHTTP2(t, func(t *testing.T, h *hostile) {
		h.serveFrames(nil, func(c *h2conn, stream uint32) {
			if stream > 1 {
				c.answer(stream, "200", preamble+keepAlive, false)
			}
		})
		client := h.client()
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			_, err := client.Open(ctx, "first")
			first <- err
		}()
		synctest.Wait()
		start := time.Now()
		second, err := client.Open(t.Context(), "second")
		if err != nil {
			t.Fatal(err)
		}
		defer second.Close()
		if took := time.Since(start); took > 5*time.Second || h.net.dialed() != 1 {
			t.Errorf("the second took %v, over %d connections", took, h.net.dialed())
		}
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// Each hop of a redirect is a request.
func TestRedirectsHaveTriesOfTheirOwn(t *testing.T) {
	inBothProtocols(t, func(t *testing.T, h *hostile) {
		hops := 0
		h.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
			if hops++; hops <= 5 {
				w.Header().Set("Location", "/api/beta/me/GetNotifications")
				w.WriteHeader(http.StatusTemporaryRedirect)
				return
			}
			streaming(w, preamble+keepAlive)
		})
		if n, err := h.open(t.Context()).Next(); err != nil || !n.IsKeepAlive() {
			t.Errorf("%v, %v", n, err)
		}
	})
}

// A connection on which an answer broke off is left behind, also while others
// hold it.
func TestAConnectionThatStallsInAnAnswersBodyIsLeftBehind(t *testing.T) {
	inBothProtocols(t, func(t *testing.T, h *hostile) {
		h.opts.KeepAlive = 10 * time.Minute
		subscriptions := 0
		h.serveRequests(func(w http.ResponseWriter, r *http.Request) {
			if !isSubscribe(r.URL.Path) {
				streaming(w, preamble+keepAlive)
				<-r.Context().Done()
				return
			}
			w.WriteHeader(http.StatusCreated)
			if subscriptions++; subscriptions == 1 {
				streaming(w, `{"Id":`)
				<-r.Context().Done()
				return
			}
			streaming(w, subscribed)
		})
		client := h.client()
		held, err := client.Open(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		before := h.net.dialed()
		for event, err := range client.Watch(t.Context(), events) {
			if err != nil || !errors.Is(event.Reason, outlookstream.ErrStarted) {
				t.Error(event, err)
			}
			break
		}
		if n := h.net.dialed() - before; h.protocol == "h2" && n != 1 {
			t.Errorf("%d new connections, want one: the second attempt went out over the old", n)
		}
	})
}
