package outlookstream_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream"
)

// A server that cannot prove who it is: no retry changes that.

func TestACertificateThatProvesNothingEndsTheWatchAndSaysWhatToDo(t *testing.T) {
	other, err := foreign()
	if err != nil {
		t.Fatal(err)
	}
	mine, err := trusted()
	if err != nil {
		t.Fatal(err)
	}
	many := make([]string, 98)
	for i := range many {
		many[i] = strings.Repeat("x", 60) + ".test"
	}
	for name, tt := range map[string]struct {
		by     *authority
		change func(*x509.Certificate)
		says   []string
	}{
		"expired":                            {mine, func(c *x509.Certificate) { c.NotAfter = longAgo.Add(time.Hour) }, []string{"has expired", "clock", "renew"}},
		"of the future":                      {mine, func(c *x509.Certificate) { c.NotBefore = farAhead.Add(-time.Hour) }, []string{"not yet valid", "clock"}},
		"of another":                         {mine, func(c *x509.Certificate) { c.DNSNames = []string{"other.test"} }, []string{"other.test", "not hostile.test", "Endpoint"}},
		"of nobody":                          {mine, func(c *x509.Certificate) { c.DNSNames = nil }, []string{"Endpoint"}},
		"of very many":                       {mine, func(c *x509.Certificate) { c.DNSNames = many }, []string{"certificate is valid for"}},
		"of a\r\nterminal":                   {mine, func(c *x509.Certificate) { c.DNSNames = []string{"x\x1b[2J\r\n.test"} }, []string{"certificate"}},
		"of an authority that nobody trusts": {other, nil, []string{"unknown authority", "RootCAs", "Options.HTTPClient"}},
		"signed by itself":                   {nil, nil, []string{"unknown authority", "RootCAs"}},
		"for clients": {mine, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} },
			[]string{"incompatible key usage", "for servers"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBothProtocols(t, func(t *testing.T, h *hostile) {
				h.config.Certificates = []tls.Certificate{certify(t, tt.by, tt.change)}
				h.serveHTTP(func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
				start := time.Now()
				err := h.forAWhile()
				if took := time.Since(start); took > 0 || h.net.dialed() != 1 {
					t.Errorf("it took %v and %d connections", took, h.net.dialed())
				}
				for _, says := range tt.says {
					if !strings.Contains(err.Error(), says) {
						t.Errorf("%v does not say %q", err, says)
					}
				}
				if strings.ContainsAny(err.Error(), "\x1b\r\n") {
					t.Errorf("%q", err)
				}
			})
		})
	}
}

// alert is a TLS alert in the clear, with which a handshake may be refused.
func alert(description byte) []byte { return []byte{21, 3, 3, 0, 2, 2, description} }

// What ends a handshake may be a server that is being renewed, or a box in
// between that has its day: the next attempt may succeed.
func TestAHandshakeThatFailsIsTriedAgain(t *testing.T) {
	handshake := func(change func(*tls.Config)) func(*hostile) func(net.Conn) {
		return func(h *hostile) func(net.Conn) {
			change(h.config)
			return func(c net.Conn) { _ = tls.Server(c, h.config).Handshake() }
		}
	}
	bytes := func(text []byte) func(*hostile) func(net.Conn) {
		return func(*hostile) func(net.Conn) {
			return func(c net.Conn) {
				_, _ = c.Read(make([]byte, 1<<10))
				_, _ = c.Write(text)
			}
		}
	}
	for name, tt := range map[string]struct {
		serve func(*hostile) func(net.Conn)
		says  string
	}{
		"handshake_failure":        {bytes(alert(40)), "handshake failure"},
		"protocol_version":         {bytes(alert(70)), "protocol version"},
		"internal_error":           {bytes(alert(80)), "internal error"},
		"unrecognized_name":        {bytes(alert(112)), "unrecognized name"},
		"bad_certificate":          {bytes(alert(42)), "bad certificate"},
		"an alert that is none":    {bytes(alert(255)), "alert"},
		"a warning without an end": {bytes([]byte(strings.Repeat("\x15\x03\x03\x00\x02\x01\x5a", 1000))), "tls"},
		"close_notify":             {bytes(alert(0)), "EOF"},
		"a record out of shape":    {bytes([]byte("\x16\x03\x03\xff\xff" + strings.Repeat("x", 70000))), "tls"},
		"a message without an end": {bytes([]byte("\x16\x03\x03\x40\x00\x02\xff\xff\xff" + strings.Repeat("\x00", 1<<14))), "tls"},
		"HTTP":                     {bytes([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")), "HTTP response to HTTPS client"},
		"nothing":                  {bytes(nil), "EOF"},
		"an old version":           {handshake(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), "protocol version"},
		"another protocol on top":  {handshake(func(c *tls.Config) { c.NextProtos = []string{"smtp"} }), ""},
		"a certificate asked for":  {handshake(func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBothProtocols(t, func(t *testing.T, h *hostile) {
				h.serve(tt.serve(h))
				if err := h.forAWhile(); !errors.Is(err, errOver) {
					t.Fatal(err)
				}
				_, _, waits := h.count()
				if len(waits) < 8 {
					t.Errorf("%d attempts", len(waits))
				}
				for _, wait := range waits {
					if !strings.Contains(wait.Err.Error(), tt.says) {
						t.Fatalf("%v does not say %q", wait.Err, tt.says)
					}
				}
			})
		})
	}
}

// In the middle of a stream, TLS may end in good order or not. Neither is the
// end of the document.
func TestTLSThatEndsInTheMiddleOfAStreamIsNoEndOfTheStream(t *testing.T) {
	for name, end := range map[string]func(c *tls.Conn, bare net.Conn){
		"close_notify": func(c *tls.Conn, _ net.Conn) { _ = c.CloseWrite() },
		"an alert":     func(_ *tls.Conn, bare net.Conn) { _, _ = bare.Write(alert(80)) },
		"a record of nonsense": func(_ *tls.Conn, bare net.Conn) {
			_, _ = bare.Write([]byte("\x17\x03\x03\x00\x20" + strings.Repeat("x", 32)))
		},
		"a close": func(_ *tls.Conn, bare net.Conn) { _ = bare.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHostile(t, "h1")
				h.serve(func(bare net.Conn) {
					c := tls.Server(bare, h.config)
					h.answering(c, func(w io.Writer) {
						// Until the connection is closed, so that TLS's own end might pass for the body's.
						_, _ = io.WriteString(w, okay+"\r\n"+preamble+keepAlive)
						<-time.After(time.Second)
						end(c, bare)
						<-time.After(time.Second)
					})
				})
				if err := h.forAWhile(); !errors.Is(err, errOver) {
					t.Fatal(err)
				}
				_, ends, _ := h.count()
				if len(ends) < 8 {
					t.Errorf("%d connections", len(ends))
				}
				for _, end := range ends {
					if end.Err == io.EOF || end.Elements != 1 || end.Duration > 2*time.Second && !errors.Is(end.Err, errOver) {
						t.Fatalf("%+v", end)
					}
				}
			})
		})
	}
}

func TestTheErrorOfACertificateIsThereToBeFound(t *testing.T) {
	inBothProtocols(t, func(t *testing.T, h *hostile) {
		h.config.Certificates = []tls.Certificate{certify(t, nil, nil)}
		h.serveHTTP(func(http.ResponseWriter, *http.Request) {})
		_, err := h.client().Subscribe(context.Background(), events)
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
			t.Errorf("%v", err)
		}
		if _, ok := errors.AsType[*outlookstream.ConnectionError](err); !ok {
			t.Errorf("%v", err)
		}
	})
}
