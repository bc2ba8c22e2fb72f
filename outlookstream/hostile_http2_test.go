package outlookstream_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/calwatch/calwatch/outlookstream"
)

// An HTTP/2 server that keeps to no rules. None of it may end a watch for good,
// hold it, or make it hurry.

// inVirtualHTTP2 runs test with a hostile server in virtual time.
func inVirtualHTTP2(t *testing.T, test func(t *testing.T, h *hostile)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newHostile(t, "h2")) })
}

// notes writes notifications every few seconds until the client has gone.
func notes(c *h2conn, stream uint32, from int) {
	for i := from; !c.over(10 * time.Second); i++ {
		text := fmt.Sprintf(`{"SubscriptionId":"x","SequenceNumber":%d,"ChangeType":"Created","ResourceData":{"Id":"%d"}}`, i, i)
		if i > 1 {
			text = "," + text
		}
		c.write(func(f *http2.Framer) error { return f.WriteData(stream, false, []byte(text)) })
	}
}

func TestAGracefulGoAwayDoesNotDisturbTheStreamsItCovers(t *testing.T) {
	inVirtualHTTP2(t, func(t *testing.T, h *hostile) {
		h.serveFrames(nil, func(c *h2conn, stream uint32) {
			c.answer(stream, "200", preamble, false)
			c.write(func(f *http2.Framer) error { return f.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil) })
			c.write(func(f *http2.Framer) error { return f.WriteGoAway(stream, http2.ErrCodeNo, []byte("bye")) })
			notes(c, stream, 1)
		})
		h.undisturbed(100, 0)
		if h.net.dialed() != 1 {
			t.Errorf("%d connections", h.net.dialed())
		}
	})
}

var everyCode = []http2.ErrCode{
	http2.ErrCodeNo, http2.ErrCodeProtocol, http2.ErrCodeInternal, http2.ErrCodeFlowControl, http2.ErrCodeSettingsTimeout, http2.ErrCodeStreamClosed,
	http2.ErrCodeFrameSize, http2.ErrCodeRefusedStream, http2.ErrCodeCancel, http2.ErrCodeCompression, http2.ErrCodeConnect,
	http2.ErrCodeEnhanceYourCalm, http2.ErrCodeInadequateSecurity, http2.ErrCodeHTTP11Required, 0xdead,
}

func TestGoAwayAndResetOfAnyCodeAreTriedAgainAndSpaced(t *testing.T) {
	for _, code := range everyCode {
		goAway := func(last uint32) func(f *http2.Framer) error {
			return func(f *http2.Framer) error { return f.WriteGoAway(last, code, []byte(hostileToken+"\x1b[2J")) }
		}
		reset := func(stream uint32) func(f *http2.Framer) error {
			return func(f *http2.Framer) error { return f.WriteRSTStream(stream, code) }
		}
		for name, tt := range map[string]struct {
			opened func(*h2conn)
			listen func(c *h2conn, stream uint32)
		}{
			"GOAWAY at once": {opened: func(c *h2conn) { c.write(goAway(0)) }},
			"GOAWAY before the answer, which it leaves out": {listen: func(c *h2conn, stream uint32) { c.write(goAway(stream - 2)) }},
			"GOAWAY before the answer, which it covers":     {listen: func(c *h2conn, stream uint32) { c.write(goAway(stream)); _ = c.over(time.Second); _ = c.Close() }},
			"GOAWAY in the middle, which it leaves out": {listen: func(c *h2conn, stream uint32) {
				c.answer(stream, "200", preamble+keepAlive, false)
				c.write(goAway(stream - 2))
			}},
			"GOAWAY in the middle and no more": {listen: func(c *h2conn, stream uint32) {
				c.answer(stream, "200", preamble+keepAlive, false)
				c.write(goAway(stream))
			}},
			"RST_STREAM before the answer": {listen: func(c *h2conn, stream uint32) { c.write(reset(stream)) }},
			"RST_STREAM in the middle": {listen: func(c *h2conn, stream uint32) {
				c.answer(stream, "200", preamble+keepAlive+`,{"a`, false)
				c.write(reset(stream))
			}},
			"RST_STREAM after the end": {listen: func(c *h2conn, stream uint32) {
				c.answer(stream, "200", preamble+"]}", true)
				c.write(reset(stream))
			}},
		} {
			t.Run(fmt.Sprint(code, " ", name), func(t *testing.T) {
				inVirtualHTTP2(t, func(t *testing.T, h *hostile) {
					listen := tt.listen
					if listen == nil {
						listen = func(*h2conn, uint32) {}
					}
					h.serveFrames(tt.opened, listen)
					if err := h.forAWhile(time.Minute); !errors.Is(err, errOver) {
						t.Error(err)
					}
				})
			})
		}
	}
}

