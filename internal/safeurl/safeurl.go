// Package safeurl is the one place that says to which addresses secrets, and
// people who sign in, may be sent.
package safeurl

import (
	"net"
	"net/url"
)

// Is reports whether nobody on the way can read or change what goes to u: it is
// https, or http to a loopback address.
func Is(u *url.URL) bool {
	if u.Host == "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost"
}
