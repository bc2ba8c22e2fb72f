package wire

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
	"github.com/calwatch/calwatch/internal/reconnect"
)

// An idleConfig says how to measure what it costs to watch over reads.
type idleConfig struct {
	Address string // sends without an end
	Rounds  int    // of reads, watched and not in turn
	Reads   int    // in a round
}

// idleRead is how much is read at once.
const idleRead = 512

// An idleResult has nanoseconds per read, of each round.
type idleResult struct {
	Bare, Watched []float64
}

func (c idleConfig) measure(ctx context.Context) (idleResult, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", c.Address)
	if err != nil {
		return idleResult{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	watched := reconnect.NewWatchdog(35*time.Second, 5*time.Minute).Watch(conn, func(bool) { _ = conn.Close() })
	defer watched.Stop()
	var result idleResult
	for range c.Rounds {
		bare, err := timeReads(conn, c.Reads, func() {})
		if err != nil {
			return idleResult{}, err
		}
		with, err := timeReads(watched, c.Reads, watched.Begin) // as before each element
		if err != nil {
			return idleResult{}, err
		}
		result.Bare, result.Watched = append(result.Bare, bare), append(result.Watched, with)
	}
	return result, nil
}

// timeReads returns how many nanoseconds one read takes.
func timeReads(r io.Reader, reads int, before func()) (float64, error) {
	buf := make([]byte, idleRead)
	start := time.Now()
	for range reads {
		before()
		if _, err := r.Read(buf); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(start)) / float64(reads), nil
}

// idle is the part of the suite.
func (s *suite) idle(ctx context.Context) error {
	p, err := start(ctx, "idle", idleConfig{Address: s.at.Raw, Rounds: s.IdleRounds, Reads: 2000})
	if err != nil {
		return err
	}
	r, err := result[idleResult](p)
	if err != nil {
		return err
	}
	beyond := make([]float64, 0, len(r.Bare))
	for i := range r.Bare {
		beyond = append(beyond, r.Watched[i]-r.Bare[i])
	}
	s.values["wire.idle.read512_ns.bare"] = median(r.Bare)
	s.values["wire.idle.read512_ns.watched"] = median(r.Watched)
	s.values["wire.idle.read512_beyond_bare_ns"] = median(beyond)
	s.logf("idle\t%d rounds\tbare %.0f ns\twatched %.0f ns\tbeyond bare %+.0f ns", len(beyond), median(r.Bare), median(r.Watched), median(beyond))
	s.tables = append(s.tables, results.Table{
		Title:   "Watching over reads: one read of 512 B from a TCP connection that always has more, ns",
		Note:    fmt.Sprintf("Medians of %d rounds of 2,000 reads, watched and not in turn; beyond: of the rounds' differences.", len(beyond)),
		Columns: []string{"bare", "watched", "beyond"},
		Rows:    [][]string{{fmt.Sprintf("%.0f", median(r.Bare)), fmt.Sprintf("%.0f", median(r.Watched)), fmt.Sprintf("%+.0f", median(beyond))}},
	})
	return nil
}
