package fakeserver

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestClientsSpeakOnlyTheirProtocol(t *testing.T) {
	for protocol, want := range map[string]string{"h1": "HTTP/1.1", "h2": "HTTP/2.0"} {
		inMemory(t, protocol, nil, func(t *testing.T, f *fixture) {
			r := f.listen(f.subscribe("me/events"))
			if r.resp.Proto != want {
				t.Errorf("%s: the client saw %s", protocol, r.resp.Proto)
			}
			for _, request := range f.s.Requests() {
				if request.Proto != want {
					t.Errorf("%s: the server saw %s", protocol, request.Proto)
				}
			}
			if te := r.resp.TransferEncoding; protocol == "h1" && (len(te) != 1 || te[0] != "chunked") {
				t.Errorf("the stream's transfer encoding is %v", te)
			}
		})
	}
}

func TestFreezeIsABlackHoleBothWays(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events")
		r := f.listen(id)
		r.now()
		f.e.Freeze()
		if n := f.e.Conns(); n == 0 {
			t.Error("a frozen connection does not count as open")
		}
		f.change(Change{Resource: "me/events", ChangeType: "Created"})
		wait(20 * time.Minute)
		if got := r.now(); got != "" || !r.open() {
			t.Fatalf("through a frozen connection came %q, open %v", got, r.open())
		}
		if n := f.s.Streams(); n != 1 {
			t.Fatalf("the server noticed: %d streams", n)
		}
		r.cancel() // and the server does not notice that either
		wait(5 * time.Minute)
		if n := f.s.Streams(); n != 1 {
			t.Fatalf("the server noticed that the client has gone: %d streams", n)
		}
		fresh := *f
		fresh.http = f.e.Client("h1")
		if got := fresh.listen(id).now(); got != preamble {
			t.Errorf("a new connection got %q; what was written into the void is lost", got)
		}
	})
}

func TestAStreamThatEndsOnAFrozenConnectionDoesNotShow(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		r := f.listenFor(1, 30, f.subscribe("me/events"))
		r.now()
		f.e.Freeze()
		wait(time.Hour) // the server's side is long over, and closed as idle
		if got := r.now(); got != "" || !r.open() {
			t.Errorf("came %q, open %v", got, r.open())
		}
		if n, s := f.e.Conns(), f.s.Streams(); n != 0 || s != 0 {
			t.Errorf("%d connections and %d streams are left", n, s)
		}
	})
}

func TestResetKillsEveryConnection(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		a := f.listen(f.subscribe("me/events"))
		f.e.Reset()
		if _, failed := a.rest(); !failed {
			t.Error("the stream ended well")
		}
		wait(15 * time.Second)
		if n, s := f.e.Conns(), f.s.Streams(); n != 0 || s != 0 {
			t.Errorf("%d connections and %d streams are left", n, s)
		}
		f.subscribe("me/events") // new connections work
	})
}

func TestRefuseConcernsNewConnectionsOnly(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		r := f.listen(f.subscribe("me/events"))
		r.now()
		f.e.Refuse(true)
		f.change(Change{Resource: "me/events", ChangeType: "Created"})
		if got := r.now(); elementsOf(got) != 1 {
			t.Errorf("on the old connection came %q", got)
		}
		fresh := f.e.Client("h1")
		if _, err := fresh.Get(f.e.URL); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("error %v, want connection refused", err)
		}
		f.e.Refuse(false)
		resp, err := fresh.Get(f.e.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	})
}

func TestNothingElseIsOnTheMemoryNetwork(t *testing.T) {
	inMemory(t, "h1", nil, func(t *testing.T, f *fixture) {
		_, err := f.http.Get("https://outlook.office.com/api/beta/me")
		if dns, ok := errors.AsType[*net.DNSError](err); !ok || !dns.IsNotFound {
			t.Errorf("error %v, want no such host", err)
		}
	})
}

func TestCloseEndsStreamsWithoutAProperEnd(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		r := f.listen(f.subscribe("me/events"))
		r.now()
		other, err := f.s.ListenMemory()
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Close(); err != nil {
			t.Errorf("closing the other endpoint: %v", err)
		}
		if !r.open() {
			t.Fatal("closing one endpoint ended a stream of the other")
		}
		if err := f.s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if text, failed := r.rest(); !failed || text != "" {
			t.Errorf("the stream ended with %q, failed %v", text, failed)
		}
		if _, err := f.s.ListenMemory(); err == nil {
			t.Error("a closed server listens")
		}
	})
}

