package ews

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// keeping returns a service that keeps the body of what it was sent last.
func keeping(sent *string, answer func() string) byHand {
	return func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		*sent = string(body)
		return answered(r, 200, answer()), err
	}
}

// aSubscription is what the service answers to Subscribe.
const aSubscription = `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><h:ServerVersionInfo MajorVersion="15" xmlns:h="http://schemas.microsoft.com/exchange/services/2006/types"/></s:Header>` +
	`<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><m:SubscribeResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><m:ResponseMessages><m:SubscribeResponseMessage ResponseClass="Success">` +
	`<m:ResponseCode>NoError</m:ResponseCode><m:SubscriptionId>JwBkYjd</m:SubscriptionId></m:SubscribeResponseMessage></m:ResponseMessages></m:SubscribeResponse></s:Body></s:Envelope>`

// aRefusal is what the service answers to Subscribe when it does not do it.
func aRefusal(code, rest string) string {
	return strings.NewReplacer("Success", "Error", "NoError</m:ResponseCode>", code+"</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>"+rest,
		"<m:ResponseCode>", "<m:MessageText>What the service says.</m:MessageText><m:ResponseCode>", "<m:SubscriptionId>JwBkYjd</m:SubscriptionId>", "").Replace(aSubscription)
}

func subscribeBy(t testing.TB, o Options, f byHand) (*Subscription, error) {
	t.Helper()
	return servedBy(t, o, f).Session("").Subscribe(t.Context(), Mailbox{})
}

func TestSubscribeReturnsWhatTheServiceSays(t *testing.T) {
	sub, err := servedBy(t, Options{}, func(r *http.Request) (*http.Response, error) {
		return answered(r, 200, aSubscription, "request-id", "7", "X-FEServer", "FE1", "X-CalculatedBETarget", "BE1", "X-BackEndHttpStatus", "200"), nil
	}).Session("").Subscribe(t.Context(), Mailbox{Address: "room1@contoso.test", Folders: Distinguished("calendar")})
	if err != nil || sub.ID != "JwBkYjd" || sub.Watermark != "" || sub.Mailbox != "room1@contoso.test" || sub.RequestID != "7" || sub.FEServer != "FE1" || sub.BEServer != "BE1" || sub.BEStatus != "200" || sub.ClientRequestID == "" {
		t.Errorf("%+v, %v", sub, err)
	}
	if sub, err := subscribeBy(t, Options{}, func(r *http.Request) (*http.Response, error) { return answered(r, 200, aSubscription), nil }); err != nil || sub.Mailbox != "me" {
		t.Errorf("%+v, %v", sub, err)
	}
}

func TestEveryRequestCarriesItsHeaders(t *testing.T) {
	ids := map[string]bool{}
	for _, anchor := range []string{"", "room1@contoso.test"} {
		s := servedBy(t, Options{UserAgent: "room-display/1.0"}, func(r *http.Request) (*http.Response, error) {
			affinity := ""
			if anchor != "" {
				affinity = "true"
			}
			for name, want := range map[string]string{
				"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml", "Accept-Encoding": "identity", "User-Agent": "room-display/1.0", "return-client-request-id": "true",
				"Authorization": "Bearer " + wireToken, "X-AnchorMailbox": anchor, "X-PreferServerAffinity": affinity, "X-ClientStatistics": "",
			} {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			id := r.Header.Get("client-request-id")
			if _, err := uuid.Parse(id); err != nil || ids[id] {
				t.Errorf("client-request-id %q", id)
			}
			ids[id] = true
			if r.Method != http.MethodPost || r.URL.String() != wireURL || r.ContentLength <= 0 {
				t.Errorf("%s %s, %d bytes", r.Method, r.URL, r.ContentLength)
			}
			return answered(r, 200, aSubscription), nil
		}).Session(anchor)
		for range 2 {
			if _, err := s.Subscribe(t.Context(), Mailbox{}); err != nil {
				t.Error(err)
			}
		}
		if st, err := s.Open(t.Context(), twoSubscriptions()...); err != nil {
			t.Error(err)
		} else {
			_ = st.Close()
		}
	}
	if len(ids) != 6 {
		t.Errorf("%d requests", len(ids))
	}
}

func TestStatisticsTellOfTheCallBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		s := servedBy(t, Options{Statistics: true}, func(r *http.Request) (*http.Response, error) {
			told = append(told, r.Header.Get("X-ClientStatistics"))
			time.Sleep(1500 * time.Millisecond) // synctest: virtual
			if len(told) == 2 {
				return answered(r, 200, aSubscription), nil // without a request-id: there is nothing to tell of
			}
			return answered(r, 200, aSubscription, "request-id", "id-1"), nil
		}).Session("")
		for range 3 {
			if _, err := s.Subscribe(t.Context(), Mailbox{}); err != nil {
				t.Fatal(err)
			}
		}
		if len(told) != 3 || told[0] != "" || told[1] != "MessageId=id-1,ResponseTime=1500,SoapAction=Subscribe" || told[2] != "" {
			t.Errorf("%q", told)
		}
	})
}

