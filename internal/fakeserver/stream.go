package fakeserver

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// How a stream ends, other than by a write that failed.
var (
	errEnded = errors.New("the response ends")       // the handler returns, so that HTTP ends it properly
	errAbort = errors.New("the response is aborted") // HTTP/1.1: no last chunk; HTTP/2: RST_STREAM
	errReset = errors.New("the connection is reset")
)

// stream is one GetNotifications call. Its own goroutine, the handler's, does everything but inject and poke.
//
// It notices that its client has gone only by a write that fails, as the service does, and not by the request's context.
type stream struct {
	server    *Server
	r         *http.Request
	listener  *listener
	user      string
	base      string
	out       *wire
	keepAlive time.Duration
	nextAlive time.Time
	end       time.Time
	claims    claims
	hasOne    bool // an element has been written: the next one needs a comma
	held      []element

	mu       sync.Mutex
	injected [][]byte
}

// element is one member of the array, as it is written. note is nil for what is not a notification.
type element struct {
	body []byte
	note *notification
}

func newStream(s *Server, c *call, l *listener, req listenRequest) *stream {
	now := time.Now()
	return &stream{
		server: s, r: c.r, listener: l, user: c.user.User, base: c.base,
		out:       newWire(c.w),
		claims:    claims{armory: s.armory, on: onStream, user: c.user.User},
		keepAlive: req.keepAlive,
		nextAlive: now.Add(req.keepAlive),
		end:       now.Add(req.timeout),
	}
}

func (st *stream) poke() { st.listener.poke() }

// InjectRaw writes an element, whatever it is, into every stream that is open now, with a comma before it where one
// belongs. It returns how many streams that were.
func (s *Server) InjectRaw(element string) int {
	streams := s.openStreams()
	for _, st := range streams {
		st.mu.Lock()
		st.injected = append(st.injected, []byte(element))
		st.mu.Unlock()
		st.poke()
	}
	return len(streams)
}

func (st *stream) takeInjected() [][]byte {
	st.mu.Lock()
	defer st.mu.Unlock()
	raw := st.injected
	st.injected = nil
	return raw
}

// run writes the document. It returns why the stream ended.
func (st *stream) run() error {
	err := st.write()
	if len(st.held) > 0 { // held back, and never written
		st.server.store.putBack(notes(st.held))
	}
	return err
}

func (st *stream) write() error {
	if err := st.open(); err != nil {
		return err
	}
	timer := time.NewTimer(st.keepAlive)
	defer timer.Stop()
	for {
		if err := st.drain(); err != nil {
			return err
		}
		now := time.Now()
		if !now.Before(st.end) {
			return st.finish()
		}
		if !now.Before(st.nextAlive) {
			st.nextAlive = st.nextAlive.Add(st.keepAlive)
			if st.nextAlive.Before(now) { // writing was held up
				st.nextAlive = now.Add(st.keepAlive)
			}
			if err := st.send(element{body: st.keepAliveElement()}); err != nil {
				return err
			}
			continue
		}
		next := st.nextAlive
		if st.end.Before(next) {
			next = st.end
		}
		timer.Reset(time.Until(next))
		select {
		case <-timer.C:
		case <-st.listener.wake:
		case <-st.server.live.done:
			return errAbort
		case <-closing(st.r):
			return errAbort
		}
	}
}

// drain writes everything that waits.
func (st *stream) drain() error {
	for {
		if err := st.strikeBetween(); err != nil {
			return err
		}
		for _, raw := range st.takeInjected() {
			if err := st.send(element{body: raw}); err != nil {
				return err
			}
		}
		n, over := st.server.store.next(st.listener)
		if n == nil {
			if over {
				return st.finish()
			}
			return nil
		}
		if err := st.sendNotification(n); err != nil {
			return err
		}
	}
}

// open writes the headers and the preamble, at once.
func (st *stream) open() error {
	st.claim(true)
	if err := st.out.begin(); err != nil {
		return err
	}
	if f, ok := st.shape(doCutAtByte); ok {
		st.out.cutAt = f.Bytes
	}
	text := `{"@odata.context":"` + st.base + `/metadata#Notifications"`
	if _, ok := st.shape(doMissingValue); ok {
		if err := st.out.write([]byte(text + "}")); err != nil {
			return err
		}
		return errEnded
	}
	text += `,"value":[`
	if _, ok := st.shape(doPretty); ok {
		text = "{\n  \"@odata.context\": \"" + st.base + "/metadata#Notifications\",\n  \"value\": ["
	}
	if _, ok := st.shape(doDoubleBrace); ok {
		text = "{ " + text
	}
	if _, ok := st.shape(doBOM); ok {
		text = "\uFEFF" + text
	}
	if _, ok := st.shape(doCoalesce); ok {
		st.out.pending = []byte(text) // goes out with the first elements
		return nil
	}
	return st.out.write([]byte(text))
}

// finish closes the document.
func (st *stream) finish() error {
	if err := st.release(); err != nil {
		return err
	}
	text := "]}"
	if _, ok := st.shape(doPretty); ok {
		text = "\n  ]\n}\n"
	}
	if err := st.out.write([]byte(text)); err != nil {
		return err
	}
	return errEnded
}

func notes(elements []element) []*notification {
	var list []*notification
	for _, e := range elements {
		if e.note != nil {
			list = append(list, e.note)
		}
	}
	return list
}