func TestASlowReaderIsFelt(t *testing.T) {
	overBoth(t, nil, func(t *testing.T, f *fixture) {
		id := f.subscribe("me/events?$select=Body")
		r := f.listen(id) // nobody takes from r.chunks
		body, err := json.Marshal(map[string]string{"Body": strings.Repeat("x", 200_000)})
		if err != nil {
			t.Fatal(err)
		}
		f.change(Change{Resource: "me/events", ChangeType: "Created", Data: body, Count: 100})
		synctest.Wait()
		if n := f.s.Subscriptions()[0].Queued; n < 10 || n == 100 {
			t.Errorf("%d of 100 wait in the queue", n)
		}
		if n := strings.Count(r.now(), `xx"}}`); n != 100 {
			t.Errorf("read %d, want all", n)
		}
	})
}

func TestListenRefusesAddressesThatAreNotLoopback(t *testing.T) {
	s := New(nil)
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", "127.0.0.1.example:1"} {
		if e, err := s.Listen(addr); err == nil {
			t.Errorf("%s: listens at %s", addr, e.URL)
			e.Close()
		}
	}
}

// loopback is the same over real TLS and real connections.
func loopback(t *testing.T, protocol string) *fixture {
	t.Helper()
	s := New(nil)
	e, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return &fixture{t: t, s: s, e: e, http: e.Client(protocol), token: s.Token("me")}
}

func TestLoopbackServesBothProtocolsWithItsOwnCertificate(t *testing.T) {
	for protocol, want := range map[string]string{"h1": "HTTP/1.1", "h2": "HTTP/2.0"} {
		f := loopback(t, protocol)
		if block, _ := pem.Decode(f.e.CAPEM()); block == nil || block.Type != "CERTIFICATE" {
			t.Errorf("CAPEM is %q", f.e.CAPEM())
		}
		id := f.subscribe("me/events")
		r := f.listen(id)
		f.change(Change{Resource: "me/events", ChangeType: "Created"})
		var text strings.Builder
		for elementsOf(text.String()) == 0 {
			text.WriteString(<-r.chunks)
		}
		if r.resp.Proto != want || !strings.HasPrefix(text.String(), strings.ReplaceAll(preamble, "https://outlook.fake.test", f.e.URL)) {
			t.Errorf("%s: %s", r.resp.Proto, text.String())
		}
		if f.s.Requests()[0].Conn == "" || f.e.Authority() != f.e.URL+"/common" || f.e.API() != f.e.URL+"/api/beta" {
			t.Errorf("request %+v", f.s.Requests()[0])
		}
		// Nobody who does not know the authority talks to it.
		if _, err := new(http.Transport).RoundTrip(f.request(t.Context(), "GET", "/", nil)); err == nil {
			t.Error("a client without the authority was served")
		} else if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
			t.Errorf("error %v", err)
		}
	}
}

func TestLoopbackFreezeResetAndRefuse(t *testing.T) {
	for _, protocol := range []string{"h1", "h2"} {
		f := loopback(t, protocol)
		id := f.subscribe("me/events")
		frozen := f.listen(id)
		<-frozen.chunks
		f.e.Freeze()

		f.http = f.e.Client(protocol)
		alive := f.listen(id)
		<-alive.chunks
		f.change(Change{Resource: "me/events", ChangeType: "Created"})
		if got := <-alive.chunks; elementsOf(got) != 1 {
			t.Errorf("%s: on the new connection came %q", protocol, got)
		}
		select {
		case got := <-frozen.chunks: // the takeover ended that stream, which must not show
			t.Errorf("%s: through the frozen connection came %q", protocol, got)
		default:
		}
		f.e.Refuse(true)
		if _, err := f.e.Client(protocol).Get(f.e.URL); err == nil {
			t.Errorf("%s: a new connection was served", protocol)
		}
		f.e.Refuse(false)
		f.e.Reset()
		if _, failed := alive.rest(); !failed {
			t.Errorf("%s: after Reset the stream ended well", protocol)
		}
		frozen.cancel()
	}
}

func TestLoopbackResetFaultIsARealReset(t *testing.T) {
	f := loopback(t, "h1")
	id := f.subscribe("me/events")
	f.arm(Fault{On: "listen", Do: "reset", Times: 5})
	_, err := f.http.Do(f.request(t.Context(), "POST", "/api/beta/me/GetNotifications", listenBody(1, 5, id)))
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("error %v, want a reset", err)
	}
	if n := len(f.s.Requests()); n < 2 {
		t.Errorf("%d requests came in", n)
	}
}

func TestLoopbackByName(t *testing.T) {
	s := New(nil)
	defer s.Close()
	e, err := s.Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := e.Client("h2").Get(e.URL + "/api/beta/me/x")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", resp.StatusCode)
	}
}
