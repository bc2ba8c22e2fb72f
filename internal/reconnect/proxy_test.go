package reconnect

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// A proxy is asked as a Transport asks it: for the whole URL, or with CONNECT.
func TestAProxyIsUsedAsATransportUsesIt(t *testing.T) {
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.RequestURI + " " + r.Header.Get("Proxy-Authorization")
		if r.Method != http.MethodConnect {
			_, _ = io.WriteString(w, "from the proxy")
			return
		}
		if err := fakeserver.Tunnel(w, r); err != nil {
			t.Error(err)
		}
	}))
	defer proxy.Close()
	s := echo(t)
	at, err := url.Parse("http://user:word@" + proxy.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := s.Client()
	client.Transport.(*http.Transport).Proxy = func(r *http.Request) (*url.URL, error) {
		if r.URL.Port() == "" { // NewClientConn would ask without one
			t.Errorf("the proxy of %s was asked for", r.URL)
		}
		return at, nil
	}
	const auth = " Basic dXNlcjp3b3Jk"
	for url, want := range map[string]string{
		"http://plain.example:81/x": "GET http://plain.example:81/x" + auth,
		s.URL:                       "CONNECT " + s.Listener.Addr().String() + auth,
	} {
		lease := NewPool(client).Acquire()
		remote(t, lease, url)
		if got := <-asked; got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
		lease.Release()
	}
}

// A transport that says nothing of HTTP/2 has it, also with our dialer in it.
func TestHTTP2IsNotLostWithTheDialer(t *testing.T) {
	for name, template := range map[string]*http.Transport{"none": {}, "disabled": {TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}} {
		g := NewPool(&http.Client{Transport: template}).newGeneration()
		if g.packer == nil || g.transport.ForceAttemptHTTP2 != (name == "none") {
			t.Errorf("%s: HTTP/2 %v", name, g.transport.ForceAttemptHTTP2)
		}
		g.close()
	}
}
