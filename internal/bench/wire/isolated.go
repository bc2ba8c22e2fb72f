package wire

import (
	"context"
	"fmt"

	"github.com/calwatch/calwatch/internal/bench/data"
	"github.com/calwatch/calwatch/internal/bench/results"
)

// An isolatedCell is one way for elements to come alone.
type isolatedCell struct {
	name    string
	kind    data.Kind
	streams int
}

// isolated measures the client's processor time for an element that comes
// alone, in its own chunk, record and packet: what is real, and where the
// kernel and the scheduler cost more than most decoders.
func (s *suite) isolated(ctx context.Context) error {
	table := results.Table{
		Title: "CPU of an element that comes alone (HTTP/1.1, TLS 1.3)",
		Note: fmt.Sprintf("One element every %v, in all. CPU: of the client's process, for an element; ratio: to a bare read in the same pass. "+
			"Medians of the passes, ± half of their range.", s.Gap),
		Columns: []string{"element", "streams", "contestant", "ratio to bare", "CPU, µs", "beyond bare, µs"},
	}
	for _, cell := range []isolatedCell{
		{"simple", data.Simple, 1},
		{"rich14k", data.Rich14K, 1},
		{"keepalive", data.KeepAlive, 1},
		{"keepalive_many", data.KeepAlive, s.Streams},
	} {
		used, ratios, beyond := make(map[string][]float64), make(map[string][]float64), make(map[string][]float64)
		for pass := range s.Passes {
			for _, name := range turns(contestants(), pass) {
				us, err := s.alone(ctx, cell, name)
				if err != nil {
					return err
				}
				used[name] = append(used[name], us)
				s.logf("isolated\t%s\t%d streams\t%s\tpass %d\t%.2f µs CPU", cell.name, cell.streams, name, pass, us)
			}
			for _, name := range contestants() {
				ratios[name] = append(ratios[name], used[name][pass]/used[bare][pass])
				beyond[name] = append(beyond[name], used[name][pass]-used[bare][pass])
			}
		}
		for _, name := range contestants() {
			key := fmt.Sprintf("wire.isolated.%s.", cell.name)
			s.values[key+"cpu_ratio."+name] = median(ratios[name])
			s.values[key+"cpu_us."+name] = median(used[name])
			s.values[key+"cpu_beyond_bare_us."+name] = median(beyond[name])
			table.Rows = append(table.Rows, []string{
				cell.kind.String(), fmt.Sprint(cell.streams), name, withSpread("%.2f", ratios[name]),
				withSpread("%.1f", used[name]), fmt.Sprintf("%+.1f", median(beyond[name])),
			})
		}
	}
	s.tables = append(s.tables, table)
	return nil
}

// alone returns the microseconds of one element.
func (s *suite) alone(ctx context.Context, cell isolatedCell, name string) (float64, error) {
	c := s.client(name, overTLS, cell.kind)
	c.Streams = cell.streams
	// Each stream's first element is not counted, nor what follows the opening.
	c.Warm, c.Count = max(cell.streams, 50), s.Isolated
	h, err := s.hang(ctx, c, order{Gap: s.Gap, Form: whole})
	if err != nil {
		return 0, err
	}
	if err := h.send(ctx, c.Warm+c.Count); err != nil {
		_ = h.client.end()
		return 0, err
	}
	r, err := h.end(ctx)
	if err != nil {
		return 0, err
	}
	return float64(r.CPU.Nanoseconds()) / 1e3 / float64(r.Elements), nil
}
