package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A sender is the body of a response, whose bytes go out as they are written.
type sender struct {
	frame func(to, b []byte) []byte // may take time
	write func(framed []byte) error // takes as little as it can
	close func()
}

// newSender begins the response. On HTTP/1.1 it writes to the connection
// itself: net/http's own writer makes three writes of a large chunk.
func newSender(w http.ResponseWriter, r *http.Request) (*sender, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	control := http.NewResponseController(w)
	if r.ProtoMajor == 2 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		return &sender{
			frame: func(to, b []byte) []byte { return append(to, b...) },
			write: func(framed []byte) error {
				if _, err := w.Write(framed); err != nil {
					return err
				}
				return control.Flush()
			},
			close: func() {},
		}, control.Flush()
	}
	conn, buffered, err := control.Hijack()
	if err != nil {
		return nil, err
	}
	if buffered.Reader.Buffered() > 0 {
		_ = conn.Close()
		return nil, errors.New("the client sends more than one request")
	}
	_ = conn.SetDeadline(time.Time{})
	out := &sender{
		frame: func(to, b []byte) []byte {
			to = fmt.Appendf(to, "%x\r\n", len(b))
			return append(append(to, b...), "\r\n"...)
		},
		write: func(framed []byte) error {
			_, err := conn.Write(framed)
			return err
		},
		close: func() {
			_, _ = conn.Write([]byte("0\r\n\r\n"))
			_ = conn.Close()
		},
	}
	stop := context.AfterFunc(r.Context(), func() { _ = conn.Close() })
	closing := out.close
	out.close = func() { stop(); closing() }
	return out, out.write([]byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"))
}

const floodChunk = 64 << 10

func frames(out *sender, b []byte) (framed [][]byte) {
	for len(b) > 0 {
		n := min(len(b), floodChunk)
		framed = append(framed, out.frame(nil, b[:n]))
		b = b[n:]
	}
	return framed
}

func send(out *sender, b []byte) error {
	for _, f := range frames(out, b) {
		if err := out.write(f); err != nil {
			return err
		}
	}
	return nil
}
