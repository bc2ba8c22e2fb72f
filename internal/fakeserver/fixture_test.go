package fakeserver

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fixture is a server on the in-memory network, under virtual time, and a client of it.
type fixture struct {
	t     *testing.T
	s     *Server
	e     *Endpoint
	http  *http.Client
	token string
	name  string // of the case, for messages
}

// named is the same for one case of a table. (There are no subtests in a bubble.)
func (f *fixture) named(name string) *fixture {
	g := *f
	g.name = name + ": "
	return &g
}

// inMemory runs a test over one protocol.
func inMemory(t *testing.T, protocol string, opts *Options, test func(t *testing.T, f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := New(opts)
		e, err := s.ListenMemory()
		if err != nil {
			t.Fatal(err)
		}
		f := &fixture{t: t, s: s, e: e, http: e.Client(protocol), token: s.Token("me")}
		defer func() {
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}()
		test(t, f)
	})
}

// overBoth runs a test over HTTP/1.1 and over HTTP/2.
func overBoth(t *testing.T, opts *Options, test func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, protocol := range []string{"h1", "h2"} {
		t.Run(protocol, func(t *testing.T) { inMemory(t, protocol, opts, test) })
	}
}

// request makes one with the usual headers. A body that is no string is marshalled.
func (f *fixture) request(ctx context.Context, method, url string, body any) *http.Request {
	f.t.Helper()
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		b, err := json.Marshal(body)
		if err != nil {
			f.t.Fatal(err)
		}
		reader = bytes.NewReader(b)
	}
	if strings.HasPrefix(url, "/") {
		url = f.e.URL + url
	}
	r, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+f.token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body string
}

func (f *fixture) do(r *http.Request) answer {
	f.t.Helper()
	resp, err := f.http.Do(r)
	if err != nil {
		f.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatalf("%s %s: reading the answer: %v", r.Method, r.URL.Path, err)
	}
	return answer{resp, string(b)}
}

func (f *fixture) call(method, path string, body any) answer {
	f.t.Helper()
	return f.do(f.request(f.t.Context(), method, path, body))
}

// wantError checks an error answer. message is a part of its message.
func (f *fixture) wantError(a answer, status int, code, message string) {
	f.t.Helper()
	var doc errorDocument
	if a.StatusCode != status {
		f.t.Fatalf("%sstatus %d, want %d; body %s", f.name, a.StatusCode, status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil {
		f.t.Fatalf("%sbody %q: %v", f.name, a.body, err)
	}
	if doc.Error.Code != code || !strings.Contains(doc.Error.Message, message) {
		f.t.Fatalf("%serror %+v, want code %s and a message with %q", f.name, doc.Error, code, message)
	}
}

func subscribeBody(resource, changes string) map[string]any {
	return map[string]any{"@odata.type": subscriptionType, "Resource": resource, "ChangeType": changes}
}

const allChanges = "Created,Updated,Deleted"

// subscribe makes a subscription and returns its id.
func (f *fixture) subscribe(resource string) string {
	f.t.Helper()
	return f.subscribed(resource, allChanges).ID
}

func (f *fixture) subscribed(resource, changes string) subscriptionEntity {
	f.t.Helper()
	a := f.call("POST", "/api/beta/me/subscriptions", subscribeBody(resource, changes))
	if a.StatusCode != http.StatusCreated {
		f.t.Fatalf("subscribe %q: status %d: %s", resource, a.StatusCode, a.body)
	}
	var entity subscriptionEntity
	if err := json.Unmarshal([]byte(a.body), &entity); err != nil {
		f.t.Fatal(err)
	}
	return entity
}

func listenBody(minutes, seconds int, ids ...string) map[string]any {
	return map[string]any{
		"ConnectionTimeoutInMinutes": minutes, "KeepAliveNotificationIntervalInSeconds": seconds, "SubscriptionIds": ids,
	}
}

// wireNotification is an element as a client sees it.
type wireNotification struct {
	Type     string          `json:"@odata.type"`
	ID       json.RawMessage `json:"Id"`
	SubID    string          `json:"SubscriptionId"`
	Expires  string          `json:"SubscriptionExpirationDateTime"`
	Sequence int64           `json:"SequenceNumber"`
	Change   string          `json:"ChangeType"`
	Resource string          `json:"Resource"`
	Data     struct {
		Type string `json:"@odata.type"`
		URL  string `json:"@odata.id"`
		ETag string `json:"@odata.etag"`
		ID   string `json:"Id"`
	} `json:"ResourceData"`
	Raw json.RawMessage `json:"-"`
}

// elements parses a whole document; one that is not closed is closed first.
func (f *fixture) elements(document string) []wireNotification {
	f.t.Helper()
	if !json.Valid([]byte(document)) {
		document += "]}"
	}
	var doc struct {
		Value []json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		f.t.Fatalf("the document is malformed: %v\n%s", err, document)
	}
	var list []wireNotification
	for _, raw := range doc.Value {
		var n wireNotification
		if err := json.Unmarshal(raw, &n); err != nil {
			f.t.Fatalf("element %s: %v", raw, err)
		}
		n.Raw = raw
		list = append(list, n)
	}
	return list
}

func (f *fixture) change(c Change) []Entry {
	f.t.Helper()
	entries, err := f.s.Change(c)
	if err != nil {
		f.t.Fatal(err)
	}
	return entries
}

func (f *fixture) arm(fault Fault) {
	f.t.Helper()
	if err := f.s.Arm(fault); err != nil {
		f.t.Fatal(err)
	}
}

// wait lets virtual time pass.
func wait(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
}
