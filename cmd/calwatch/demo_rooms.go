package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// demoRooms is how many rooms the demo of Exchange watches.
const demoRooms = 25

// rooms are the mailboxes of the demo of Exchange, and what happens in them: in
// each the meetings of a diary of its own.
type rooms struct {
	server  *fakeserver.Server
	diaries []diary
	turn    int
}

func roomAddress(i int) string { return fmt.Sprintf("room%02d@contoso.test", i+1) }

func newRooms(server *fakeserver.Server) *rooms {
	r := &rooms{server: server}
	for range demoRooms {
		r.diaries = append(r.diaries, newDiary(time.Now()))
	}
	return r
}

// change has something happen in the room whose turn it is.
func (r *rooms) change() error {
	i := r.turn
	r.turn = (r.turn + 7) % demoRooms // all of them have their turn, in no order
	return r.changeIn(i)
}

func (r *rooms) changeIn(i int) error {
	next := r.diaries[i].next()
	next.User = roomAddress(i)
	entries, err := r.server.Change(next.Change)
	if err != nil {
		return err
	}
	next.made(entries[0].ID)
	return nil
}

// resyncs are those that were announced since somebody began to count.
type resyncs struct {
	mu    sync.Mutex
	heard map[string]map[string]bool // reason -> resources
	more  chan struct{}              // closed at the next
}

func newResyncs() *resyncs {
	return &resyncs{heard: make(map[string]map[string]bool), more: make(chan struct{})}
}

func (r *resyncs) add(resource, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.heard[reason] == nil {
		r.heard[reason] = make(map[string]bool)
	}
	r.heard[reason][resource] = true
	close(r.more)
	r.more = make(chan struct{})
}

// begin counts from zero.
func (r *resyncs) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.heard)
}

// now is how many resources have heard a reason; more is closed when another has.
func (r *resyncs) now(reason string) (n int, more <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.heard[reason]), r.more
}

// await waits until n resources have heard a reason.
func (r *resyncs) await(ctx context.Context, reason string, n int) bool {
	for {
		heard, more := r.now(reason)
		if heard >= n {
			return true
		}
		select {
		case <-more:
		case <-ctx.Done():
			return false
		}
	}
}
