package outlookstream

import (
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, tt := range map[string]struct {
		opts Options
		says string
	}{
		"plain http":               {Options{Endpoint: "http://outlook.example/api"}, "https only"},
		"another scheme":           {Options{Endpoint: "ftp://outlook.example/api"}, "https only"},
		"no host":                  {Options{Endpoint: "outlook.example/api"}, "not an absolute URL"},
		"not a URL":                {Options{Endpoint: "https://%zz"}, "Endpoint"},
		"a password":               {Options{Endpoint: "https://user:geheim@outlook.example/"}, "user name"},
		"a query":                  {Options{Endpoint: "https://outlook.example/?x=1"}, "query"},
		"negative keep-alive":      {Options{KeepAlive: -1}, "Options.KeepAlive is negative"},
		"negative back-off":        {Options{Backoff: Backoff{Max: -1}}, "Options.Backoff.Max is negative"},
		"negative size":            {Options{MaxElement: -1}, "Options.MaxElement is negative"},
		"negative rate":            {Options{ConnectRate: -1}, "Options.ConnectRate is negative"},
		"a question mark":          {Options{Endpoint: "https://outlook.example/api?"}, "query"},
		"keep-alives too rare":     {Options{KeepAlive: time.Minute, ConnectionTimeout: time.Minute}, "must be shorter"},
		"no limit":                 {Options{ConnectionTimeout: math.MaxInt64}, "at most"},
		"no keep-alives":           {Options{KeepAlive: math.MaxInt64}, "must be shorter"},
		"negative connection time": {Options{ConnectionTimeout: -time.Second}, "Options.ConnectionTimeout is negative"},
	} {
		_, err := New(auth.Static("token"), &tt.opts)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
	if _, err := New(nil, nil); err == nil {
		t.Error("no provider: no error")
	}
}

func TestNewAcceptsHTTPOnLoopbackOnly(t *testing.T) {
	for _, endpoint := range []string{"http://127.0.0.1:8080/api/beta", "http://[::1]/api", "http://localhost:1/"} {
		if _, err := New(auth.Static("token"), &Options{Endpoint: endpoint}); err != nil {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

func TestOptionsDefaults(t *testing.T) {
	for name, opts := range map[string]*Options{"nil": nil, "zero": {}} {
		o, err := opts.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		if o.Endpoint != DefaultEndpoint || o.User != "me" || o.KeepAlive != 15*time.Second || o.ConnectionTimeout != time.Hour ||
			o.MaxElement != 1<<20 || o.ConnectRate != 100 || o.Backoff != (Backoff{500 * time.Millisecond, time.Minute, time.Minute}) {
			t.Errorf("%s: %+v", name, o)
		}
		if got := o.idleLimit(); got != 35*time.Second {
			t.Errorf("%s: idle after %v, want two keep-alives and 5 s", name, got)
		}
	}
}

func TestOptionsRoundUpToTheUnitsOfTheWire(t *testing.T) {
	o, err := (&Options{KeepAlive: 1500 * time.Millisecond, ConnectionTimeout: 61 * time.Second}).withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if o.KeepAlive != 2*time.Second || o.ConnectionTimeout != 2*time.Minute {
		t.Errorf("%v, %v", o.KeepAlive, o.ConnectionTimeout)
	}
}

func TestTheDefaultTransportNeitherCutsStreamsNorSitsOnThem(t *testing.T) {
	transport := NewTransport()
	if transport.ResponseHeaderTimeout != 0 || !transport.DisableCompression || !transport.ForceAttemptHTTP2 {
		t.Error("the transport bounds or compresses responses, or does without HTTP/2")
	}
	if transport.HTTP2 == nil || transport.HTTP2.SendPingTimeout == 0 || transport.HTTP2.PingTimeout == 0 {
		t.Error("HTTP/2 pings are off")
	}
	if transport.Proxy == nil || transport.MaxResponseHeaderBytes == 0 {
		t.Error("no proxy of the environment, or no bound on headers")
	}
}

func TestTCPKeepAliveIsFasterThanTheSystems(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if config := keepAlive(); !config.Enable || config.Idle > 15*time.Second || config.Idle+time.Duration(config.Count)*config.Interval > 35*time.Second {
		t.Errorf("%+v", config)
	}
	conn, err := NewTransport().DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestAClientWithoutATransportGetsOurs(t *testing.T) {
	mine := template(&http.Client{Timeout: time.Second})
	if transport, ok := mine.Transport.(*http.Transport); !ok || transport.HTTP2 == nil || transport.HTTP2.SendPingTimeout == 0 {
		t.Error("it has no HTTP/2 pings")
	}
}

func TestAConnectionTimeoutOfOneMinuteIsGoodAfterHalfOfIt(t *testing.T) {
	o, err := (&Options{ConnectionTimeout: time.Minute, Backoff: Backoff{Initial: time.Hour}}).withDefaults()
	if err != nil || o.Backoff.ResetAfter != 30*time.Second || o.Backoff.Max != time.Hour {
		t.Errorf("%+v, %v", o.Backoff, err)
	}
}

func TestTheEscapingOfAnEndpointIsKept(t *testing.T) {
	endpoint, err := parseEndpoint("https://gateway.example/t%2Fa/api/")
	if err != nil || endpoint.String() != "https://gateway.example/t%2Fa/api" {
		t.Errorf("%v, %v", endpoint, err)
	}
}

func TestTheCallersClientIsATemplate(t *testing.T) {
	mine := &http.Client{Timeout: 7 * time.Second}
	c, err := New(auth.Static("token"), &Options{HTTPClient: mine})
	if err != nil {
		t.Fatal(err)
	}
	if c.timeout != 7*time.Second {
		t.Errorf("connecting is bounded by %v", c.timeout)
	}
	lease := c.pool.Acquire()
	defer lease.Release()
	if lease.Client().Timeout != 0 {
		t.Error("the caller's Timeout would cut streams off")
	}
	if mine.CheckRedirect != nil || mine.Timeout != 7*time.Second {
		t.Error("the caller's client was changed")
	}
}
