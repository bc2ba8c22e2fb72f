package ews

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/internal/envelopes"
	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/outlookstream"
)

// A Stream is one connection that listens to subscriptions: see [Session.Open].
// It must be closed, also after it has failed. Next may be called by one
// goroutine at a time, Close by any at any time.
type Stream struct {
	client      *Client
	request     request
	mailboxes   map[string]string // names, by subscription id
	diagnostics outlookstream.Diagnostics
	present     func(text string, limit int) string
	ctx         context.Context // for the stream's life
	cancel      context.CancelCauseFunc
	lease       *reconnect.Lease
	body        io.Closer
	watched     *reconnect.IdleReader
	bytes       arrivals
	reader      *envelopes.Reader
	opened      time.Time
	closed      atomic.Bool
	endedAt     time.Time   // when it was closed; zero: it is open
	lived       atomic.Bool // a byte has come

	pending *Error // came in one envelope with the events that were returned last
	goodbye bool   // the service has said that it closes the stream
	failure error  // what Next goes on returning

	envelopes atomic.Int64
	ended     atomic.Pointer[error] // failure, for Close, which may look while Next works
}

// Next waits for the next envelope and returns what it brings, heartbeats
// included, as soon as its last byte has arrived.
//
// io.EOF, bare, says that the service ended the stream as it should, after the
// Notification with the status "Closed"; open it again with the same
// subscriptions. Two errors leave the stream as it is, so that Next may be
// called again: an *outlookstream.SkippedError, for an envelope that was too
// large or could not be understood, and an *[Error] that is
// outlookstream.ErrMissed, which says of which subscriptions the service has
// lost events. After any other error Next returns the same error again: what
// the service said in the stream, an *[Error]; or a
// *outlookstream.ConnectionError with ErrIdle, ErrMalformed, io.ErrUnexpectedEOF
// for an end that the service had not announced, the error of the network, or
// the cause of the context's end.
//
// Silence is not waited through: twice Options.Heartbeat and 5 s without a byte
// are the end (95 s by default), and so are 5 minutes, or twice the silence,
// without the end of an envelope.
func (st *Stream) Next() (*Notification, error) {
	if err := st.over(); err != nil {
		return nil, err
	}
	if said := st.pending; said != nil {
		st.pending = nil
		return nil, st.told(said)
	}
	if st.goodbye {
		return nil, st.fail(io.EOF)
	}
	st.watched.Begin()
	document, err := st.reader.Next()
	if err != nil {
		return nil, st.notRead(err)
	}
	st.envelopes.Add(1)
	return st.decode(document)
}

// over returns why nothing more will come; nil if something may.
func (st *Stream) over() error {
	if st.failure == nil && st.ctx.Err() != nil {
		return st.fail(st.broken(context.Cause(st.ctx)))
	}
	return st.failure
}

// notRead says what the reader's error means to the stream.
func (st *Stream) notRead(err error) error {
	if errors.Is(err, envelopes.ErrTooLarge) {
		return st.skipped(fmt.Errorf("%w: more than %d bytes", outlookstream.ErrTooLarge, st.client.opts.MaxEnvelope))
	}
	return st.fail(st.explain(err))
}

// decode returns what a document says. An envelope may bring events and the
// news that others are lost: the events come first.
func (st *Stream) decode(document []byte) (*Notification, error) {
	var e streamEnvelope
	if err := xml.Unmarshal(document, &e); err != nil {
		return nil, st.skipped(fmt.Errorf("%w: an envelope that is not well-formed: %s", outlookstream.ErrMalformed, st.present(err.Error(), maxCode)))
	}
	switch {
	case e.XMLName.Local != "Envelope":
		return nil, st.fail(st.failed(fmt.Errorf("%w: <%s> where an envelope was expected (a proxy's page?)",
			outlookstream.ErrMalformed, st.present(e.XMLName.Local, maxCode))))
	case e.Fault != nil:
		return nil, st.told(e.Fault.toError(st.request, st.present))
	case len(e.Messages) == 0:
		return nil, st.skipped(fmt.Errorf("%w: an envelope without a response message", outlookstream.ErrMalformed))
	}
	n := e.notification(st.mailboxes)
	n.Received = st.bytes.last
	st.goodbye = n.Status == statusClosed
	said := e.said(st.request, st.present)
	if said != nil && len(n.Events) == 0 {
		return nil, st.told(said)
	}
	st.pending = said
	if n.IsHeartbeat() {
		call(st.client.opts.Trace.Heartbeat, TraceHeartbeat{Status: n.Status, Diagnostics: st.diagnostics})
	}
	return n, nil
}

// told returns what the service said in the stream.
func (st *Stream) told(said *Error) error {
	said.Status, said.Diagnostics = http.StatusOK, st.diagnostics
	if len(said.Subscriptions) == 1 {
		said.Mailbox = st.mailboxes[said.Subscriptions[0]]
	}
	if said.passes() {
		return said
	}
	if said.BackOff > 0 {
		st.client.busy.note(st.client.charged(st.request.impersonate), said.BackOff)
	}
	return st.fail(said)
}

