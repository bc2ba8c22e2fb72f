package ews

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestNTLMAuthenticatesAConnectionOnce(t *testing.T) {
	server := newNTLMServer(t)
	s := newSession(t, NTLM(testUser, fixed(testPassword)), server.URL)
	for range 5 {
		if err := subscribe(t, s); err != nil {
			t.Fatal(err)
		}
	}
	server.expect(t, "1 handshakes, 0 refused, 0 broken, 0 with a body, 5 served")
}

// Of connections that several calls share, each may be taken between the two
// halves of a handshake. That a stream keeps one busy meanwhile changes nothing.
func TestNTLMHandshakesAtTheSameTimeDoNotMix(t *testing.T) {
	server := newNTLMServer(t)
	s := newSession(t, NTLM(testUser, fixed(testPassword)), server.URL)
	if err := subscribe(t, s); err != nil { // the password is right: from now on all go at once
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			for range 5 {
				if err := subscribe(t, s); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if server.broken != 0 || server.refused != 0 || server.served != 151 {
		t.Error(server.counts())
	}
}

func TestAWrongNTLMPasswordIsSentOnce(t *testing.T) {
	server := newNTLMServer(t)
	password := "wrong, and long"
	var mu sync.Mutex
	s := newSession(t, NTLM(testUser, func(context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		return password, nil
	}), server.URL)
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() { errs[i] = subscribe(t, s) })
	}
	wg.Wait()
	unauthorized, rejected := 0, 0
	for _, err := range errs {
		if errors.Is(err, outlookstream.ErrUnauthorized) {
			unauthorized++
		}
		if errors.Is(err, auth.ErrRejected) {
			rejected++
			if !strings.Contains(err.Error(), "a proxy on the way breaks NTLM") { // from which nothing tells it
				t.Error(err)
			}
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), password) {
			t.Errorf("the password is in %v", err)
		}
	}
	if unauthorized != 1 || rejected != 19 {
		t.Errorf("%d refused by the server, %d by us", unauthorized, rejected)
	}
	server.expect(t, "0 handshakes, 1 refused, 0 broken, 0 with a body, 0 served")

	mu.Lock()
	password = testPassword
	mu.Unlock()
	if err := subscribe(t, s); err != nil {
		t.Errorf("with another password: %v", err)
	}
	server.expect(t, "1 handshakes, 1 refused, 0 broken, 0 with a body, 1 served")
}

func TestAServerThatForgetsWhoseConnectionItIsIsToldAgain(t *testing.T) {
	server := newNTLMServer(t)
	s := newSession(t, NTLM(testUser, fixed(testPassword)), server.URL)
	if err := subscribe(t, s); err != nil {
		t.Fatal(err)
	}
	server.forget = true
	if err := subscribe(t, s); err != nil {
		t.Error(err)
	}
	server.expect(t, "2 handshakes, 0 refused, 0 broken, 0 with a body, 2 served")
}

func TestNTLMGoesByTheNameOfNegotiateWhereThatAloneIsOffered(t *testing.T) {
	server := newNTLMServer(t)
	server.offers = []string{"Negotiate"}
	s := newSession(t, NTLM(testUser, fixed(testPassword)), server.URL)
	if err := subscribe(t, s); err != nil {
		t.Fatal(err)
	}
	server.expect(t, "1 handshakes, 0 refused, 0 broken, 0 with a body, 1 served")
}

func TestWhereNTLMIsNotOfferedTheErrorSaysWhatIs(t *testing.T) {
	server := newNTLMServer(t)
	server.offers = []string{`Bearer client_id="x", trusted_issuers="y@z"`, `Basic realm="mail"`}
	s := newSession(t, NTLM(testUser, fixed(testPassword)), server.URL)
	err := subscribe(t, s)
	if !errors.Is(err, auth.ErrMisconfigured) || !strings.Contains(err.Error(), "takes Bearer, Basic here, and not NTLM") {
		t.Error(err)
	}
}

func TestAConnectionThatIsClosedInTheHandshakeIsAnError(t *testing.T) {
	server := newNTLMServer(t)
	server.closes = true
	s := newSession(t, NTLM(testUser, fixed(testPassword)), server.URL)
	err := subscribe(t, s)
	if err == nil || errors.Is(err, outlookstream.ErrUnauthorized) || !strings.Contains(err.Error(), "handshake") {
		t.Error(err)
	}
}

