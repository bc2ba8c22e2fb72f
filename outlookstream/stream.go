package outlookstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/jsonstream"
)

// A Stream is one connection that listens to subscriptions. It must be closed,
// also after it has failed. Next may be called by one goroutine at a time,
// Close by any at any time.
type Stream struct {
	client      *Client
	diagnostics Diagnostics
	present     func(text string, limit int) string
	ctx         context.Context // for the stream's life
	cancel      context.CancelCauseFunc
	lease       *reconnect.Lease
	body        io.Closer
	watched     *reconnect.IdleReader
	reader      liveReader
	decoder     *jsonstream.Decoder
	opened      time.Time
	closed      atomic.Bool
	lived       atomic.Bool // a byte has come

	status string // of the last keep-alive

	wasKeepAlive bool // the last element that was decoded

	failure  error // what Next goes on returning
	elements atomic.Int64
	ended    atomic.Pointer[error] // failure, for Close, which may look while Next works
}

type listenRequest struct {
	ConnectionTimeoutInMinutes             int
	KeepAliveNotificationIntervalInSeconds int
	SubscriptionIds                        []string
}

// Open listens to subscriptions over one connection. ctx is for the whole life
// of the stream, not only for connecting. One request, no retries, within a
// minute for the token and 30 s for the answer; an *[Error] that is
// ErrSubscriptionGone says that at least one of the ids is unknown to the
// service.
//
// The permissions asked for are Options.Scopes, or those of what was
// subscribed to with this Client.
func (c *Client) Open(ctx context.Context, subscriptionIDs ...string) (*Stream, error) {
	if len(subscriptionIDs) == 0 {
		return nil, errors.New("outlookstream: Open needs at least one subscription id")
	}
	return c.open(ctx, c.pool.Acquire(), subscriptionIDs, c.rememberedScopes())
}

// open takes over the lease.
func (c *Client) open(ctx context.Context, lease *reconnect.Lease, ids, scopes []string) (*Stream, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &Stream{client: c, ctx: ctx, cancel: cancel, lease: lease}
	opened := false
	defer func() { // also if a provider or a Trace function panics
		if !opened {
			cancel(nil)
			lease.Release()
		}
	}()
	if err := s.connect(ids, scopes); err != nil {
		return nil, err
	}
	opened = true
	return s, nil
}

func (s *Stream) connect(ids, scopes []string) error {
	a, err := s.client.send(s.ctx, s.cancel, s.lease, request{
		op:     opListen,
		method: http.MethodPost,
		path:   "GetNotifications",
		body: listenRequest{
			ConnectionTimeoutInMinutes:             int(s.client.opts.ConnectionTimeout / time.Minute),
			KeepAliveNotificationIntervalInSeconds: int(s.client.opts.KeepAlive / time.Second),
			SubscriptionIds:                        ids,
		},
		scopes: scopes,
	})
	if err != nil {
		return err
	}
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if a.StatusCode != http.StatusOK || kind != "" && kind != "application/json" || isCompressed(a.Response) {
		_ = a.Body.Close()
		return &ConnectionError{Op: opListen, Diagnostics: a.diagnostics, Err: fmt.Errorf("%w: %d with %s instead of 200 with application/json (a proxy's page?)",
			ErrMalformed, a.StatusCode, a.present(contentOf(a.Response), maxCode))}
	}
	s.diagnostics = a.diagnostics
	s.present = a.present
	s.opened = time.Now()
	s.body = a.Body
	s.watched = s.client.watchdog.Watch(a.Body, s.dead)
	s.reader = liveReader{r: s.watched, live: s.live}
	s.decoder = jsonstream.NewDecoder(&s.reader, &jsonstream.Options{MaxBytes: s.client.opts.MaxElement})
	call(s.client.opts.Trace.Connected, TraceConnected{Subscriptions: ids, Protocol: a.Proto, Diagnostics: a.diagnostics})
	return nil
}

// isCompressed reports whether a response is compressed, which was not asked
// for. (Encodings that are none, such as "utf-8", occur; the decoder will see.)
func isCompressed(resp *http.Response) bool {
	switch strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))) {
	case "gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress":
		return true
	default:
		return false
	}
}

// Next waits for the next element and returns it, keep-alives included, as
// soon as its last byte has arrived.
//
// io.EOF, bare, says that the service ended the stream as it should; open it
// again with the same subscriptions. A *[SkippedError] leaves the stream as it
// is: call Next again. After any other error Next returns the same error again:
// an *[Error] that the service sent inside the stream, or a *[ConnectionError]
// with ErrIdle, ErrMalformed, the error of the network, or the cause of the
// context's end.
//
// Silence is not waited through, and neither is an element without an end: one
// call takes five minutes at most, or what Options.KeepAlive and
// Options.MaxElement make of it.
func (s *Stream) Next() (*Notification, error) {
	n, status, err := s.next()
	if n == nil && err == nil {
		n = &Notification{ODataType: keepAliveType, Status: status, Received: s.reader.at}
	}
	return n, err
}

// next is Next, but does not make a notification of an ordinary keep-alive: of
// that it returns the status only.
func (s *Stream) next() (n *Notification, status string, err error) {
	if err := s.over(); err != nil {
		return nil, "", err
	}
	s.watched.Begin()
	raw, err := s.decoder.Next()
	received := s.reader.received()
	if err != nil {
		return nil, "", s.notDecoded(err)
	}
	if s.wasKeepAlive && s.decoder.Repeats() {
		return nil, s.keepAlive(), nil
	}
	return s.decode(raw, received)
}