func (st *Stream) skipped(reason error) error {
	return &outlookstream.SkippedError{Offset: st.reader.InputOffset(), Err: reason}
}

// fail notes what Next goes on returning.
func (st *Stream) fail(err error) error {
	st.failure = err
	st.ended.Store(&err)
	return err
}

func (st *Stream) failed(reason error) *outlookstream.ConnectionError {
	return &outlookstream.ConnectionError{Op: opListen, Err: reason, Diagnostics: st.diagnostics}
}

// errNoGoodbye: a proxy that has had enough ends a response in good order, too.
var errNoGoodbye = fmt.Errorf("the service ended the response without closing the stream: %w", io.ErrUnexpectedEOF)

// explain says why the reader could not go on.
func (st *Stream) explain(err error) error {
	syntax, ok := errors.AsType[*envelopes.SyntaxError](err)
	switch {
	case st.ctx.Err() != nil:
	case err == io.EOF:
		err = errNoGoodbye
	case ok:
		// What came is cut off only after it has been made presentable.
		text := *syntax
		text.Found = st.present(syntax.Found, maxCode)
		err = fmt.Errorf("%w: %w", outlookstream.ErrMalformed, &text)
	default:
		err = service.Cleaned(fmt.Errorf("the connection broke: %w", err), st.present, io.ErrUnexpectedEOF)
	}
	return st.broken(err)
}

// broken is the error of a connection that is not to be used again, unless who
// asked for it has ended it.
func (st *Stream) broken(err error) error {
	cause := context.Cause(st.ctx)
	if cause == nil || errors.Is(cause, outlookstream.ErrIdle) {
		st.lease.Abandon() // the transport may not see that it is dead
	}
	if cause != nil {
		err = cause
	}
	return st.failed(err)
}

// errNeverLived is ErrIdle of a stream that was accepted and never begun.
var errNeverLived = fmt.Errorf("%w: it was accepted, and not a byte came (a proxy that holds back responses?)", outlookstream.ErrIdle)

// An overdueError is ErrIdle of a connection that was not silent: the time it
// had for one envelope is over.
type overdueError struct{ limit time.Duration }

func (e overdueError) Error() string {
	return fmt.Sprintf("bytes came, but no envelope was complete within %v", e.limit)
}

func (overdueError) Unwrap() error { return outlookstream.ErrIdle }

// dead ends a connection that brings nothing any more.
func (st *Stream) dead(overdue bool) {
	switch {
	case overdue:
		st.cancel(overdueError{st.client.opts.envelopeTime()})
	case !st.lived.Load():
		st.cancel(errNeverLived)
	default:
		st.cancel(outlookstream.ErrIdle)
	}
}

// live is called at the first byte of the stream.
func (st *Stream) live() {
	st.lived.Store(true)
	call(st.client.opts.Trace.Live, TraceLive{After: time.Since(st.opened), Diagnostics: st.diagnostics})
	st.watched.Begin() // the time of a caller's function is not the service's
}

// goodFor returns how long the connection has been open; 0 if it brought
// nothing. (A loop's slow body counts, too: what matters is that connections
// that were good cannot be many.)
func (st *Stream) goodFor() time.Duration {
	if st.envelopes.Load() == 0 {
		return 0
	}
	return st.end().Sub(st.opened)
}

// end returns when it was closed; now, if it is open.
func (st *Stream) end() time.Time {
	if st.endedAt.IsZero() {
		return time.Now()
	}
	return st.endedAt
}

// beat reports whether a stream that ended with err, and was closed, had lived on
// beyond its opening: it has brought something when a heartbeat was due, or later.
func (st *Stream) beat(err error) bool {
	last := st.bytes.last
	if errors.Is(err, outlookstream.ErrIdle) {
		// net/http keeps the beginning of a chunk to itself until the end of the
		// chunk comes, or that of the connection.
		last = st.end().Add(-st.client.opts.idleLimit())
	}
	return st.envelopes.Load() > 0 && last.Sub(st.opened) >= st.client.opts.Heartbeat*9/10 // some may come a little early
}

// Close ends the stream, without waiting for what the service has left to say,
// and makes a waiting Next return net.ErrClosed. The subscriptions live on for
// some minutes. Calls after the first do nothing.
func (st *Stream) Close() error {
	if !st.closed.CompareAndSwap(false, true) {
		return nil
	}
	st.endedAt = time.Now()
	st.cancel(net.ErrClosed)
	st.watched.Stop()
	_ = st.body.Close() // it was cancelled: there is nothing to learn from it
	st.lease.Release()
	end := TraceDisconnected{Duration: st.endedAt.Sub(st.opened), Envelopes: int(st.envelopes.Load()), Diagnostics: st.diagnostics}
	if failure := st.ended.Load(); failure != nil {
		end.Err = *failure
	} else {
		end.Err = context.Cause(st.ctx)
	}
	call(st.client.opts.Trace.Disconnected, end)
	return nil
}