// Who is busy says so to anybody, and that is the answer.
func TestNTLMOfAServerThatAsksForNothing(t *testing.T) {
	server := newNTLMServer(t)
	status := http.StatusServiceUnavailable
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status != http.StatusOK {
			w.WriteHeader(status)
			return
		}
		answerCalls(w, r)
	})
	s := newSession(t, NTLM(testUser, fixed(testPassword)), server.URL)
	if failure, ok := errors.AsType[*Error](subscribe(t, s)); !ok || failure.Status != status {
		t.Errorf("%v", failure)
	}
	status = http.StatusOK
	if err := subscribe(t, s); err != nil {
		t.Error(err)
	}
}

func TestWhatProvesThePasswordIsNotShown(t *testing.T) {
	server := newNTLMServer(t)
	var sent string
	server.answer = func(w http.ResponseWriter, r *http.Request) {
		_, sent, _ = strings.Cut(r.Header.Get("Authorization"), " ")
		w.Header().Set("X-DiagInfo", "you sent "+sent)
		w.Header().Set("Location", "https://"+sent+".test")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<Envelope><Body><Fault><faultcode>a:%[1]s</faultcode><faultstring>%[1]s %[2]s</faultstring></Fault></Body></Envelope>`, sent, testPassword)
	}
	s := newSession(t, NTLM(testUser, fixed(testPassword)), server.URL)
	err := subscribe(t, s)
	if text := fmt.Sprintf("%v %+v", err, err); sent == "" || strings.Contains(text, sent) || strings.Contains(text, testPassword) {
		t.Errorf("%s", text)
	}
}

// On a connection that is another password's, a request proves nothing of the new
// one, which is still tried by one request at a time.
func TestAPasswordIsNotProvenByAConnectionOfAnother(t *testing.T) {
	server := newNTLMServer(t)
	password, _ := rotating(testPassword, "the second one", "the third one")
	a := NTLM(testUser, password)
	s := newSession(t, a, server.URL)
	if err := subscribe(t, s); err != nil {
		t.Fatal(err)
	}
	g, err := a.grant(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	g.over(refused, "") // elsewhere
	if err := subscribe(t, s); err != nil {
		t.Fatal(err)
	}
	if password, proven := a.(*ntlm).passwords.known(); proven || password() != "the second one" {
		t.Errorf("%q is proven: %v", password(), proven)
	}
}

// The connection of a stream is the stream's.
func TestACallBesideAStreamHasAConnectionOfItsOwn(t *testing.T) {
	server := newNTLMServer(t)
	done := make(chan struct{})
	server.answer = func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte("<m:Unsubscribe>")) {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			<-done
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answerCalls(w, r)
	}
	s := newSession(t, NTLM(testUser, fixed(testPassword)), server.URL)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	lease := s.pool.Acquire()
	defer lease.Release()
	stream, err := s.exchange(ctx, cancel, lease, request{op: "Unsubscribe", operation: unsubscribeRequest{SubscriptionID: "endless"}}, new(TraceAnswered))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	defer close(done)
	for range 3 {
		if err := subscribe(t, s); err != nil {
			t.Fatal(err)
		}
	}
	server.expect(t, "2 handshakes, 0 refused, 0 broken, 0 with a body, 4 served")
}

func TestNTLMNeedsATransportThatItKnows(t *testing.T) {
	_, err := New(NTLM(testUser, fixed(testPassword)), &Options{HTTPClient: &http.Client{Transport: http.NewFileTransport(http.Dir("."))}})
	if err == nil || !strings.Contains(err.Error(), "Options.HTTPClient") {
		t.Error(err)
	}
}

// A badServer answers each request for a challenge with the same.
type badServer struct {
	challenge  []byte
	connection *tls.ConnectionState
}

func (b badServer) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{"Www-Authenticate": {"NTLM " + base64.StdEncoding.EncodeToString(b.challenge)}}
	return &http.Response{StatusCode: http.StatusUnauthorized, Header: header, Body: io.NopCloser(bytes.NewReader(nil)), Request: r, TLS: b.connection}, nil
}

// Whatever a server sends for a challenge, the answer has no password in it, and
// there is one.
func FuzzNTLMChallenge(f *testing.F) {
	f.Add(challengeMessage([]byte("12345678")))
	f.Add(challengeMessage([]byte("12345678"))[:50])
	f.Add([]byte("NTLMSSP\x00\x02\x00\x00\x00"))
	f.Add([]byte{})
	n := NTLM(testUser, fixed(testPassword)).(*ntlm)
	connection := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte("x")}}}
	f.Fuzz(func(t *testing.T, challenge []byte) {
		g, err := n.grant(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer g.over(unanswered, "")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://mail.test/EWS/Exchange.asmx", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		resp, known, err := n.converse(badServer{challenge, connection}, g.authorize(r), false)
		if known || err == nil && resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("taken for success: %v", err)
		}
		if err != nil && strings.Contains(err.Error(), testPassword) {
			t.Errorf("%v", err)
		}
	})
}
