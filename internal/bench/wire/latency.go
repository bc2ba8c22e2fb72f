package wire

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/calwatch/calwatch/internal/bench/data"
	"github.com/calwatch/calwatch/internal/bench/results"
)

// latency measures the time from before the last byte is written to when the
// caller's loop has the element.
func (s *suite) latency(ctx context.Context) error {
	table := results.Table{
		Title: "From the last byte written to the caller's loop, µs",
		Note: fmt.Sprintf("HTTP/1.1 over TCP, and over TLS 1.3. whole: the element is written at once, the clock is read before; lastbyte: all but a byte is written, "+
			"the clock is read %v later, before the byte. A bare read knows the lengths. %d samples each, the contestants in turn, %d at a time.", pause, s.Samples, s.Batch),
		Columns: []string{"transport", "form", "element", "contestant", "p50", "p90", "p99", "p50 beyond bare"},
	}
	for _, over := range []string{overTCP, overTLS} {
		for _, form := range []string{whole, lastByte} {
			for _, kind := range s.LatencyKinds {
				samples, err := s.delays(ctx, over, form, kind)
				if err != nil {
					return err
				}
				for _, name := range latencyContestants() {
					p50, beyond := median(samples[name]), median(samples[name])-median(samples[bare])
					p90, p99 := quantile(samples[name], 0.9), quantile(samples[name], 0.99)
					key := fmt.Sprintf("wire.latency.%s.%v.", over, kind)
					if form == lastByte {
						key += "lastbyte."
					}
					s.values[key+"p50_us."+name] = p50
					s.values[key+"p90_us."+name] = p90
					s.values[key+"p99_us."+name] = p99
					s.values[key+"p50_beyond_bare_us."+name] = beyond
					table.Rows = append(table.Rows, []string{
						over, form, kind.String(), name, fmt.Sprintf("%.1f", p50), fmt.Sprintf("%.1f", p90), fmt.Sprintf("%.1f", p99), fmt.Sprintf("%+.1f", beyond),
					})
					s.logf("latency\t%s\t%s\t%v\t%s\t%d samples\tp50 %.1f µs\tp90 %.1f µs\tp99 %.1f µs\tbeyond bare %+.1f µs",
						over, form, kind, name, len(samples[name]), p50, p90, p99, beyond)
				}
			}
		}
	}
	s.tables = append(s.tables, table)
	return nil
}

func latencyContestants() []string {
	names := contestants()
	return slices.Insert(names, slices.Index(names, ours)+1, oursWatch)
}

// delays returns microseconds. All contestants' clients are there all the
// time, and get their elements in turn.
func (s *suite) delays(ctx context.Context, over, form string, kind data.Kind) (map[string][]float64, error) {
	names := latencyContestants()
	clients := make(map[string]*hanging)
	defer func() {
		for _, h := range clients {
			_ = h.client.end() // they are there only if something failed
		}
	}()
	batches := (s.Samples + s.Batch - 1) / s.Batch
	for _, name := range names {
		c := s.client(name, over, kind)
		c.Warm, c.Count, c.Arrivals = s.Batch, batches*s.Batch, true
		h, err := s.hang(ctx, c, order{Gap: gapFor(kind), Form: form})
		if err != nil {
			return nil, err
		}
		clients[name] = h
	}
	for batch := range batches + 1 { // the first is the warming
		for _, name := range turns(names, batch) {
			if err := clients[name].send(ctx, s.Batch); err != nil {
				return nil, err
			}
		}
	}
	samples := make(map[string][]float64)
	for _, name := range names {
		h := clients[name]
		delete(clients, name)
		r, err := h.end(ctx)
		if err != nil {
			return nil, err
		}
		if samples[name], err = matched(h.sent, r.Arrivals); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		samples[name] = samples[name][s.Batch:]
	}
	return samples, nil
}

// gapFor is long enough for the slowest contestant to be done.
func gapFor(kind data.Kind) time.Duration {
	if kind == data.Rich70K || kind == data.Rich70KNonASCII {
		return 2 * time.Millisecond
	}
	return time.Millisecond
}

// matched returns the microseconds from each sending to its arrival.
func matched(sent, arrived []int64) ([]float64, error) {
	if len(sent) != len(arrived) {
		return nil, fmt.Errorf("%d elements were sent, %d came", len(sent), len(arrived))
	}
	var delays []float64
	for i := range sent {
		delays = append(delays, float64(arrived[i]-sent[i])/1e3)
	}
	if slices.Min(delays) <= 0 {
		return nil, errors.New("an element came before it was sent: the processes' clocks are not the same")
	}
	return delays, nil
}
