package load

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// seen is what the streams of a client have told.
type seen struct {
	record bool

	mu        sync.Mutex
	streams   []seenStream
	open      int // that were opened since the mark
	epoch     int // marks so far
	resyncs   int
	events    int
	lastOpen  time.Time
	latencies []time.Duration
	history   []sighting
}

type seenStream struct {
	epoch int // of the last opening, and 1 more
	then  func()
}

// A sighting is an event as the caller's loop got it.
type sighting struct {
	Resource string
	ID       string // "" for a Resync
	Reason   string `json:",omitempty"`
	At       time.Time
}

func newSeen(record bool) *seen { return &seen{record: record} }

func (s *seen) grow(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams = append(s.streams, make([]seenStream, n-len(s.streams))...)
}

// whenOpen has then called when stream i is opened.
func (s *seen) whenOpen(i int, then func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[i].then = then
}

// opened tells that stream i is open; reason is the Resync's.
func (s *seen) opened(i int, reason string) {
	now := time.Now()
	s.mu.Lock()
	stream := &s.streams[i]
	then := stream.then
	stream.then = nil
	s.resyncs++
	if stream.epoch != s.epoch+1 {
		stream.epoch = s.epoch + 1
		s.open++
		s.lastOpen = now
	}
	if s.record {
		s.history = append(s.history, sighting{Resource: resource(i), Reason: reason, At: now})
	}
	s.mu.Unlock()
	if then != nil {
		then()
	}
}

// changed tells of an event of stream i. id is not kept unless it is recorded.
func (s *seen) changed(i int, id string, data []byte) {
	took, stamped := age(data)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events++
	if stamped {
		s.latencies = append(s.latencies, took)
	}
	if s.record {
		s.history = append(s.history, sighting{Resource: resource(i), ID: id, At: time.Now()})
	}
}

// startRecording has all that is seen from now on kept.
func (s *seen) startRecording() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = true
}

// mark begins a new count.
func (s *seen) mark() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
	s.open, s.resyncs, s.events, s.latencies = 0, 0, 0, nil
}

// wanted is what to wait for: streams that were opened, and events, since the
// mark.
type wanted struct {
	Open, Events int
	Within       time.Duration
}

// What has come since the mark.
type come struct {
	Open, Resyncs, Events int
	LastOpen              time.Time
	All                   bool // that was waited for
}

// await returns what has come when that is enough, or the time is over.
func (s *seen) await(want wanted) (come, error) {
	if want.Within <= 0 {
		return come{}, errors.New("no time to wait")
	}
	end := time.NewTimer(want.Within)
	defer end.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		s.mu.Lock()
		c := come{s.open, s.resyncs, s.events, s.lastOpen, s.open >= want.Open && s.events >= want.Events}
		s.mu.Unlock()
		if c.All {
			return c, nil
		}
		select {
		case <-end.C:
			return c, nil
		case <-look.C:
		}
	}
}

func (s *seen) takeLatencies() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.latencies
	s.latencies = nil
	return taken
}

func (s *seen) all() []sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.history
}

// A verdict says what became of changes.
type verdict struct {
	made, delivered, announced, lost int
}

// judge compares what was made with what was seen. A change is announced if a
// Resync of its resource came after it: the caller lists then, and finds it.
func judge(ledger []made, seen []sighting) verdict {
	type key struct{ resource, id string }
	delivered := make(map[key]bool)
	resynced := make(map[string]time.Time)
	for _, x := range seen {
		if x.ID != "" {
			delivered[key{x.Resource, x.ID}] = true
		} else if x.At.After(resynced[x.Resource]) {
			resynced[x.Resource] = x.At
		}
	}
	var v verdict
	for _, m := range ledger {
		v.made++
		switch {
		case delivered[key{m.Resource, m.ID}]:
			v.delivered++
		case m.At.Before(resynced[m.Resource]):
			v.announced++
		default:
			v.lost++
		}
	}
	return v
}

func (v verdict) String() string {
	return fmt.Sprintf("%d / %d / %d / %d", v.made, v.delivered, v.announced, v.lost)
}

func (v *verdict) add(w verdict) {
	v.made += w.made
	v.delivered += w.delivered
	v.announced += w.announced
	v.lost += w.lost
}
