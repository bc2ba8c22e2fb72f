package outlookstream

import (
	"net"
	"net/http"
	"time"
)

// NewTransport returns a transport as it is used when Options.HTTPClient brings
// none, to be changed before it becomes one's own: certificates to trust, a
// proxy. It speaks HTTP/2, looks for dead connections (HTTP/2 pings, TCP
// keep-alive), asks for no compression, and bounds what a peer can make it hold.
// Nothing in it bounds the life of a response: a stream has no end.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAliveConfig: keepAlive()}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    15 * time.Second,
		ForceAttemptHTTP2:      true,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		// Each HTTP/1.1 stream holds both for all its life, and most of it is
		// quiet. What is long is read past them.
		ReadBufferSize:  1 << 10,
		WriteBufferSize: 512,
		// A compressor would sit on a notification until its block is full.
		DisableCompression: true,
		HTTP2: &http.HTTP2Config{
			// HTTP/2 pings are off unless asked for.
			SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second,
			// What a stream may bring ahead of a slow loop. The default is 4 MiB.
			MaxReceiveBufferPerStream: 256 << 10,
		},
	}
}

// keepAlive returns how TCP looks for a peer that vanished; the system's
// defaults take minutes.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
}
