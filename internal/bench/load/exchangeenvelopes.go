package load

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
	"github.com/calwatch/calwatch/internal/envelopes"
)

// A reading is one way of reading envelopes from a stream that has no end.
type reading struct {
	name  string
	next  func() error
	close func()
}

var errNoEvents = errors.New("an envelope without its events")

// read is what one of them takes for an envelope.
type read struct{ ns, allocs float64 }

// envelopes compares ways of reading events: the library's with an xml.Decoder
// on the stream itself, which does not survive what comes between two envelopes,
// and has no limit.
func (r *runner) envelopes() error {
	t := results.Table{
		Title: "Envelopes in memory: the library's cutter and encoding/xml, against an xml.Decoder alone",
		Note: "All read the same endless stream, in the form that Exchange gives it, and decode into the same fields. stream: Stream.Next, the whole path from bytes to events. " +
			"decoder: one xml.Decoder on the stream. cutter: only where envelopes end. The best of several rounds, one after the other.",
		Columns: []string{"events in an envelope", "bytes", "stream", "allocations", "decoder", "allocations", "stream / decoder", "cutter", "of the stream"},
	}
	for _, events := range []int{1, 3, 50} {
		document := envelopeOf(events)
		best, err := r.race(document)
		if err != nil {
			return err
		}
		ours, theirs, cut := best["stream"], best["decoder"], best["cutter"]
		t.Rows = append(t.Rows, []string{fmt.Sprint(events), fmt.Sprint(len(document)),
			nanosText(ours.ns), fmt.Sprintf("%.0f", ours.allocs), nanosText(theirs.ns), fmt.Sprintf("%.0f", theirs.allocs),
			fmt.Sprintf("%.2f", ours.ns/theirs.ns), nanosText(cut.ns), fmt.Sprintf("%.1f %%", 100*cut.ns/ours.ns)})
		key := fmt.Sprintf("envelopes.%d.", events)
		for name, one := range best {
			r.value(key+name+".ns", one.ns)
			r.value(key+name+".allocs", one.allocs)
		}
		r.value(key+"bytes", float64(len(document)))
		r.value(key+"stream_over_decoder", ours.ns/theirs.ns)
	}
	r.table(t)
	return nil
}

func nanosText(ns float64) string { return fmt.Sprintf("%.1f µs", ns/1e3) }

// race has all ways of reading take turns, and returns the best of each.
func (r *runner) race(document string) (map[string]read, error) {
	const rounds = 128 // short ones, so that each has some that nothing else came into
	all, err := readings(r.ctx, document)
	if err != nil {
		return nil, err
	}
	best := make(map[string]read)
	for _, one := range all {
		defer one.close()
		best[one.name] = read{ns: math.Inf(1)}
	}
	for range rounds {
		for _, one := range all {
			took, err := one.run(r.size.envelopesFor / rounds)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", one.name, err)
			}
			if took.ns < best[one.name].ns {
				best[one.name] = took
			}
		}
		if err := r.ctx.Err(); err != nil {
			return nil, err
		}
	}
	return best, nil
}

// run reads for some time.
func (one reading) run(atLeast time.Duration) (read, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, n := time.Now(), 0
	for n == 0 || time.Since(began) < atLeast {
		for range 10 {
			if err := one.next(); err != nil {
				return read{}, err
			}
			n++
		}
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	return read{ns: float64(took) / float64(n), allocs: float64(after.Mallocs-before.Mallocs) / float64(n)}, nil
}

func readings(ctx context.Context, document string) ([]reading, error) {
	stream, err := streamOf(ctx, document)
	if err != nil {
		return nil, err
	}
	cutter := envelopes.NewReader(&endless{text: document}, nil)
	decoder := xml.NewDecoder(&endless{text: document})
	none := func() {}
	return []reading{
		{name: "stream", close: func() { _ = stream.Close() }, next: func() error { // how it ends is no news
			n, err := stream.Next()
			if err == nil && len(n.Events) == 0 {
				err = errNoEvents
			}
			return err
		}},
		{name: "decoder", close: none, next: func() error {
			var e envelopeXML
			err := decoder.Decode(&e)
			if err == nil && (len(e.Messages) != 1 || len(e.Messages[0].Notifications) != 1 || e.Messages[0].Notifications[0].Events[0].ItemID == nil) {
				err = errNoEvents
			}
			return err
		}},
		{name: "cutter", close: none, next: func() error {
			_, err := cutter.Next()
			return err
		}},
	}, nil
}
