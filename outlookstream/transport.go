package outlookstream

import (
	"net"
	"net/http"
	"time"
)

// newTransport returns the transport that is used when the caller brings none.
// Nothing in it bounds the life of a response: a stream has no end.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAliveConfig: keepAlive()}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    15 * time.Second,
		ForceAttemptHTTP2:      true,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		// A compressor would sit on a notification until its block is full.
		DisableCompression: true,
		// HTTP/2 pings are off unless asked for.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
}

// keepAlive returns how TCP looks for a peer that vanished; the system's
// defaults take minutes.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
}