// The cookies that say where a group's subscriptions are outlive its tokens, and
// are nobody else's.
func TestASessionKeepsItsCookiesAcrossTokens(t *testing.T) {
	var sent []string
	token := 0
	c, err := New(Bearer(auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
		token++
		return auth.Token{Value: strings.Repeat("x", token)}, nil
	})), &Options{URL: wireURL, HTTPClient: &http.Client{Transport: byHand(func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r.Header.Get("Authorization")+": "+r.Header.Get("Cookie"))
		resp := answered(r, 200, aSubscription)
		if len(sent) == 1 {
			resp.Header.Add("Set-Cookie", "X-BackEndOverrideCookie=BE1.contoso.test~1943309328; path=/; secure; HttpOnly")
			resp.Header.Add("Set-Cookie", "exchangecookie=1234; expires=Sat, 27-Nov-2060 01:00:00 GMT; path=/; HttpOnly")
		}
		return resp, nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	group, other := c.Session("a@contoso.test"), c.Session("b@contoso.test")
	for _, s := range []*Session{group, group, other, group} {
		if _, err := s.Subscribe(t.Context(), Mailbox{}); err != nil {
			t.Fatal(err)
		}
	}
	st, err := group.Open(t.Context(), twoSubscriptions()...)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	const cookies = "X-BackEndOverrideCookie=BE1.contoso.test~1943309328; exchangecookie=1234"
	for i, want := range []string{"Bearer x: ", "Bearer xx: " + cookies, "Bearer xxx: ", "Bearer xxxx: " + cookies, "Bearer xxxxx: " + cookies} {
		if sent[i] != want {
			t.Errorf("request %d: %q, want %q", i, sent[i], want)
		}
	}
}

func TestAnAnswerThatIsNoneIsMalformed(t *testing.T) {
	for name, tt := range map[string]struct{ body, say string }{
		"a page":               {"<!DOCTYPE html><html><p>Sign in<br></html>", "text/xml; charset=utf-8 that is not a SOAP envelope"},
		"nothing":              {"", "not a SOAP envelope"},
		"half of it":           {aSubscription[:len(aSubscription)-5], "not a SOAP envelope"},
		"of another operation": {strings.ReplaceAll(aSubscription, "SubscribeResponse", "UnsubscribeResponse"), "an answer to Subscribe without a response message"},
		"too much":             {aSubscription + strings.Repeat(" ", 4096), "more than 4096 bytes"},
		"no id":                {strings.Replace(aSubscription, "JwBkYjd", " ", 1), "a subscription without an id"},
	} {
		_, err := subscribeBy(t, Options{MaxEnvelope: 4096}, func(r *http.Request) (*http.Response, error) {
			return answered(r, 200, tt.body, "request-id", "7"), nil
		})
		failure, ok := errors.AsType[*outlookstream.ConnectionError](err)
		if !ok || !errors.Is(err, outlookstream.ErrMalformed) || !strings.Contains(err.Error(), tt.say) || failure.RequestID != "7" || failure.Op != "Subscribe" || failure.Resource != "me" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnEndlessAnswerIsReadUpToABound(t *testing.T) {
	read := 0
	endless := readFunc(func(p []byte) (int, error) {
		read += len(p)
		return copy(p, strings.Repeat(" ", len(p))), nil
	})
	for status, bound := range map[int]int{200: 1 << 20, 500: maxErrorBody, 101: 0} {
		read = 0
		_, err := subscribeBy(t, Options{MaxEnvelope: 1 << 20}, func(r *http.Request) (*http.Response, error) {
			resp := answered(r, status, "")
			resp.Body = io.NopCloser(endless)
			return resp, nil
		})
		if err == nil || read > 2*bound {
			t.Errorf("%d: %v after %d bytes", status, err, read)
		}
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestACallIsNotWaitedForLongerThanAMinute(t *testing.T) {
	for name, body := range map[string]func(*http.Request) (*http.Response, error){
		"no answer": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"half an answer": func(r *http.Request) (*http.Response, error) {
			body, w := io.Pipe()
			go say(w, aSubscription[:100])
			return streamed(r, body), nil
		},
		"half an error": func(r *http.Request) (*http.Response, error) {
			body, w := io.Pipe()
			go say(w, aFault[:100])
			resp := streamed(r, body)
			resp.StatusCode = 500
			return resp, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := subscribeBy(t, Options{}, body)
				if said, ok := errors.AsType[*Error](err); (!ok || said.Status != 500) && !errors.Is(err, errNoAnswer) || time.Since(start) != time.Minute {
					t.Errorf("%v after %v", err, time.Since(start))
				}
			})
		})
	}
}

func TestTheTimeoutOfTheHTTPClientIsThatOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Bearer(auth.Static(wireToken)), &Options{URL: wireURL, HTTPClient: &http.Client{Timeout: 5 * time.Second, Transport: byHand(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := c.Session("").Subscribe(t.Context(), Mailbox{}); !errors.Is(err, errNoAnswer) || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestTheCallersContextEndsACallWithItsCause(t *testing.T) {
	cause := errors.New("the display was switched off")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := servedBy(t, Options{}, func(r *http.Request) (*http.Response, error) {
		cancel(cause)
		<-r.Context().Done()
		return nil, r.Context().Err()
	}).Session("").Subscribe(ctx, Mailbox{})
	if !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
}

// A subscription that was made must not be forgotten because the caller left
// just then.
func TestAnAnswerThatHasComeCounts(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	sub, err := servedBy(t, Options{}, func(r *http.Request) (*http.Response, error) {
		resp := answered(r, 200, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(aSubscription), readFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF })))
		return resp, nil
	}).Session("").Subscribe(ctx, Mailbox{})
	if err != nil || sub.ID == "" {
		t.Errorf("%v", err)
	}
}

func TestAnAnswerThatBreaksOffIsAConnectionError(t *testing.T) {
	broken := errors.New("connection reset by peer")
	_, err := subscribeBy(t, Options{}, func(r *http.Request) (*http.Response, error) {
		resp := answered(r, 200, "", "request-id", "7")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(aSubscription[:300]), iotest.ErrReader(broken)))
		return resp, nil
	})
	if failure, ok := errors.AsType[*outlookstream.ConnectionError](err); !ok || !errors.Is(err, broken) || failure.RequestID != "7" {
		t.Errorf("%v", err)
	}
}

func TestARedirectGetsNoCredentials(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		requests := 0
		_, err := subscribeBy(t, Options{}, func(r *http.Request) (*http.Response, error) {
			requests++
			return answered(r, status, "", "Location", "https://evil.test/"+wireToken), nil
		})
		if !errors.Is(err, errForeignRedirect) || requests != 1 || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "https://evil.test/") {
			t.Errorf("%d: %v, %d requests", status, err, requests)
		}
	}
}

func TestASlowProviderIsNotTakenForASlowService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Bearer(auth.Func(func(ctx context.Context, _ auth.Request) (auth.Token, error) {
			<-ctx.Done()
			return auth.Token{}, ctx.Err()
		})), &Options{HTTPClient: &http.Client{Timeout: 10 * time.Second, Transport: http.NewFileTransport(nil)}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Session("").Subscribe(t.Context(), Mailbox{}); !errors.Is(err, errSlowCredentials) {
			t.Errorf("%v", err)
		}
	})
}
