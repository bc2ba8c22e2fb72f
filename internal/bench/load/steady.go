package load

import (
	"fmt"
	"slices"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
)

// A state is what a client does that has all its streams.
type state struct {
	idle      float64 // CPU of a stream with keep-alives only, in seconds a second
	perChange time.Duration
	made      int
	latencies []time.Duration // sorted
	reopened  int
	verdict   verdict
}

// steady measures streams with keep-alives, and with changes on top of them.
func (r *runner) steady() error {
	t := results.Table{
		Title: fmt.Sprintf("Steady state: a keep-alive every %v on each stream, %d changes a second over all", r.size.steadyAlive, r.size.changes),
		Note: "CPU of the client, user and system. bare: net/http's reads of the same, as the floor. The time is from the server's write, stamped into the element, " +
			"to the caller's loop (bare: to the return of the read), between two processes on the same processors.",
		Columns: []string{"protocol", "streams", "client", "CPU: µs a second for an idle stream", "CPU of a change", "changes", "p50", "p90", "p99", "max", "made / delivered / announced / lost silently"},
	}
	for _, protocol := range r.size.protocols {
		for _, n := range r.size.counts {
			for _, mode := range []string{modeBare, modeOurs} {
				s, err := r.steadyOf(protocol, mode, n)
				if err != nil {
					return fmt.Errorf("%s, %s, %d streams: %w", protocol, mode, n, err)
				}
				verdict := s.verdict.String()
				if mode == modeBare {
					verdict = "–"
				}
				row := []string{protocolName(protocol), fmt.Sprint(n), mode, fmt.Sprintf("%.1f", s.idle*1e6), microseconds(s.perChange), fmt.Sprint(s.made)}
				key := fmt.Sprintf("steady.%s.%s.%d.", protocol, mode, n)
				for _, q := range []struct {
					name string
					q    float64
				}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}} {
					took := quantile(s.latencies, q.q)
					row = append(row, microseconds(took))
					r.value(key+"latency_us."+q.name, float64(took)/float64(time.Microsecond))
				}
				t.Rows = append(t.Rows, append(row, verdict))
				r.value(key+"idle_cpu_us_per_stream_second", s.idle*1e6)
				r.value(key+"cpu_us_per_change", float64(s.perChange)/float64(time.Microsecond))
				r.value(key+"changes", float64(s.made))
				if mode == modeOurs {
					r.value(key+"lost_silently", float64(s.verdict.lost))
					r.value(key+"reopened", float64(s.reopened))
				}
			}
			key := fmt.Sprintf("load.steady.%s.%%s.%d.", protocol, n)
			for _, what := range []string{"latency_us.p50", "latency_us.p99", "cpu_us_per_change", "idle_cpu_us_per_stream_second"} {
				ours, bare := r.file.Values[fmt.Sprintf(key, modeOurs)+what], r.file.Values[fmt.Sprintf(key, modeBare)+what]
				if bare > 0 {
					r.value(fmt.Sprintf("steady.%s.ours_over_bare.%d.%s", protocol, n, what), ours/bare)
				}
			}
		}
		r.growth("steady."+protocol, "idle_cpu_us_per_stream_second", "cpu_us_per_change")
	}
	r.table(t)
	return nil
}

func (r *runner) steadyOf(protocol, mode string, n int) (s state, err error) {
	server, address, err := r.server(serverConfig{Protocol: protocol, Mailboxes: n, Streams: 250})
	if err != nil {
		return s, err
	}
	defer server.kill()
	// Bare reads have room for all of an element, so that a read is an element.
	client, err := r.client(address, clientConfig{Mode: mode, Protocol: protocol, KeepAlive: r.size.steadyAlive, ConnectRate: 10_000, Record: mode == modeOurs, Buffer: 16 << 10})
	if err != nil {
		return s, err
	}
	defer client.kill()
	if err := client.do("open", opening{Streams: n, AtOnce: atOnce(mode, protocol)}, nil); err != nil {
		return s, err
	}
	opened, err := await(client, wanted{Open: n, Within: r.size.patience})
	if err != nil {
		return s, err
	}
	// What opening has left behind is not to be collected later.
	if err := client.do("settled", nil, nil); err != nil {
		return s, err
	}
	idle, err := r.cpuDuring(client, func() error { return r.pause(r.size.idle) })
	if err != nil {
		return s, err
	}
	s.idle = idle.Seconds() / float64(n) / r.size.idle.Seconds()
	busyFor := r.size.busy
	if n < slices.Max(r.size.counts) {
		busyFor /= 2
	}
	started := time.Now()
	busy, err := r.cpuDuring(client, func() error {
		if err := r.changesFor(server, rate{PerSecond: r.size.changes, Mailboxes: n}, busyFor); err != nil {
			return err
		}
		return r.pause(time.Second / 2) // for the last of them to arrive
	})
	if err != nil {
		return s, err
	}
	took := time.Since(started)
	var ledger []made
	if err := server.do("ledger", nil, &ledger); err != nil {
		return s, err
	}
	if s.made = len(ledger); s.made == 0 {
		return s, fmt.Errorf("no changes were made in %v", took)
	}
	s.perChange = (busy - time.Duration(float64(idle)*took.Seconds()/r.size.idle.Seconds())) / time.Duration(s.made)
	if err := client.do("latencies", nil, &s.latencies); err != nil {
		return s, err
	}
	slices.Sort(s.latencies)
	if mode == modeBare {
		if len(s.latencies) < s.made*9/10 {
			return s, fmt.Errorf("of %d changes only %d were read in one piece", s.made, len(s.latencies))
		}
		return s, nil
	}
	var got come
	if err := client.do("await", wanted{Within: time.Second}, &got); err != nil {
		return s, err
	}
	s.reopened = got.Resyncs - opened.Open
	s.verdict, err = r.judge(server, client, nil)
	return s, err
}

// cpuDuring is what a process consumes meanwhile.
func (r *runner) cpuDuring(p *process, do func() error) (time.Duration, error) {
	var before, after usage
	if err := p.do("usage", nil, &before); err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	err := p.do("usage", nil, &after)
	return after.CPU - before.CPU, err
}
