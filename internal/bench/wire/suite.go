package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/calwatch/calwatch/internal/bench/data"
	"github.com/calwatch/calwatch/internal/bench/results"
)

// A Plan says how much to measure.
type Plan struct {
	Passes int // of everything, each contestant once in each

	Floods   []string // transports
	Kinds    []data.Kind
	FloodFor time.Duration

	Isolated int           // elements that come alone
	Gap      time.Duration // between them
	Streams  int           // for the keep-alives of many

	LatencyKinds []data.Kind
	Samples      int // of latency, for each contestant
	Batch        int // how many one contestant gets before it is the next one's turn

	IdleRounds int

	Profiles string // a directory for profiles of the clients; "": none
}

// Full takes about ten minutes.
func Full() Plan {
	kinds := []data.Kind{data.Simple, data.Rich14K, data.Rich70K}
	return Plan{
		Passes: 5,
		Floods: []string{overTLS, overH2, overTCP}, Kinds: kinds, FloodFor: 400 * time.Millisecond,
		Isolated: 2000, Gap: 500 * time.Microsecond, Streams: 500,
		LatencyKinds: kinds, Samples: 1200, Batch: 20,
		IdleRounds: 200,
	}
}

// Short takes less than a minute: what the targets are about, less often.
func Short() Plan {
	return Plan{
		Passes: 3,
		Floods: []string{overTLS}, Kinds: []data.Kind{data.Simple}, FloodFor: 200 * time.Millisecond,
		Isolated: 600, Gap: 500 * time.Microsecond, Streams: 50,
		LatencyKinds: []data.Kind{data.Rich14K}, Samples: 400, Batch: 20,
		IdleRounds: 50,
	}
}

// A suite collects.
type suite struct {
	*world
	Plan
	log    io.Writer
	values map[string]float64
	tables []results.Table
}

// Run measures, with a log of every measurement, and returns the results.
func Run(ctx context.Context, p Plan, log io.Writer) (f results.File, err error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	f = results.File{Suite: "wire", Taken: time.Now(), Machine: results.ThisMachine()}
	w, err := newWorld(ctx)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	w.profiles = p.Profiles
	s := &suite{world: w, Plan: p, log: log, values: make(map[string]float64)}
	for _, part := range []func(context.Context) error{s.agree, s.throughput, s.isolated, s.latency, s.idle} {
		if err := part(ctx); err != nil {
			return f, err
		}
	}
	f.Values, f.Tables = s.values, s.tables
	return f, nil
}

func (s *suite) logf(format string, args ...any) { fmt.Fprintf(s.log, format+"\n", args...) }

// agree has every contestant deliver the same elements, of every kind and over
// every transport, before anything is measured.
func (s *suite) agree(ctx context.Context) error {
	for _, kind := range data.Kinds() {
		if err := s.agreeOn(ctx, overTLS, kind); err != nil {
			return err
		}
	}
	for _, over := range []string{overH2, overTCP} {
		if err := s.agreeOn(ctx, over, data.Rich14K); err != nil {
			return err
		}
	}
	return nil
}

func (s *suite) agreeOn(ctx context.Context, over string, kind data.Kind) error {
	digests := make(map[uint64][]string)
	for _, name := range contestants() {
		if name == bare || name == bareOwn {
			continue
		}
		c := s.client(name, over, kind)
		c.Warm, c.Count, c.Digest = 1, 149, true
		r, err := s.flood(ctx, c)
		if err != nil {
			return err
		}
		digests[r.Digest] = append(digests[r.Digest], name)
	}
	s.logf("agree\t%s\t%v\t%v", over, kind, digests)
	if len(digests) != 1 {
		return fmt.Errorf("%v over %s: the contestants do not deliver the same: %v", kind, over, digests)
	}
	return nil
}