func TestFramesInNoOrderAreTriedAgainAndSpaced(t *testing.T) {
	for name, listen := range map[string]func(f *http2.Framer, stream uint32) error{
		"DATA before HEADERS": func(f *http2.Framer, s uint32) error { return f.WriteData(s, false, []byte("{")) },
		"DATA of no stream": func(f *http2.Framer, s uint32) error {
			f.AllowIllegalWrites = true
			return f.WriteData(0, false, []byte("{"))
		},
		"DATA of a stream of the future": func(f *http2.Framer, s uint32) error { return f.WriteData(s+2, false, []byte("{")) },
		"CONTINUATION of nothing":        func(f *http2.Framer, s uint32) error { return f.WriteContinuation(s, true, nil) },
		"PUSH_PROMISE": func(f *http2.Framer, s uint32) error {
			return f.WritePushPromise(http2.PushPromiseParam{StreamID: s, PromiseID: 2, BlockFragment: headers(":path", "/"), EndHeaders: true})
		},
		"HEADERS within HEADERS": func(f *http2.Framer, s uint32) error {
			_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: s, BlockFragment: headers(":status", "200")})
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: s, BlockFragment: headers(":status", "200"), EndHeaders: true})
		},
		"HEADERS without a status": func(f *http2.Framer, s uint32) error {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: s, BlockFragment: headers("a", "b"), EndHeaders: true})
		},
		"HEADERS of another protocol": func(f *http2.Framer, s uint32) error {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: s, BlockFragment: headers(":status", "200", "connection", "close", "Upper", "x"), EndHeaders: true})
		},
		"HEADERS that do not decode": func(f *http2.Framer, s uint32) error {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: s, BlockFragment: []byte{0xff, 0xff, 0xff, 0xff, 0xff}, EndHeaders: true})
		},
		"an odd stream of the server's": func(f *http2.Framer, s uint32) error {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: s + 100, BlockFragment: headers(":status", "200"), EndHeaders: true})
		},
		"WINDOW_UPDATE by nothing": func(f *http2.Framer, s uint32) error {
			return f.WriteRawFrame(http2.FrameWindowUpdate, 0, s, make([]byte, 4))
		},
		"WINDOW_UPDATE to overflow": func(f *http2.Framer, s uint32) error {
			_ = f.WriteWindowUpdate(0, 1<<31-1)
			return f.WriteWindowUpdate(0, 1<<31-1)
		},
		"SETTINGS that make no sense": func(f *http2.Framer, s uint32) error {
			return f.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31})
		},
		"SETTINGS acknowledged twice": func(f *http2.Framer, s uint32) error { _ = f.WriteSettingsAck(); return f.WriteSettingsAck() },
		"no stream may be opened": func(f *http2.Framer, s uint32) error {
			return f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
		},
		"a frame that is too large": func(f *http2.Framer, s uint32) error {
			return f.WriteRawFrame(http2.FrameData, 0, s, make([]byte, 1<<20))
		},
		"a length that is not": func(f *http2.Framer, s uint32) error { return f.WriteRawFrame(http2.FramePing, 0, 0, []byte("x")) },
		"an unknown frame":     func(f *http2.Framer, s uint32) error { return f.WriteRawFrame(0xbe, 0xff, s, []byte("x")) },
		"padding that is more than all": func(f *http2.Framer, s uint32) error {
			return f.WriteRawFrame(http2.FrameData, http2.FlagDataPadded, s, []byte{255, 1})
		},
		"an ORIGIN of somebody": func(f *http2.Framer, s uint32) error {
			return f.WriteRawFrame(0xc, 0, 0, []byte("\x00\x11https://evil.test"))
		},
	} {
		for _, after := range []bool{false, true} { // the answer has begun
			t.Run(fmt.Sprint(name, " ", after), func(t *testing.T) {
				inVirtualHTTP2(t, func(t *testing.T, h *hostile) {
					h.serveFrames(nil, func(c *h2conn, stream uint32) {
						if after {
							c.answer(stream, "200", preamble+keepAlive, false)
						}
						c.write(func(f *http2.Framer) error { return listen(f, stream) })
					})
					if err := h.forAWhile(time.Minute); !errors.Is(err, errOver) {
						t.Error(err)
					}
				})
			})
		}
	}
}

