package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/bench/data"
)

// A stream is an open response that sends what it is told to.
type stream struct {
	*sender
	source *source
	sent   int
	buf    []byte
	done   chan struct{}
	end    func() // closes done, once
}

// The forms in which an element is sent.
const (
	whole    = "whole"    // in one write; the clock is read before it
	lastByte = "lastbyte" // all of it but a byte, a pause; the clock is read before the byte
)

// pause is how long the last byte is held back.
const pause = 500 * time.Microsecond

// An order says what to send to the streams of a group, each in its turn.
type order struct {
	Group   string
	Streams int // how many to wait for
	Count   int // of elements, in all
	Gap     time.Duration
	Form    string
}

// hang opens a stream that sends nothing by itself.
func (s *server) hang(w http.ResponseWriter, r *http.Request) {
	kind, err := kindOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	out, err := newSender(w, r)
	if err != nil {
		return
	}
	defer out.close()
	if send(out, []byte(data.Head)) != nil {
		return
	}
	st := &stream{sender: out, source: s.source(kind, true), done: make(chan struct{})}
	st.end = sync.OnceFunc(func() { close(st.done) })
	s.update(func() {
		group := r.PathValue("group")
		s.groups[group] = append(s.groups[group], st)
	})
	select {
	case <-st.done:
		_ = send(out, []byte(data.Tail)) // the client may have gone already
	case <-r.Context().Done():
	}
}

func (s *server) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// group waits until a group has as many streams.
func (s *server) group(ctx context.Context, name string, streams int) ([]*stream, error) {
	for {
		s.mu.Lock()
		group, changed := s.groups[name], s.changed
		s.mu.Unlock()
		if len(group) >= streams {
			return group, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d streams came: %w", len(group), streams, ctx.Err())
		}
	}
}

// send follows an order and answers when each element was sent.
func (s *server) send(w http.ResponseWriter, r *http.Request) {
	times, err := func() ([]int64, error) {
		var o order
		if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
			return nil, err
		}
		ticks, err := newClock()
		if err != nil {
			return nil, err
		}
		streams, err := s.group(r.Context(), o.Group, o.Streams)
		if err != nil {
			return nil, err
		}
		var times []int64
		for i := range o.Count {
			at, err := streams[i%len(streams)].next(o.Form, ticks)
			if err != nil {
				return nil, err
			}
			times = append(times, at)
			time.Sleep(o.Gap)
		}
		return times, nil
	}()
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	_ = json.NewEncoder(w).Encode(times)
}

// next sends the next element and returns when.
func (st *stream) next(form string, ticks clock) (int64, error) {
	st.buf = st.source.append(st.buf[:0], st.sent)
	st.sent++
	e := st.buf
	if form == lastByte {
		if err := st.write(st.frame(nil, e[:len(e)-1])); err != nil {
			return 0, err
		}
		e = e[len(e)-1:]
		time.Sleep(pause)
	}
	framed := st.frame(nil, e)
	at := ticks.now()
	return at, st.write(framed)
}

// end ends the streams of a group.
func (s *server) end(_ http.ResponseWriter, r *http.Request) {
	name := r.FormValue("group")
	s.update(func() {
		for _, st := range s.groups[name] {
			st.end()
		}
		delete(s.groups, name)
	})
}
