package main

import (
	"fmt"
	"sync"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
)

// A tally remembers what was printed, to be compared with what the server knows
// to have changed.
type tally struct {
	mu   sync.Mutex
	seen []fakeserver.Seen
}

// add takes note of an event that was printed when the server's ledger had
// come to seq.
func (t *tally) add(event outlookstream.Event, seq int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = append(t.seen, fakeserver.Seen{
		Resource:   event.Resource,
		ChangeType: event.Kind.String(),
		ID:         event.ID,
		Version:    event.Version,
		Time:       event.Received,
		Resync:     event.Kind == outlookstream.Resync,
		LedgerSeq:  seq,
	})
}

// A demoCount says what became of the changes that were made.
type demoCount struct {
	made      int
	delivered int // as events of their own
	announced int // not delivered, but a later Resync said so
	onTheWay  int // neither, because the demo was stopped before it could be
	lost      int // neither
}

// String is the last line of the demo.
func (c demoCount) String() string {
	text := fmt.Sprintf("changes made: %d, delivered: %d, announced as possibly missed: %d, lost silently: %d",
		c.made, c.delivered, c.announced, c.lost)
	if c.onTheWay > 0 {
		text += fmt.Sprintf(" (stopped before delivery: %d)", c.onTheWay)
	}
	return text
}

// count asks the server, and by unheard, which of its changes nobody was told
// of. stopped says that the watch had no time to end in peace: then what is newer
// than the last change delivered was still on its way.
func (t *tally) count(server *fakeserver.Server, unheard func(*fakeserver.Server, []fakeserver.Seen) []fakeserver.Entry, stopped bool) demoCount {
	t.mu.Lock()
	var changes []fakeserver.Seen
	for _, s := range t.seen {
		if !s.Resync {
			changes = append(changes, s)
		}
	}
	all := t.seen
	t.mu.Unlock()

	ledger := server.Ledger()
	undelivered := unheard(server, changes)
	lost := unheard(server, all)
	c := demoCount{
		made:      len(ledger),
		delivered: len(ledger) - len(undelivered),
		announced: len(undelivered) - len(lost),
		lost:      len(lost),
	}
	if !stopped {
		return c
	}
	missing := make(map[int64]bool)
	for _, entry := range undelivered {
		missing[entry.Seq] = true
	}
	var last int64 // delivered
	for _, entry := range ledger {
		if !missing[entry.Seq] {
			last = entry.Seq
		}
	}
	for _, entry := range lost {
		if entry.Seq > last {
			c.onTheWay++
			c.lost--
		}
	}
	return c
}
