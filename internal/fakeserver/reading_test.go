package fakeserver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing/synctest"
)

// reading is an open stream, read by a goroutine as fast as it comes.
type reading struct {
	resp   *http.Response
	cancel context.CancelFunc
	chunks chan string
	ended  chan error // what ended it: nil for EOF
	text   string     // what has been read so far
}

// listen opens a stream with an hour and a keep-alive interval of 10 s.
func (f *fixture) listen(ids ...string) *reading {
	f.t.Helper()
	return f.listenFor(60, 10, ids...)
}

func (f *fixture) listenFor(minutes, seconds int, ids ...string) *reading {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	resp, err := f.http.Do(f.request(ctx, "POST", "/api/beta/Me/GetNotifications", listenBody(minutes, seconds, ids...)))
	if err != nil {
		cancel()
		f.t.Fatalf("listen: %v", err)
	}
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		cancel()
		f.t.Fatalf("listen: status %d: %s", resp.StatusCode, b)
	}
	r := &reading{resp: resp, cancel: cancel, chunks: make(chan string), ended: make(chan error, 1)}
	go func() {
		defer close(r.chunks)
		defer resp.Body.Close()
		buf := make([]byte, 8<<20)
		for {
			n, err := resp.Body.Read(buf)
			if n > 0 {
				select {
				case r.chunks <- string(buf[:n]):
				case <-ctx.Done():
					r.ended <- ctx.Err()
					return
				}
			}
			if err != nil {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				r.ended <- err
				return
			}
		}
	}()
	return r
}

// now returns what has come since the last call, without letting time pass.
func (r *reading) now() string {
	var b strings.Builder
	for {
		synctest.Wait()
		select {
		case chunk, ok := <-r.chunks:
			if ok {
				b.WriteString(chunk)
				continue
			}
		default:
		}
		r.text += b.String()
		return b.String()
	}
}

// rest reads to the end. failed says that the end was not a proper one.
func (r *reading) rest() (text string, failed bool) {
	var b strings.Builder
	for chunk := range r.chunks {
		b.WriteString(chunk)
	}
	r.text += b.String()
	return b.String(), <-r.ended != nil
}

// open says whether the stream has not ended.
func (r *reading) open() bool {
	synctest.Wait()
	select {
	case err := <-r.ended:
		r.ended <- err
		return false
	default:
		return true
	}
}
