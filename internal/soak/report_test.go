package soak

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
)

var reasons = []struct {
	err  error
	name string
}{
	{ews.ErrPulling, "pulling"}, {outlookstream.ErrStarted, "started"}, {outlookstream.ErrReconnected, "reconnected"}, {outlookstream.ErrResubscribed, "resubscribed"},
	{outlookstream.ErrMissed, "missed"}, {outlookstream.ErrSequence, "sequence"}, {outlookstream.ErrOverflow, "overflow"},
	{outlookstream.ErrRemoved, "removed"}, {outlookstream.ErrTooLarge, "too-large"},
}

func (t *tally) resync(reason error) {
	if t.resyncs == nil {
		t.resyncs = map[string]int{}
	}
	for _, r := range reasons {
		if errors.Is(reason, r.err) {
			t.resyncs[r.name]++
			return
		}
	}
	t.resyncs["unknown"]++
}

func (t *tally) add(r tally) {
	t.runs++
	t.played += r.played
	t.watched += r.watched
	t.changes += r.changes
	t.delivered += r.delivered
	t.announced += r.announced
	t.lost += r.lost
	t.errors += r.errors
	t.attempts += r.attempts
	t.most = max(t.most, r.most)
	t.handshakes += r.handshakes
	t.faults = sum(t.faults, r.faults)
	t.resyncs = sum(t.resyncs, r.resyncs)
}

func sum(a, b map[string]int) map[string]int {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]int{}
	}
	for name, n := range b {
		out[name] += n
	}
	return out
}

// String is the summary, in one line.
func (t *tally) String() string {
	faults := 0
	for _, n := range t.faults {
		faults += n
	}
	return fmt.Sprintf("%d schedules, %.0f virtual hours (%.0f of watching), %d faults of %d kinds, %d changes; delivered: %d, announced: %d, lost silently: %d",
		t.runs, t.played.Hours(), t.watched.Hours(), faults, len(t.faults), t.changes, t.delivered, t.announced, t.lost)
}

// details says which faults and Resyncs there were.
func (t *tally) details() string {
	list := func(m map[string]int) string {
		var out []string
		for _, name := range slices.Sorted(maps.Keys(m)) {
			out = append(out, fmt.Sprintf("%s %d", name, m[name]))
		}
		return strings.Join(out, ", ")
	}
	return fmt.Sprintf("faults: %s\nResyncs: %s\nwatches that ended with an error: %d; attempts: %d, at most %d an hour for a program; NTLM handshakes: %d",
		list(t.faults), list(t.resyncs), t.errors, t.attempts, t.most, t.handshakes)
}

func brief(e fakeserver.Entry) string {
	return fmt.Sprintf("%d %s %s %s", e.Seq, e.ChangeType, e.Resource, e.ID)
}
