package outlookstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// byHand returns a Client for a server on loopback that answers each request
// with text, in which %s stands for the Authorization header's value.
func byHand(t *testing.T, text string) *Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-served })
	go func() {
		defer close(served)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(conn, strings.ReplaceAll(text, "%s", r.Header.Get("Authorization")))
			}
			if !strings.HasPrefix(text, "HTTP/1.1 101") {
				_ = conn.Close()
			}
		}
	}()
	c, err := New(auth.Static(testToken), &Options{Endpoint: "http://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAPeerThatIsQuotedByTheStandardLibraryDoesNotGetTheTokenIntoAnError(t *testing.T) {
	for name, text := range map[string]string{
		"a header":           "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"a status line":      "HTTP/1.1 %s\r\n\r\n",
		"a first line":       "%s\r\n\r\n",
		"a length":           "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"a coding":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"a type":             "HTTP/1.1 200 OK\r\nContent-Type: %s/x\r\nContent-Length: 0\r\n\r\n",
		"an encoding":        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: %s\r\nContent-Length: 0\r\n\r\n",
		"a trailer":          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n%s\r\n\r\n",
		"a chunk":            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n{\r\n0\r\n\r\n\r\n",
		"another host":       "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://" + testToken + ".evil.example/\r\n\r\n",
		"a broken location":  "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://[" + testToken + "\r\n\r\n",
		"the same host":      "HTTP/1.1 307 Temporary Redirect\r\nLocation: /" + testToken + "\r\n\r\n",
		"a mere diagnostics": "HTTP/1.1 500 No\r\nrequest-id: %s\r\nContent-Length: 0\r\n\r\n",
	} {
		c := byHand(t, text)
		s, err := c.Open(t.Context(), "id")
		if err == nil {
			_, err = s.Next()
			_ = s.Close()
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if text := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(text, "s3cret") {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
}

func TestWhatIsNoAnswerIsNotReadForEver(t *testing.T) {
	c := byHand(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	_, err := c.Open(t.Context(), "id")
	if failure, ok := errors.AsType[*Error](err); !ok || failure.Status != 101 {
		t.Errorf("%v", err)
	}
}

func TestAnEndlessAnswerToSubscribingIsReadUpToABound(t *testing.T) {
	read := 0
	c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) {
		resp := response(r, 201, "")
		resp.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
			read += len(p)
			return copy(p, strings.Repeat(" ", len(p))), nil
		}))
		return resp, nil
	})
	if _, err := c.Subscribe(t.Context(), Resource{Path: "me/events"}); !errors.Is(err, ErrMalformed) || read > 2*maxErrorBody {
		t.Errorf("%v after %d bytes", err, read)
	}
}

func TestASubscriptionThatIsCalledAsTheTokenIsNone(t *testing.T) {
	c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) {
		return response(r, 201, `{"Id":"`+testToken+`"}`), nil
	})
	if _, err := c.Subscribe(t.Context(), Resource{Path: "me/events"}); !errors.Is(err, ErrMalformed) {
		t.Errorf("%v", err)
	}
}

func TestWhatFailedWithoutAWordOfTheServiceHasItsDiagnosticsToo(t *testing.T) {
	check := func(name string, err error) {
		t.Helper()
		failure, ok := errors.AsType[*ConnectionError](err)
		if !ok || failure.RequestID != "r-1" || failure.ClientRequestID == "" || !strings.Contains(err.Error(), "r-1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, body := range map[string]string{"not JSON": "<html>", "no id": "{}"} {
		c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) { return response(r, 201, body, "request-id", "r-1"), nil })
		_, err := c.Subscribe(t.Context(), Resource{Path: "me/events"})
		check(name, err)
	}
	for name, header := range map[string]string{"a page": "text/html", "a broken stream": "application/json"} {
		c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) {
			return response(r, 200, `{"value":[`, "request-id", "r-1", "Content-Type", header), nil
		})
		s, err := c.Open(t.Context(), "id")
		if err == nil {
			_, err = s.Next()
			_ = s.Close()
		}
		check(name, err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := scripted(t, Options{Trace: &Trace{Waiting: func(w TraceWaiting) {
			if w.RequestID != "r-1" {
				t.Errorf("%+v", w)
			}
		}}}, `{"value":[`, `{"value":[`)
		told(t, c, 2, "me/events")
	})
}

func TestAListenIsAnsweredWith200(t *testing.T) {
	for _, status := range []int{201, 202, 204, 206} {
		c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) { return response(r, status, `{"value":[`), nil })
		if _, err := c.Open(t.Context(), "id"); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if _, err := answering(t, Options{}, nil).Open(t.Context()); err == nil {
		t.Error("nothing to listen to: no error")
	}
}

func TestARedirectFromHTTPSToHTTPOnTheSameHostGetsNoToken(t *testing.T) {
	c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) {
		if r.URL.Scheme == "http" {
			t.Error("the token went out in the clear")
		}
		return response(r, 307, "", "Location", "http://outlook.example/"), nil
	})
	if _, err := c.Open(t.Context(), "id"); !errors.Is(err, errForeignRedirect) || classify(err) != reconnect.GiveUp {
		t.Errorf("%v", err)
	}
}

func TestCloseMayBeCalledFromATrace(t *testing.T) {
	var s *Stream
	c := answering(t, Options{Trace: &Trace{Disconnected: func(TraceDisconnected) { _ = s.Close() }}}, func(r *http.Request) (*http.Response, error) {
		return response(r, 200, `{"value":[`), nil
	})
	var err error
	if s, err = c.Open(t.Context(), "id"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestTwoWatchesThatAreRefusedAtOnceBothGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issued := 0
		c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) {
			if token := r.Header.Get("Authorization"); token == "Bearer T1" || token == "Bearer T2" {
				time.Sleep(time.Second) // synctest: virtual; both are under way
				return response(r, 401, ""), nil
			}
			return response(r, 503, ""), nil
		})
		issue := make(chan struct{}, 1)
		c.tokens.Provider = auth.Cached(auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			issue <- struct{}{}
			defer func() { <-issue }()
			issued++
			return auth.Token{Value: fmt.Sprint("T", issued), ExpiresOn: time.Now().Add(time.Hour)}, nil
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ended := make(chan error, 2)
		for _, path := range []string{"me/events", "me/messages"} { // two permissions, two tokens
			go func() {
				for _, err := range c.Watch(ctx, Resource{Path: path}) {
					ended <- err
				}
			}()
		}
		for range 2 {
			if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a watch ended: %v", err)
			}
		}
	})
}

func TestATokenThatIsRefusedWhileItIsBeingHandedOutIsAskedForAgain(t *testing.T) {
	c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) { return response(r, 503, ""), nil })
	c.tokens.Provider = auth.Func(func(_ context.Context, r auth.Request) (auth.Token, error) {
		if r.Rejected == "T1" {
			return auth.Token{Value: "T2"}, nil
		}
		c.tokens.Refuse("T1", "") // meanwhile, by another watch
		return auth.Token{Value: "T1"}, nil
	})
	if _, err := c.Subscribe(t.Context(), Resource{Path: "me/events"}); classify(err) != reconnect.BackOff {
		t.Errorf("%v", err)
	}
}