// over returns why nothing more will come; nil if something may.
func (s *Stream) over() error {
	if s.failure == nil && s.ctx.Err() != nil {
		return s.fail(s.explain(context.Cause(s.ctx)))
	}
	return s.failure
}

// notDecoded says what the decoder's error means to the stream.
func (s *Stream) notDecoded(err error) error {
	if errors.Is(err, jsonstream.ErrTooLarge) {
		return &SkippedError{Offset: s.decoder.InputOffset(), Err: fmt.Errorf("%w: more than %d bytes", ErrTooLarge, s.client.opts.MaxElement)}
	}
	return s.fail(s.explain(err))
}

// decode is apart from next so that its frame is not on the stack of those who
// wait.
func (s *Stream) decode(raw []byte, received time.Time) (n *Notification, status string, err error) {
	var h header
	for name, value := range s.decoder.Fields() {
		h.take(name, value)
	}
	if s.wasKeepAlive = h.isKeepAlive(); s.wasKeepAlive {
		if string(h.status) != s.status {
			s.status = string(h.status)
		}
		return nil, s.keepAlive(), nil
	}
	if h.members > 0 && !h.unusual {
		n = h.notification(received)
	} else if n, err = s.decodeUnusual(raw, received); err != nil {
		return nil, "", err
	}
	s.elements.Add(1)
	if n.IsKeepAlive() {
		s.traceKeepAlive(n.Status)
	}
	return n, "", nil
}

// decodeUnusual decodes what a header has no room for.
func (s *Stream) decodeUnusual(raw []byte, received time.Time) (*Notification, error) {
	n, refusal, err := decodeElement(raw, received)
	if refusal != nil {
		return nil, s.fail(s.said(refusal))
	}
	if err != nil {
		s.elements.Add(1)
		return nil, &SkippedError{Offset: s.decoder.InputOffset(), Err: err}
	}
	return n, nil
}

// keepAlive takes note of an ordinary keep-alive with the status at hand.
func (s *Stream) keepAlive() (status string) {
	s.elements.Add(1)
	if s.client.opts.Trace.KeepAlive != nil {
		s.traceKeepAlive(s.status)
	}
	return s.status
}

// traceKeepAlive is not to be inlined: what it passes is large, and would be on
// the stack of everybody who waits.
//
//go:noinline
func (s *Stream) traceKeepAlive(status string) {
	call(s.client.opts.Trace.KeepAlive, TraceKeepAlive{Status: status, Diagnostics: s.diagnostics})
}

// dead ends a connection that brings nothing any more.
func (s *Stream) dead(overdue bool) {
	switch {
	case overdue:
		s.cancel(overdueError(s.client.elementTime))
	case !s.lived.Load():
		s.cancel(errNeverLived)
	default:
		s.cancel(ErrIdle)
	}
}

// live is called at the first byte of the stream.
func (s *Stream) live() {
	s.lived.Store(true)
	call(s.client.opts.Trace.Live, TraceLive{After: time.Since(s.opened), Diagnostics: s.diagnostics})
	s.watched.Begin() // the time of a caller's function is not the service's
}

// goodFor returns how long ago the connection was opened; 0 if it brought
// nothing. (A loop's slow body counts, too: what matters is that connections
// that were good cannot be many.)
func (s *Stream) goodFor() time.Duration {
	if s.elements.Load() == 0 {
		return 0
	}
	return time.Since(s.opened)
}

// fail notes what Next goes on returning.
func (s *Stream) fail(err error) error {
	s.failure = err
	s.ended.Store(&err)
	return err
}

// explain says why the decoder could not go on.
func (s *Stream) explain(err error) error {
	if err == io.EOF { // only the bare one is a complete document
		return io.EOF
	}
	cause := context.Cause(s.ctx)
	if cause == nil || errors.Is(cause, ErrIdle) {
		s.lease.Abandon() // the Transport does not see that an HTTP/2 connection is dead
	}
	failure := &ConnectionError{Op: opListen, Diagnostics: s.diagnostics}
	switch syntax, ok := errors.AsType[*jsonstream.SyntaxError](err); {
	case cause != nil:
		failure.Err = cause
	case ok:
		// An error may take the place of the whole stream, with status 200.
		var refusal wireError
		if json.Unmarshal(s.decoder.Member("error"), &refusal) == nil && refusal.Code != "" {
			return s.said(&refusal)
		}
		failure.Err = fmt.Errorf("%w: %w", ErrMalformed, syntax)
	default:
		failure.Err = service.Cleaned(fmt.Errorf("the connection broke: %w", err), s.present)
	}
	return failure
}

// said makes an Error of one that came with the status of success.
func (s *Stream) said(refusal *wireError) *Error {
	return &Error{
		Op:          opListen,
		Status:      http.StatusOK,
		Code:        s.present(refusal.Code, maxCode),
		Message:     s.present(refusal.Message, maxMessage),
		Diagnostics: s.diagnostics,
	}
}

// Close ends the stream and makes a waiting Next return net.ErrClosed. Calls
// after the first do nothing.
func (s *Stream) Close() error {
	if !s.closed.CompareAndSwap(false, true) {
		return nil
	}
	s.cancel(net.ErrClosed)
	s.watched.Stop()
	_ = s.body.Close() // it was cancelled: there is nothing to learn from it
	s.lease.Release()
	end := TraceDisconnected{Duration: time.Since(s.opened), Elements: int(s.elements.Load()), Diagnostics: s.diagnostics}
	if failure := s.ended.Load(); failure != nil {
		end.Err = *failure
	} else {
		end.Err = context.Cause(s.ctx)
	}
	call(s.client.opts.Trace.Disconnected, end)
	return nil
}
