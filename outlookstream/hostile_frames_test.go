package outlookstream_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// An h2conn is the server's side of an HTTP/2 connection, frame by frame.
type h2conn struct {
	net.Conn
	framer *http2.Framer
	gone   chan struct{} // closed when the client has

	mu sync.Mutex // of writing
}

// write writes some frames.
func (c *h2conn) write(frames func(*http2.Framer) error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return frames(c.framer) == nil
}

// over waits, and reports whether the client has gone meanwhile.
func (c *h2conn) over(wait time.Duration) bool {
	select {
	case <-time.After(wait):
		return false
	case <-c.gone:
		return true
	}
}

// headers encodes a header of an answer.
func headers(fields ...string) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		_ = encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return block.Bytes()
}

// answer writes a header, and a body if it is not "".
func (c *h2conn) answer(stream uint32, status, body string, end bool) bool {
	return c.write(func(f *http2.Framer) error {
		err := f.WriteHeaders(http2.HeadersFrameParam{
			StreamID: stream, BlockFragment: headers(":status", status, "content-type", "application/json"), EndHeaders: true, EndStream: end && body == "",
		})
		if err == nil && body != "" {
			err = f.WriteData(stream, end, []byte(body))
		}
		return err
	})
}

// serveFrames serves HTTP/2 by hand: a subscription as it should be, and whoever listens with
// what listen writes, on a goroutine of its own. opened, if not nil, is called
// on each new connection before anything is read.
func (h *hostile) serveFrames(opened func(*h2conn), listen func(c *h2conn, stream uint32)) {
	h.serve(func(bare net.Conn) {
		secure := tls.Server(bare, h.config)
		c := &h2conn{Conn: secure, framer: http2.NewFramer(secure, secure), gone: make(chan struct{})}
		var listening sync.WaitGroup
		defer listening.Wait()
		defer close(c.gone)
		defer secure.Close()
		c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(secure, preface); err != nil || !c.write(func(f *http2.Framer) error { return f.WriteSettings() }) {
			return
		}
		if opened != nil {
			opened(c)
		}
		requests := map[uint32]string{}
		for {
			frame, err := c.framer.ReadFrame()
			if err != nil {
				return
			}
			switch frame := frame.(type) {
			case *http2.MetaHeadersFrame:
				requests[frame.StreamID] = frame.PseudoValue("path")
			case *http2.SettingsFrame:
				if !frame.IsAck() {
					c.write(func(f *http2.Framer) error { return f.WriteSettingsAck() })
				}
			case *http2.PingFrame:
				if !frame.IsAck() {
					c.write(func(f *http2.Framer) error { return f.WritePing(true, frame.Data) })
				}
			}
			id := frame.Header().StreamID
			if !frame.Header().Flags.Has(http2.FlagDataEndStream) || id == 0 {
				continue
			}
			path := requests[id]
			delete(requests, id)
			switch {
			case strings.HasSuffix(path, "/subscriptions"):
				c.answer(id, "201", subscribed, true)
			case path != "":
				h.listening()
				if h.deaf {
					listen(c, id)
					return
				}
				listening.Go(func() { listen(c, id) })
			}
		}
	})
}
