package wire

import (
	"context"
	"fmt"

	"github.com/calwatch/calwatch/internal/bench/results"
)

// throughput measures how fast each contestant gets through a flood, as a
// share of how fast the same response can be read.
func (s *suite) throughput(ctx context.Context) error {
	table := results.Table{
		Title: "A flood over loopback",
		Note: "Share: elements per second, divided by those of a bare read in the same pass. CPU: of the client's process, for an element. " +
			"Medians of the passes, ± half of their range. bare-own-transport is a bare read through the library's own transport.",
		Columns: []string{"transport", "element", "contestant", "share of bare", "MB/s", "CPU, µs", "CPU, beyond bare, µs"},
	}
	for _, over := range s.Floods {
		for _, kind := range s.Kinds {
			src := newSource(kind, false)
			size := 0.0
			for i := range src.elements {
				size += float64(src.size(i)+1) / float64(len(src.elements))
			}
			rates, used, shares := make(map[string][]float64), make(map[string][]float64), make(map[string][]float64)
			beyond := make(map[string][]float64)
			for pass := range s.Passes {
				for _, name := range turns(contestants(), pass) {
					c := s.client(name, over, kind)
					c.For, c.Warm = s.FloodFor, 1
					r, err := s.flood(ctx, c)
					if err != nil {
						return err
					}
					rate, cpu := float64(r.Elements)/r.Took.Seconds(), float64(r.CPU.Nanoseconds())/1e3/float64(r.Elements)
					rates[name], used[name] = append(rates[name], rate), append(used[name], cpu)
					s.logf("flood\t%s\t%v\t%s\tpass %d\t%.0f/s\t%.0f MB/s\t%.3f µs CPU", over, kind, name, pass, rate, rate*size/1e6, cpu)
				}
				for _, name := range contestants() {
					shares[name] = append(shares[name], rates[name][pass]/rates[bare][pass])
					beyond[name] = append(beyond[name], used[name][pass]-used[bare][pass])
				}
			}
			for _, name := range contestants() {
				key := fmt.Sprintf("wire.%s.%v.", over, kind)
				s.values[key+"share."+name] = median(shares[name])
				s.values[key+"mb_per_s."+name] = median(rates[name]) * size / 1e6
				s.values[key+"cpu_us."+name] = median(used[name])
				table.Rows = append(table.Rows, []string{
					over, kind.String(), name, withSpread("%.2f", shares[name]), fmt.Sprintf("%.0f", median(rates[name])*size/1e6),
					withSpread("%.2f", used[name]), fmt.Sprintf("%+.2f", median(beyond[name])),
				})
			}
		}
	}
	s.tables = append(s.tables, table)
	return nil
}