// Frames without content are no sign of life, however many they are.
func TestAFloodOfFramesWithoutContentDoesNotHoldAWatch(t *testing.T) {
	block := headers(":status", "103", "link", strings.Repeat("x", 1000))
	for name, tt := range map[string]struct {
		frame func(f *http2.Framer, stream uint32) error
		end   error // nil: whatever
	}{
		"PING":              {func(f *http2.Framer, s uint32) error { return f.WritePing(false, [8]byte{}) }, outlookstream.ErrIdle},
		"acknowledged PING": {func(f *http2.Framer, s uint32) error { return f.WritePing(true, [8]byte{}) }, outlookstream.ErrIdle},
		"SETTINGS":          {func(f *http2.Framer, s uint32) error { return f.WriteSettings() }, nil},
		"SETTINGS with much": {func(f *http2.Framer, s uint32) error {
			return f.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: 1<<32 - 1})
		}, nil},
		"empty DATA":      {func(f *http2.Framer, s uint32) error { return f.WriteData(s, false, nil) }, outlookstream.ErrIdle},
		"DATA of padding": {func(f *http2.Framer, s uint32) error { return f.WriteDataPadded(s, false, nil, make([]byte, 255)) }, outlookstream.ErrIdle},
		"WINDOW_UPDATE":   {func(f *http2.Framer, s uint32) error { return f.WriteWindowUpdate(s, 1) }, outlookstream.ErrIdle},
		"PRIORITY": {func(f *http2.Framer, s uint32) error {
			return f.WritePriority(s, http2.PriorityParam{StreamDep: 1 << 20})
		}, outlookstream.ErrIdle},
		"RST_STREAM of others": {func(f *http2.Framer, s uint32) error { return f.WriteRSTStream(s+100, http2.ErrCodeCancel) }, outlookstream.ErrIdle},
		"unknown frames":       {func(f *http2.Framer, s uint32) error { return f.WriteRawFrame(0xbe, 0, s, make([]byte, 100)) }, outlookstream.ErrIdle},
		"GOAWAY":               {func(f *http2.Framer, s uint32) error { return f.WriteGoAway(s, http2.ErrCodeNo, nil) }, outlookstream.ErrIdle},
		"trailers": {func(f *http2.Framer, s uint32) error {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: s, BlockFragment: block, EndHeaders: true})
		}, nil},
		"CONTINUATION": {func(f *http2.Framer, s uint32) error {
			f.AllowIllegalWrites = true
			return f.WriteContinuation(s, false, block)
		}, nil},
	} {
		for _, answered := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", answered), func(t *testing.T) {
				inVirtualHTTP2(t, func(t *testing.T, h *hostile) {
					h.serveFrames(nil, func(c *h2conn, stream uint32) {
						if answered {
							c.answer(stream, "200", preamble+keepAlive, false)
						}
						if name == "CONTINUATION" {
							c.write(func(f *http2.Framer) error {
								return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block})
							})
						}
						for !c.over(100 * time.Millisecond) {
							for range 5 {
								if !c.write(func(f *http2.Framer) error { return tt.frame(f, stream) }) {
									return
								}
							}
						}
					})
					if err := h.forAWhile(2 * time.Minute); !errors.Is(err, errOver) {
						t.Error(err)
					}
					_, ends, waits := h.count()
					if len(waits) < 2 {
						t.Errorf("%d attempts", len(waits))
					}
					for _, end := range ends {
						if tt.end != nil && !errors.Is(end.Err, tt.end) && !errors.Is(end.Err, errOver) || end.Duration > 36*time.Second {
							t.Errorf("%+v", end)
						}
					}
				})
			})
		}
	}
}

// A server that does not read makes whoever writes to it wait, and a Transport
// writes while it reads: acknowledgments, and news of room. Neither must a
// watch wait with it, nor the end of one. (In real time: goroutines that wait
// for a mutex stop virtual time.)
func TestAServerThatReadsNothingDoesNotHoldAWatch(t *testing.T) {
	for name, skipping := range map[string]bool{"whoever reads": true, "whoever closes": false} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t, "h2")
			h.deaf = true
			h.opts.HTTPClient.Transport.(*http.Transport).HTTP2 = &http.HTTP2Config{WriteByteTimeout: 300 * time.Millisecond}
			h.serveFrames(nil, func(c *h2conn, stream uint32) {
				c.answer(stream, "200", preamble+keepAlive+`,{"a":"`, false)
				text := []byte(strings.Repeat("x", 512))
				for range 10_000 { // until everything in between is full
					if !c.write(func(f *http2.Framer) error {
						for range 10 {
							_ = f.WritePing(false, [8]byte{})
						}
						return f.WriteData(stream, false, text)
					}) {
						return
					}
				}
			})
			stream := h.open(t.Context())
			over := make(chan error, 1)
			go func() {
				_, err := stream.Next()
				for skipping && (err == nil || errors.Is(err, outlookstream.ErrTooLarge)) {
					_, err = stream.Next()
				}
				if !skipping {
					<-time.After(50 * time.Millisecond) // in which everything fills
				}
				over <- stream.Close()
			}()
			select {
			case <-over:
			case <-time.After(10 * time.Second):
				t.Error("it is held")
			}
		})
	}
}
