package reconnect

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// plainEcho is echo over HTTP/1.1.
func plainEcho(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.RemoteAddr)
	}))
	t.Cleanup(s.Close)
	return s
}

// ask makes a request on a connection, and returns the address it came from.
func ask(t *testing.T, conn http.RoundTripper, r *http.Request) string {
	t.Helper()
	resp, err := conn.RoundTrip(r.Clone(r.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestAConversationHasItsConnectionToItself(t *testing.T) {
	s := plainEcho(t)
	p := NewPool(&http.Client{Transport: new(http.Transport)})
	other := make(chan string, 1)
	var first string
	err := p.Converse(func(conn http.RoundTripper, r *http.Request, known bool) (*http.Response, bool, error) {
		if r.URL.Path == "/first" {
			first = ask(t, conn, r)
			// The connection is idle now, and somebody else wants one.
			lease := p.Acquire()
			defer lease.Release()
			other <- remote(t, lease, s.URL+"/other")
		}
		resp, err := conn.RoundTrip(r)
		return resp, true, err
	})
	if err != nil {
		t.Fatal(err)
	}
	lease := p.Acquire()
	defer lease.Release()
	second := remote(t, lease, s.URL+"/first")
	if second != first {
		t.Errorf("the conversation began on %s and went on on %s", first, second)
	}
	if o := <-other; o == first {
		t.Errorf("another request went out on %s, in the middle of a conversation", o)
	}
}

func TestWhatIsKnownOfAConnectionEndsWithIt(t *testing.T) {
	s := plainEcho(t)
	p := NewPool(&http.Client{Transport: new(http.Transport)})
	var known []bool
	err := p.Converse(func(conn http.RoundTripper, r *http.Request, k bool) (*http.Response, bool, error) {
		known = append(known, k)
		resp, err := conn.RoundTrip(r)
		return resp, true, err
	})
	if err != nil {
		t.Fatal(err)
	}
	lease := p.Acquire()
	defer lease.Release()
	a := remote(t, lease, s.URL)
	if b := remote(t, lease, s.URL); b != a {
		t.Errorf("from %s, then from %s", a, b)
	}
	lease.Abandon()
	if c := remote(t, lease, s.URL); c == a {
		t.Errorf("from %s again", c)
	}
	if len(known) != 3 || known[0] || !known[1] || known[2] {
		t.Errorf("known: %v", known)
	}
}

// An answer without a body ends before the conversation does.
func TestAConnectionIsGivenBackAfterAnAnswerWithoutABody(t *testing.T) {
	var from []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from = append(from, r.RemoteAddr)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer s.Close()
	p := NewPool(&http.Client{Transport: new(http.Transport)})
	if err := p.Converse(func(conn http.RoundTripper, r *http.Request, _ bool) (*http.Response, bool, error) {
		resp, err := conn.RoundTrip(r)
		return resp, true, err
	}); err != nil {
		t.Fatal(err)
	}
	lease := p.Acquire()
	defer lease.Release()
	for range 3 {
		remote(t, lease, s.URL)
	}
	if from[0] != from[1] || from[1] != from[2] {
		t.Errorf("from %v", from)
	}
}

func TestAConversationNeedsConnectionsThatCanBeHeld(t *testing.T) {
	plain := func(conn http.RoundTripper, r *http.Request, _ bool) (*http.Response, bool, error) {
		resp, err := conn.RoundTrip(r)
		return resp, false, err
	}
	for name, rt := range map[string]http.RoundTripper{
		"somebody else's":    http.NewFileTransport(http.Dir(".")),
		"without keep-alive": &http.Transport{DisableKeepAlives: true},
		"a number of them":   &http.Transport{MaxConnsPerHost: 3},
	} {
		if err := NewPool(&http.Client{Transport: rt}).Converse(plain); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	p := NewPool(&http.Client{Transport: new(http.Transport)})
	if err := p.Converse(plain); err != nil {
		t.Fatal(err)
	}
	lease := p.Acquire()
	defer lease.Release()
	if _, err := lease.Client().Get("http://b\u00fccher.example"); err == nil {
		t.Error("a request to a host that has no connections of the Pool's did not fail")
	}
}
