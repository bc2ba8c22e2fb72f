package ews

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// alive has test talk to a stream in virtual time; what is written into w is
// what the stream brings.
func alive(t *testing.T, o Options, test func(t *testing.T, st *Stream, w *io.PipeWriter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		st, err := open(t, o, func(request *http.Request) (*http.Response, error) { return streamed(request, r), nil })
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		test(t, st, w)
	})
}

// say writes, and gives up when the stream is closed.
func say(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

func TestSilenceEndsAStream(t *testing.T) {
	alive(t, Options{}, func(t *testing.T, st *Stream, w *io.PipeWriter) {
		go say(w, anOK+aCreation[:20])
		nextIs(t, st)
		start := time.Now()
		_, err := st.Next()
		if _, ok := errors.AsType[*outlookstream.ConnectionError](err); !ok || !errors.Is(err, outlookstream.ErrIdle) || time.Since(start) != 95*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if _, again := st.Next(); again != err {
			t.Errorf("then %v", again)
		}
	})
}

func TestSilenceIsMeasuredByTheHeartbeatThatIsExpected(t *testing.T) {
	alive(t, Options{Heartbeat: 5 * time.Second}, func(t *testing.T, st *Stream, w *io.PipeWriter) {
		go say(w, anOK)
		nextIs(t, st)
		start := time.Now()
		if _, err := st.Next(); !errors.Is(err, outlookstream.ErrIdle) || time.Since(start) != 15*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// A hoarder brings one envelope, and the beginning of another when it is over, as
// net/http does of a chunk that did not come whole.
type hoarder struct {
	ctx  context.Context
	said bool
}

func (h *hoarder) Read(p []byte) (int, error) {
	if !h.said {
		h.said = true
		return copy(p, anOK), nil
	}
	<-h.ctx.Done()
	return copy(p, anOK[:20]), h.ctx.Err()
}

func TestWhatComesWithTheEndOfASilentStreamIsNoHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := open(t, Options{}, func(r *http.Request) (*http.Response, error) {
			resp := answered(r, 200, "")
			resp.Body = io.NopCloser(&hoarder{ctx: r.Context()})
			return resp, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		nextIs(t, st)
		if _, err := st.Next(); !errors.Is(err, outlookstream.ErrIdle) || st.beat(err) {
			t.Errorf("%v, %v", err, st.beat(err))
		}
	})
}

func TestAStreamThatBringsNothingAtAllSaysSo(t *testing.T) {
	alive(t, Options{}, func(t *testing.T, st *Stream, w *io.PipeWriter) {
		start := time.Now()
		if _, err := st.Next(); !errors.Is(err, errNeverLived) || !errors.Is(err, outlookstream.ErrIdle) || !strings.Contains(err.Error(), "proxy") || time.Since(start) != 95*time.Second || st.goodFor() != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestHeartbeatsKeepAStreamAlive(t *testing.T) {
	alive(t, Options{}, func(t *testing.T, st *Stream, w *io.PipeWriter) {
		go func() {
			for range 40 {
				say(w, anOK)
				time.Sleep(45 * time.Second) // synctest: virtual
			}
			say(w, aGoodbye)
		}()
		for range 40 {
			nextIs(t, st)
		}
		if n := nextIs(t, st); n.Status != "Closed" || st.goodFor() != 30*time.Minute {
			t.Errorf("%+v after %v", n, st.goodFor())
		}
		if _, err := st.Next(); err != io.EOF {
			t.Errorf("%v", err)
		}
	})
}

func TestBytesThatComeToNoEndAreNoLife(t *testing.T) {
	alive(t, Options{}, func(t *testing.T, st *Stream, w *io.PipeWriter) {
		var saying sync.WaitGroup
		saying.Go(func() {
			say(w, anOK+"<Envelope>")
			for st.ctx.Err() == nil {
				say(w, "x")
				time.Sleep(time.Second) // synctest: virtual
			}
		})
		nextIs(t, st)
		start := time.Now()
		_, err := st.Next()
		if took := time.Since(start); !errors.Is(err, outlookstream.ErrIdle) || !strings.Contains(err.Error(), "no envelope was complete within 5m0s") || took < 5*time.Minute || took > 5*time.Minute+time.Second {
			t.Errorf("%v after %v", err, took)
		}
		saying.Wait()
	})
}

func TestASlowLoopIsNoDeadServer(t *testing.T) {
	alive(t, Options{}, func(t *testing.T, st *Stream, w *io.PipeWriter) {
		go say(w, anOK+aCreation)
		nextIs(t, st)
		time.Sleep(time.Hour) // synctest: virtual
		if n := nextIs(t, st); len(n.Events) != 1 {
			t.Errorf("%+v", n)
		}
		time.Sleep(time.Hour) // synctest: virtual
		go say(w, aCreation)
		if n := nextIs(t, st); len(n.Events) != 1 || time.Since(n.Received) != 0 {
			t.Errorf("%+v", n)
		}
	})
}

// The time of a caller's function is not the service's.
func TestASlowTraceIsNoDeadServer(t *testing.T) {
	alive(t, Options{Trace: &Trace{Live: func(TraceLive) { time.Sleep(time.Hour) }}}, func(t *testing.T, st *Stream, w *io.PipeWriter) { // synctest: virtual
		go func() {
			say(w, aCreation[:100])
			say(w, aCreation[100:])
		}()
		if n := nextIs(t, st); len(n.Events) != 1 {
			t.Errorf("%+v", n)
		}
	})
}

func TestReceivedIsWhenTheLastByteCame(t *testing.T) {
	alive(t, Options{}, func(t *testing.T, st *Stream, w *io.PipeWriter) {
		start := time.Now()
		go func() {
			say(w, aCreation[:100])
			time.Sleep(10 * time.Second) // synctest: virtual
			say(w, aCreation[100:]+anOK)
		}()
		first := nextIs(t, st)
		time.Sleep(time.Minute) // synctest: virtual
		if second := nextIs(t, st); first.Received.Sub(start) != 10*time.Second || !second.Received.Equal(first.Received) {
			t.Errorf("%v, %v", first.Received.Sub(start), second.Received.Sub(start))
		}
	})
}

func TestCloseMakesAWaitingNextReturn(t *testing.T) {
	alive(t, Options{}, func(t *testing.T, st *Stream, w *io.PipeWriter) {
		time.AfterFunc(5*time.Second, func() { _ = st.Close() })
		start := time.Now()
		if _, err := st.Next(); !errors.Is(err, net.ErrClosed) || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		var again sync.WaitGroup
		for range 3 {
			again.Go(func() {
				if err := st.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		again.Wait()
		if _, err := st.Next(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if _, err := io.WriteString(w, anOK); err == nil {
			t.Error("the body is still read")
		}
	})
}

func TestTheContextOfOpenIsForTheLifeOfTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("the display was switched off")
		ctx, cancel := context.WithCancelCause(t.Context())
		r, w := io.Pipe()
		c := servedBy(t, Options{}, func(request *http.Request) (*http.Response, error) { return streamed(request, r), nil })
		st, err := c.Session("").Open(ctx, twoSubscriptions()...)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		go say(w, anOK+aCreation)
		nextIs(t, st)
		cancel(cause)
		if _, err := st.Next(); !errors.Is(err, cause) {
			t.Errorf("%v", err)
		}
	})
}

func TestAnAnswerThatDoesNotComeIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := open(t, Options{}, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		if !errors.Is(err, errNoAnswer) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestTraceTellsTheStoryOfAStream(t *testing.T) {
	var story []string
	tell := func(what string, d outlookstream.Diagnostics) {
		if d.RequestID != "stream-1" || d.ClientRequestID == "" {
			t.Errorf("%s: %+v", what, d)
		}
		story = append(story, what)
	}
	trace := &Trace{
		Answered: func(x TraceAnswered) { tell("answered "+x.Op, x.Diagnostics) },
		Connected: func(x TraceConnected) {
			tell("connected "+strings.Join(x.Subscriptions, "+")+" "+x.Protocol, x.Diagnostics)
		},
		Live:      func(x TraceLive) { tell("live after "+x.After.String(), x.Diagnostics) },
		Heartbeat: func(x TraceHeartbeat) { tell("heartbeat "+x.Status, x.Diagnostics) },
		Disconnected: func(x TraceDisconnected) {
			tell("disconnected after "+x.Duration.String()+": "+x.Err.Error(), x.Diagnostics)
			if x.Envelopes != 4 {
				t.Errorf("%d envelopes", x.Envelopes)
			}
		},
	}
	alive(t, Options{Trace: trace}, func(t *testing.T, st *Stream, w *io.PipeWriter) {
		go func() {
			time.Sleep(time.Second) // synctest: virtual
			say(w, anOK+aCreation+notifications(notificationFor("one", aStatusEvent))+aGoodbye)
		}()
		for range 4 {
			nextIs(t, st)
		}
		_, _ = st.Next()
		_ = st.Close()
		_ = st.Close()
	})
	if want := []string{"answered GetStreamingEvents", "connected one+two HTTP/1.1", "live after 1s", "heartbeat OK", "heartbeat ", "disconnected after 1s: EOF"}; !slices.Equal(story, want) {
		t.Errorf("got  %q\nwant %q", story, want)
	}
}

func TestAStreamThatWasClosedSaysSoInItsTrace(t *testing.T) {
	var ended error
	st := opened(t, Options{Trace: &Trace{Disconnected: func(x TraceDisconnected) { ended = x.Err }}}, anOK)
	_ = st.Close()
	if !errors.Is(ended, net.ErrClosed) {
		t.Errorf("%v", ended)
	}
}

func TestWhatOpenIsGivenIsChecked(t *testing.T) {
	s := servedBy(t, Options{}, func(*http.Request) (*http.Response, error) {
		t.Error("a request was made")
		return nil, io.EOF
	}).Session("")
	many := make([]*Subscription, 201)
	for i := range many {
		many[i] = &Subscription{ID: "x"}
	}
	for say, subscriptions := range map[string][]*Subscription{
		"1 to 200 subscriptions, not to 0": nil, "1 to 200 subscriptions, not to 201": many, "without an ID": {{Mailbox: "a@contoso.test"}}, "Subscription without": {nil},
	} {
		if _, err := s.Open(t.Context(), subscriptions...); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %v", say, err)
		}
	}
}
