package load

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
)

// stormChanges are made each second while the streams come back.
const stormChanges = 50

// A storm is what happened when the server was killed and started again.
type storm struct {
	back      time.Duration // from the server's start to the last stream's
	most      int           // requests in one second, of any that the server saw
	mean      float64       // requests a second until all were back
	requests  int
	dialled   int
	tokens    int // that were asked for, since the client started
	cpu       time.Duration
	peak      int64
	announced int // resources that had a Resync
	verdict   verdict
}

// storm measures how many watches come back after the server has restarted and
// forgotten their subscriptions and their token.
func (r *runner) storm() error {
	t := results.Table{
		Title: fmt.Sprintf("A storm: the server of all watches of one Client killed (SIGKILL) and started again after %v", r.size.down),
		Note: "The new process knows no subscription, and no longer takes the token: each watch is told that its subscription is gone (some that the token is refused), makes one, and listens. " +
			"Requests as the server saw them; each watch needs three. Time, CPU and peak RSS of the client from the kill until all were live. Changes are made before, and while they come back.",
		Columns: []string{"protocol", "watches", "connect rate", "all live after", "requests a second: most / mean", "requests", "connections dialled", "tokens asked for",
			"CPU", "peak RSS", "watches that heard of it", "changes made / delivered / announced / lost silently"},
	}
	type course struct {
		protocol string
		rate     int
	}
	var courses []course
	if slices.Contains(r.size.protocols, "h2") {
		for _, rate := range r.size.rates {
			courses = append(courses, course{"h2", rate})
		}
	}
	if slices.Contains(r.size.protocols, "h1") {
		courses = append(courses, course{"h1", slices.Max(r.size.rates)})
	}
	for _, c := range courses {
		n := r.size.stormStreams
		if c.rate == 0 {
			n = r.size.stormDefault
		}
		s, err := r.stormOf(c.protocol, c.rate, n)
		if err != nil {
			return fmt.Errorf("%s at %d a second: %w", c.protocol, c.rate, err)
		}
		rate, name := fmt.Sprint(c.rate), fmt.Sprintf("storm.%s.%d.", c.protocol, c.rate)
		if c.rate == 0 {
			rate, name = "default", "storm."+c.protocol+".default."
		}
		t.Rows = append(t.Rows, []string{protocolName(c.protocol), fmt.Sprint(n), rate, seconds(s.back), fmt.Sprintf("%d / %.0f", s.most, s.mean), fmt.Sprint(s.requests), fmt.Sprint(s.dialled),
			fmt.Sprint(s.tokens), seconds(s.cpu), fmt.Sprintf("%.0f MB", float64(s.peak)/1e6), fmt.Sprintf("%d of %d", s.announced, n), s.verdict.String()})
		for key, v := range map[string]float64{
			"streams": float64(n), "seconds_to_live": s.back.Seconds(), "attempts_per_second_max": float64(s.most), "attempts_per_second_mean": s.mean,
			"requests": float64(s.requests), "dialled": float64(s.dialled), "token_requests": float64(s.tokens), "cpu_seconds": s.cpu.Seconds(),
			"peak_rss": float64(s.peak), "announced": float64(s.announced), "changes_made": float64(s.verdict.made), "lost_silently": float64(s.verdict.lost),
		} {
			r.value(name+key, v)
		}
	}
	r.table(t)
	return nil
}

func (r *runner) stormOf(protocol string, rate, n int) (s storm, err error) {
	first := serverConfig{Protocol: protocol, Mailboxes: n, Streams: 250}
	server, address, err := r.server(first)
	if err != nil {
		return s, err
	}
	defer func() { server.kill() }()
	client, err := r.client(address, clientConfig{Mode: modeOurs, Protocol: protocol, KeepAlive: r.size.steadyAlive, ConnectRate: rate, Record: true})
	if err != nil {
		return s, err
	}
	defer client.kill()
	if err := client.do("open", opening{Streams: n, AtOnce: atOnce(modeOurs, protocol)}, nil); err != nil {
		return s, err
	}
	if _, err := await(client, wanted{Open: n, Within: r.size.patience}); err != nil {
		return s, err
	}
	if err := r.changesFor(server, rateOver(n), time.Second); err != nil {
		return s, err
	}
	var before, after usage
	var known []made
	if err := server.do("ledger", nil, &known); err != nil {
		return s, err
	}
	if err := client.do("usage", nil, &before); err != nil {
		return s, err
	}
	if err := client.do("mark", nil, nil); err != nil {
		return s, err
	}
	if err := server.signal(syscall.SIGKILL); err != nil {
		return s, err
	}
	server.kill()
	if err := r.pause(r.size.down); err != nil {
		return s, err
	}
	again := first
	again.Listen, again.Token = address, renewedToken
	restarted := time.Now()
	if server, _, err = r.server(again); err != nil {
		return s, err
	}
	if err := server.do("begin changes", rateOver(n), nil); err != nil {
		return s, err
	}
	got, err := await(client, wanted{Open: n, Within: r.size.patience})
	if err != nil {
		return s, err
	}
	if err := client.do("usage", nil, &after); err != nil {
		return s, err
	}
	var clients census
	if err := server.do("census", nil, &clients); err != nil {
		return s, err
	}
	if err := server.do("end changes", nil, nil); err != nil {
		return s, err
	}
	s.back, s.cpu, s.peak, s.announced = got.LastOpen.Sub(restarted), after.CPU-before.CPU, after.PeakRSS, got.Open
	s.dialled = clients.Dialled
	s.most, s.requests = busiest(clients.Attempts)
	s.mean = float64(s.requests) / s.back.Seconds()
	if err := client.do("tokens", nil, &s.tokens); err != nil {
		return s, err
	}
	s.verdict, err = r.judge(server, client, known)
	return s, err
}

func rateOver(mailboxes int) rate { return rate{PerSecond: stormChanges, Mailboxes: mailboxes} }

// changesFor has changes made for some time.
func (r *runner) changesFor(server *process, every rate, d time.Duration) error {
	if err := server.do("begin changes", every, nil); err != nil {
		return err
	}
	if err := r.pause(d); err != nil {
		return err
	}
	return server.do("end changes", nil, nil)
}

// judge says what became of the changes of the server, and of those of the one
// before, once what is under way has arrived.
func (r *runner) judge(server, client *process, before []made) (verdict, error) {
	if err := r.pause(time.Second); err != nil {
		return verdict{}, err
	}
	var ledger []made
	if err := server.do("ledger", nil, &ledger); err != nil {
		return verdict{}, err
	}
	var seen []sighting
	if err := client.do("seen", nil, &seen); err != nil {
		return verdict{}, err
	}
	if len(before) == 0 {
		return judge(ledger, seen), nil
	}
	// The second service makes up the same ids again.
	restart := before[len(before)-1].At.Add(stormGap)
	v := judge(ledger, slices.DeleteFunc(slices.Clone(seen), func(x sighting) bool { return x.At.Before(restart) }))
	v.add(judge(before, slices.DeleteFunc(seen, func(x sighting) bool { return x.ID != "" && !x.At.Before(restart) })))
	return v, nil
}

// stormGap is less than the time for which a server is down, and more than a
// change needs to be delivered.
const stormGap = time.Second

// busiest is how many requests there were in the second with the most, and in
// all.
func busiest(tenths []int) (most, all int) {
	for i := range tenths {
		all += tenths[i]
		second := 0
		for _, n := range tenths[i:min(i+10, len(tenths))] {
			second += n
		}
		most = max(most, second)
	}
	return most, all
}
