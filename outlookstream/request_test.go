package outlookstream

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering returns a Client whose requests are answered by f.
func answering(t *testing.T, opts Options, f roundTripper) *Client {
	t.Helper()
	opts.Endpoint = "https://outlook.example/api/beta"
	opts.HTTPClient = &http.Client{Transport: f}
	c, err := New(auth.Static(testToken), &opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const testToken = "header.s3cret-payload.signature"

func response(r *http.Request, status int, body string, header ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

func TestEveryRequestCarriesItsHeaders(t *testing.T) {
	seen := map[string]bool{}
	requests := 0
	c := answering(t, Options{UserAgent: "room-display/1.0", AnchorMailbox: "room1@contoso.test"}, func(r *http.Request) (*http.Response, error) {
		requests++
		for name, want := range map[string]string{
			"User-Agent": "room-display/1.0", "return-client-request-id": "true", "X-AnchorMailbox": "room1@contoso.test",
			"Authorization": "Bearer " + testToken, "Accept-Encoding": "identity",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s %s: %s is %q, want %q", r.Method, r.URL, name, got, want)
			}
		}
		id := r.Header.Get("client-request-id")
		if _, err := uuid.Parse(id); err != nil || seen[id] {
			t.Errorf("client-request-id %q is no fresh GUID", id)
		}
		seen[id] = true
		if r.Body != nil && r.Header.Get("Content-Type") != "application/json" {
			t.Error("a body without its type")
		}
		return response(r, 503, ""), nil
	})
	_, _ = c.Subscribe(t.Context(), Resource{Path: "me/events"})
	_, _ = c.Open(t.Context(), "id")
	_ = c.Unsubscribe(t.Context(), "id")
	if requests != 3 {
		t.Errorf("%d requests", requests)
	}
}

func TestWithoutOptionsThereIsStillAUserAgent(t *testing.T) {
	c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("User-Agent") != "calwatch" || r.Header.Get("X-AnchorMailbox") != "" {
			t.Errorf("%v", r.Header)
		}
		return response(r, 503, ""), nil
	})
	_, _ = c.Subscribe(t.Context(), Resource{Path: "me/events"})
}

func TestErrorsAndTracesCarryTheDiagnosticsOfTheServer(t *testing.T) {
	want := Diagnostics{RequestID: "r-1", FEServer: "FE1", BEServer: "BE1", BEStatus: "401", DiagInfo: "DI1",
		Auth: AuthDiagnostics{2000002, "The token has expired.", "invalid_lifetime"}}
	var traced []TraceAnswered
	c := answering(t, Options{Trace: &Trace{Answered: func(a TraceAnswered) { traced = append(traced, a) }}}, func(r *http.Request) (*http.Response, error) {
		want.ClientRequestID = r.Header.Get("client-request-id")
		return response(r, 401, "", "request-id", "r-1", "client-request-id", "somebody else's", "X-FEServer", "FE1", "X-BEServer", "BE1", "X-BackEndHttpStatus", "401", "X-DiagInfo", "DI1",
			"x-ms-diagnostics", `2000002;reason="The token has expired.";error_category="invalid_lifetime"`), nil
	})
	_, err := c.Subscribe(t.Context(), Resource{Path: "me/events"})
	failure, ok := errors.AsType[*Error](err)
	if !ok || failure.Diagnostics != want {
		t.Errorf("%+v", failure)
	}
	if len(traced) != 1 || traced[0].Diagnostics != want || traced[0].Status != 401 || traced[0].Err != err || traced[0].Resource != "me/events" {
		t.Errorf("%+v", traced)
	}
}

func TestAServerThatEchoesTheTokenDoesNotGetItIntoAnError(t *testing.T) {
	echo := func(r *http.Request) (*http.Response, error) {
		body := fmt.Sprintf(`{"error":{"code":"E %s","message":"bad header: Bearer %s"}}`, testToken, testToken)
		return response(r, 400, body, "request-id", testToken, "x-ms-diagnostics", `2000001;reason="`+testToken+`"`), nil
	}
	var traced []TraceAnswered
	c := answering(t, Options{Trace: &Trace{Answered: func(a TraceAnswered) { traced = append(traced, a) }}}, echo)
	_, err := c.Subscribe(t.Context(), Resource{Path: "me/events"})
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), fmt.Sprintf("%+v", traced), fmt.Sprintf("%+v", c)} {
		if strings.Contains(text, "s3cret") {
			t.Errorf("the token is told: %s", text)
		}
	}
}

