package fakeserver

import (
	"io"
	"net"
	"net/http"
)

// Tunnel does what a proxy does that is asked to CONNECT. It returns when the
// connection has ended; an error means that there was none.
func Tunnel(w http.ResponseWriter, r *http.Request) error {
	out, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		return err
	}
	defer out.Close()
	in, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer in.Close()
	_, _ = io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(out, in); _ = out.Close() }() // ends with in
	_, _ = io.Copy(in, out)
	return nil
}
