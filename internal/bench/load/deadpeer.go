package load

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
)

// A death is a way in which streams die without a word.
type death struct {
	name, key string
	streams   func(all int) int // that die of it
	strike    func(server *process) error
	mend      func(server *process) error // once all have been noticed; nil: new connections work all the time
}

func deaths() []death {
	all := func(n int) int { return n }
	return []death{
		{"server process frozen (SIGSTOP), let go on once it was noticed", "sigstop", all,
			func(server *process) error { return server.signal(syscall.SIGSTOP) },
			func(server *process) error { return server.signal(syscall.SIGCONT) }},
		{"all bytes of these connections swallowed, new ones work", "swallowed", all,
			func(server *process) error { return server.do("freeze", nil, nil) }, nil},
		{"one stalled stream of many", "stalled", func(int) int { return 1 },
			func(server *process) error { return server.do("stall one", nil, nil) }, nil},
	}
}

// deadPeer measures how long a dead stream stays unnoticed, and how long it
// takes to have another. The kernel's own faults are in internal/realnet.
func (r *runner) deadPeer() error {
	limit := 2*r.size.deadAlive + 5*time.Second
	t := results.Table{
		Title: fmt.Sprintf("Dead peers: %d streams, a keep-alive every %v, so that %v of silence are too many", r.size.deadStreams, r.size.deadAlive, limit),
		Note: "noticed: the slowest stream, from its last byte. live again: the slowest stream, from when it was noticed (from when the server goes on, if that was later) " +
			"to the first byte of the next. Dropped packets, dead interfaces and proxies: docs/testing.md, from internal/realnet.",
		Columns: []string{"what", "protocol", "streams", "noticed after", "live again after", "others disturbed"},
	}
	type outcome struct {
		death    death
		protocol string
		peerLoss
		err error
	}
	var outcomes []*outcome
	for _, d := range deaths() {
		for _, protocol := range []string{"h1", "h2"} {
			outcomes = append(outcomes, &outcome{death: d, protocol: protocol})
		}
	}
	var running sync.WaitGroup // they do little but wait
	for _, o := range outcomes {
		running.Go(func() { o.peerLoss, o.err = r.loss(o.death, o.protocol, limit) })
	}
	running.Wait()
	var failed error
	for _, o := range outcomes {
		if o.err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s, %s: %w", o.death.name, o.protocol, o.err))
			continue
		}
		t.Rows = append(t.Rows, []string{o.death.name, protocolName(o.protocol), fmt.Sprint(o.death.streams(r.size.deadStreams)), fmt.Sprintf("%.2f s", o.noticed.Seconds()),
			fmt.Sprintf("%.2f s", o.live.Seconds()), fmt.Sprint(o.others)})
		key := fmt.Sprintf("deadpeer.%s.%s.", o.protocol, o.death.key)
		r.value(key+"noticed_seconds", o.noticed.Seconds())
		r.value(key+"noticed_over_limit_seconds", (o.noticed - limit).Seconds())
		r.value(key+"live_again_seconds", o.live.Seconds())
		r.value(key+"others_disturbed", float64(o.others))
	}
	r.table(t)
	return failed
}

// peerLoss is what became of the streams.
type peerLoss struct {
	noticed, live time.Duration // of the slowest
	others        int           // streams that ended without need
}

func (r *runner) loss(d death, protocol string, limit time.Duration) (l peerLoss, err error) {
	n := r.size.deadStreams
	server, address, err := r.server(serverConfig{Protocol: protocol, Mailboxes: n, Streams: 250})
	if err != nil {
		return l, err
	}
	defer server.kill()
	client, err := r.client(address, clientConfig{Mode: modeOurs, Protocol: protocol, KeepAlive: r.size.deadAlive, ConnectRate: 1000, Trace: true})
	if err != nil {
		return l, err
	}
	defer client.kill()
	if err := client.do("open", opening{Streams: n, AtOnce: 8}, nil); err != nil {
		return l, err
	}
	if _, err := await(client, wanted{Open: n, Within: r.size.patience}); err != nil {
		return l, err
	}
	// Not right after the start: some keep-alives are to come.
	if err := r.pause(r.size.deadAlive * 3 / 2); err != nil {
		return l, err
	}
	if err := d.strike(server); err != nil {
		return l, err
	}
	want := d.streams(n)
	over := time.Now().Add(2*limit + 10*time.Second)
	if _, err := r.lossesUntil(client, over, func(all []ended) bool { return len(all) >= want }); err != nil {
		return l, err
	}
	mended := time.Now()
	if d.mend != nil {
		if err := d.mend(server); err != nil {
			return l, err
		}
	}
	all, err := r.lossesUntil(client, over.Add(limit), func(all []ended) bool {
		for _, e := range all {
			if e.Live.IsZero() {
				return false
			}
		}
		return true
	})
	if err != nil {
		return l, err
	}
	for _, e := range all {
		if !e.Idle {
			l.others++
			continue
		}
		from := e.Dead
		if d.mend != nil && mended.After(from) {
			from = mended
		}
		l.noticed, l.live = max(l.noticed, e.Dead.Sub(e.Last)), max(l.live, e.Live.Sub(from))
	}
	l.others += max(0, len(all)-l.others-want)
	return l, nil
}

// lossesUntil looks at the streams that have ended until they are enough.
func (r *runner) lossesUntil(client *process, over time.Time, enough func([]ended) bool) ([]ended, error) {
	for {
		var all []ended
		if err := client.do("peers", nil, &all); err != nil {
			return nil, err
		}
		if enough(all) {
			return all, nil
		}
		if time.Now().After(over) {
			return nil, fmt.Errorf("it is not over: %d streams have ended", len(all))
		}
		if err := r.pause(50 * time.Millisecond); err != nil {
			return nil, err
		}
	}
}