func TestAServerThatEchoesTheTokenInTheStreamDoesNotGetItIntoAnError(t *testing.T) {
	c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) {
		return response(r, 200, `{"value":[{"error":{"code":"E","message":"`+testToken+`"}}`, "Content-Type", "application/json"), nil
	})
	stream, err := c.Open(t.Context(), "id")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	_, err = stream.Next()
	if failure, ok := errors.AsType[*Error](err); !ok || failure.Code != "E" || strings.Contains(err.Error()+fmt.Sprintf("%+v", stream), "s3cret") {
		t.Errorf("%v", err)
	}
}

func TestAServiceThatDoesNotAnswerIsGivenUpOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		start := time.Now()
		_, err := c.Open(t.Context(), "id")
		if !errors.Is(err, errNoAnswer) || time.Since(start) != defaultTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                               0,
		"7":                              7 * time.Second,
		" 7 ":                            7 * time.Second,
		"-7":                             0,
		"Sun, 01 Mar 2026 12:01:00 GMT":  time.Minute,
		"Sun, 01 Mar 2026 11:59:00 GMT":  0,
		"soon":                           0,
		"99999999999":                    service.MaxRetryAfter,
		"9223372036854775807":            service.MaxRetryAfter,
		"99999999999999999999999999999":  service.MaxRetryAfter,
		"-99999999999999999999999999999": 0,
		"Sun, 01 Mar 2099 12:01:00 GMT":  service.MaxRetryAfter,
	} {
		if got := service.RetryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Sun, 01 Mar 2026 12:01:00 GMT")
	f.Fuzz(func(t *testing.T, value string) {
		if wait := service.RetryAfter(value, time.Now()); wait < 0 || wait > service.MaxRetryAfter {
			t.Errorf("%q: %v", value, wait)
		}
	})
}

func TestAnEndlessErrorBodyIsReadUpToABound(t *testing.T) {
	read := 0
	c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) {
		resp := response(r, 500, "")
		resp.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
			read += len(p)
			return len(p), nil
		}))
		return resp, nil
	})
	if _, err := c.Subscribe(t.Context(), Resource{Path: "me/events"}); err == nil {
		t.Error("no error")
	}
	if read > 2*maxErrorBody {
		t.Errorf("%d bytes of an error body were read", read)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAnswersThatAreNotTheProtocolAreMalformed(t *testing.T) {
	for name, resp := range map[string]func(*http.Request) *http.Response{
		"no JSON": func(r *http.Request) *http.Response { return response(r, 201, "<html>") },
		"no id":   func(r *http.Request) *http.Response { return response(r, 201, `{"Id":null}`) },
	} {
		c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) { return resp(r), nil })
		if _, err := c.Subscribe(t.Context(), Resource{Path: "me/events"}); !errors.Is(err, ErrMalformed) {
			t.Errorf("subscribe, %s: %v", name, err)
		}
	}
	for name, resp := range map[string]func(*http.Request) *http.Response{
		"a page": func(r *http.Request) *http.Response {
			return response(r, 200, "<html>", "Content-Type", "text/html; charset=utf-8")
		},
		"not JSON after all": func(r *http.Request) *http.Response {
			return response(r, 200, "<html>", "Content-Type", "application/json")
		},
		"no value":   func(r *http.Request) *http.Response { return response(r, 200, `{"@odata.context":"x"}`) },
		"two braces": func(r *http.Request) *http.Response { return response(r, 200, `{ {"value":[`) },
	} {
		c := answering(t, Options{}, func(r *http.Request) (*http.Response, error) { return resp(r), nil })
		stream, err := c.Open(t.Context(), "id")
		if err == nil {
			_, err = stream.Next()
			_ = stream.Close()
		}
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("listen, %s: %v", name, err)
		}
	}
}

func TestUnsubscribeEscapesTheID(t *testing.T) {
	id := base64.StdEncoding.EncodeToString([]byte("\xff\xfe{GUID}_{GUID}"))
	c := answering(t, Options{User: "room 1@contoso.test"}, func(r *http.Request) (*http.Response, error) {
		if got, want := r.URL.EscapedPath(), "/api/beta/users/room%201@contoso.test/subscriptions('"+strings.ReplaceAll(id, "/", "%2F")+"')"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		return response(r, 204, ""), nil
	})
	if err := c.Unsubscribe(t.Context(), id); err != nil {
		t.Error(err)
	}
}

func TestSubscribeRefusesWhatCannotBeMeantBeforeItAsksAnybody(t *testing.T) {
	for name, r := range map[string]Resource{"no path": {}, "no known permission": {Path: "me/photos"}} {
		c := answering(t, Options{}, func(*http.Request) (*http.Response, error) {
			t.Errorf("%s: a request was made", name)
			return nil, io.EOF
		})
		if _, err := c.Subscribe(t.Context(), r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
