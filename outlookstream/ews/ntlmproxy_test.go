package ews

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
)

// A proxy that is asked to CONNECT passes the connection on, so that the handshake
// stays on it, bound to the server's certificate.
func TestNTLMThroughAProxyIsBoundToTheServersCertificate(t *testing.T) {
	server := newNTLMServerOver(t, true)
	var tunnels atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Header.Get("Authorization") != "" {
			t.Errorf("the proxy was asked to %s with %q", r.Method, r.Header.Get("Authorization"))
			return
		}
		tunnels.Add(1)
		if err := fakeserver.Tunnel(w, r); err != nil {
			t.Error(err)
		}
	}))
	defer proxy.Close()
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := outlookstream.NewTransport()
	transport.Proxy = http.ProxyURL(at)
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	c, err := New(NTLM(testUser, fixed(testPassword)), &Options{URL: server.URL + "/EWS/Exchange.asmx", HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	s := c.Session("")
	defer s.keep()()
	for range 3 {
		if _, err := s.Subscribe(t.Context(), Mailbox{}); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.Sum256(server.Certificate().Raw)
	if binding := channelBinding(sum[:]); !bytes.Contains(server.answered, binding[:]) {
		t.Errorf("no %x in %x", binding, server.answered)
	}
	if n := tunnels.Load(); n != 1 || server.handshakes != 1 || server.broken != 0 || server.served != 3 {
		t.Errorf("%d tunnels; %s", n, server.counts())
	}
}
