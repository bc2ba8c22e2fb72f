package load

import (
	"fmt"
	"slices"
	"time"
)

const (
	// exchangeChanges are made each second, over all mailboxes.
	exchangeChanges = 100
	// eventsOfChange is what the service makes of a new item in a calendar: the
	// item's CreatedEvent and FreeBusyChangedEvent, and the folder's ModifiedEvent.
	eventsOfChange = 3
)

// A watched office is what was measured of one watch.
type watched struct {
	mailboxes int

	start      time.Duration // until all were live
	startCPU   time.Duration
	calls      map[string]int
	dialled    int
	streams    int
	open       int // connections, when all was quiet
	held       held
	total      usage // beyond what the process had before
	goroutines int

	idle      float64 // CPU in a second, without changes
	perChange time.Duration
	latencies []time.Duration // sorted

	lost      int           // mailboxes whose subscriptions went with a server
	back      time.Duration // until all were live
	backCPU   time.Duration
	backCalls map[string]int
	backDials int
	announced map[string]int // Resyncs, by reason
	disturbed int            // mailboxes that had a Resync, and need not have

	verdict verdict
}

// exchange measures a watch over many mailboxes.
func (r *runner) exchange() error {
	var all []watched
	for _, n := range r.size.mailboxes {
		w, err := r.exchangeOf(n)
		if err != nil {
			return fmt.Errorf("%d mailboxes: %w", n, err)
		}
		r.exchangeValues(w)
		all = append(all, w)
	}
	if most := slices.Max(r.size.mailboxes); most >= 1000 {
		if err := r.exchangeHeap(most); err != nil {
			return fmt.Errorf("heap profile: %w", err)
		}
	}
	r.table(startTable(all, r.size.groups))
	r.table(heldTable(all))
	r.table(lossTable(all))
	r.table(workTable(all, r.size.working))
	return nil
}

func (r *runner) exchangeOf(n int) (w watched, err error) {
	w.mailboxes = n
	server, client, err := r.exchangePair(n, false)
	if err != nil {
		return w, err
	}
	defer server.kill()
	defer client.kill()
	for _, part := range []func(*process, *process, *watched) error{r.startUp, r.atWork, r.afterALoss} {
		if err := part(server, client, &w); err != nil {
			return w, err
		}
	}
	w.verdict, err = r.judge(server, client, nil)
	return w, err
}

func (r *runner) exchangePair(n int, profile bool) (server, client *process, err error) {
	var address string
	server, err = start(r.ctx, roleExchange, exchangeConfig{Cert: r.cert, Mailboxes: n, Groups: r.size.groups}, &address)
	if err != nil {
		return nil, nil, err
	}
	client, err = start(r.ctx, roleWatch, watchConfig{Server: "https://" + address, Cert: r.cert.Cert, Mailboxes: n, Profile: profile}, nil)
	if err != nil {
		server.kill()
		return nil, nil, err
	}
	return server, client, nil
}

// exchangeHeap logs who holds what. It is not measured at the same time, since a
// profile costs time.
func (r *runner) exchangeHeap(n int) error {
	server, client, err := r.exchangePair(n, true)
	if err != nil {
		return err
	}
	defer server.kill()
	defer client.kill()
	if err := r.startUp(server, client, &watched{mailboxes: n}); err != nil {
		return err
	}
	var sites []site
	if err := client.do("profile", nil, &sites); err != nil {
		return err
	}
	r.logProfile(fmt.Sprintf("%d mailboxes, all live", n), sites, n)
	return nil
}

// startUp measures until all mailboxes are live, and what they hold then.
func (r *runner) startUp(server, client *process, w *watched) error {
	var before, live, after usage
	if err := client.do("settled", nil, &before); err != nil {
		return err
	}
	var began time.Time
	if err := client.do("watch", nil, &began); err != nil {
		return err
	}
	got, err := await(client, wanted{Open: w.mailboxes, Within: r.size.patience})
	if err != nil {
		return err
	}
	if err := client.do("usage", nil, &live); err != nil {
		return err
	}
	w.start, w.startCPU = got.LastOpen.Sub(began), live.CPU-before.CPU
	var clients officeCensus
	if err := server.do("census", nil, &clients); err != nil {
		return err
	}
	w.calls, w.dialled, w.streams = clients.Calls, clients.Dialled, clients.Streams
	if failed := clients.Failed; len(failed) > 0 {
		r.logf("calls that failed: %v", failed)
	}
	if err := r.pause(time.Second); err != nil {
		return err
	}
	if err := client.do("settled", nil, &after); err != nil {
		return err
	}
	if err := server.do("census", nil, &clients); err != nil {
		return err
	}
	w.open = clients.Connections
	w.held = perStream(after, before, clients.Connections, w.mailboxes)
	w.total = usage{RSS: after.RSS - before.RSS, Heap: after.Heap - before.Heap, Stack: after.Stack - before.Stack, Goroutines: after.Goroutines - before.Goroutines}
	w.goroutines = after.Goroutines - before.Goroutines
	return nil
}

// atWork measures what changes cost.
func (r *runner) atWork(server, client *process, w *watched) error {
	if err := client.do("record", nil, nil); err != nil {
		return err
	}
	idle, err := r.cpuDuring(client, func() error { return r.pause(r.size.quiet) })
	if err != nil {
		return err
	}
	w.idle = idle.Seconds() / r.size.quiet.Seconds()
	began := time.Now()
	busy, err := r.cpuDuring(client, func() error {
		if err := r.changesFor(server, rate{PerSecond: exchangeChanges, Mailboxes: w.mailboxes}, r.workingFor(w.mailboxes)); err != nil {
			return err
		}
		return r.pause(time.Second / 2) // for the last of them to arrive
	})
	if err != nil {
		return err
	}
	took := time.Since(began)
	var seen, sent []sighting
	if err := client.do("seen", nil, &seen); err != nil {
		return err
	}
	if err := server.do("sent", nil, &sent); err != nil {
		return err
	}
	if len(sent) == 0 {
		return fmt.Errorf("no changes were made in %v", took)
	}
	w.perChange = (busy - time.Duration(w.idle*float64(took))) / time.Duration(len(sent))
	w.latencies = between(sent, seen)
	slices.Sort(w.latencies)
	return nil
}

// workingFor is shorter for those that only show how it grows.
func (r *runner) workingFor(mailboxes int) time.Duration {
	if mailboxes < slices.Max(r.size.mailboxes) {
		return r.size.working / 3
	}
	return r.size.working
}

// between is how long each item took that was sent until it was first seen.
func between(sent, seen []sighting) (took []time.Duration) {
	first := make(map[string]time.Time, len(seen))
	for _, x := range seen {
		if at, known := first[x.ID]; !known || x.At.Before(at) {
			first[x.ID] = x.At
		}
	}
	done := make(map[string]bool, len(sent))
	for _, x := range sent {
		if at, came := first[x.ID]; came && !done[x.ID] {
			done[x.ID] = true
			took = append(took, at.Sub(x.At))
		}
	}
	return took
}

// afterALoss measures until all mailboxes are live whose server was lost.
// Changes are made before, and while they come back.
func (r *runner) afterALoss(server, client *process, w *watched) error {
	var before, after usage
	var calm, clients officeCensus
	var lost loss
	if err := server.do("begin changes", rate{PerSecond: stormChanges, Mailboxes: w.mailboxes}, nil); err != nil {
		return err
	}
	if err := r.pause(time.Second); err != nil {
		return err
	}
	if err := server.do("census", nil, &calm); err != nil {
		return err
	}
	if err := client.do("usage", nil, &before); err != nil {
		return err
	}
	if err := client.do("mark", nil, nil); err != nil {
		return err
	}
	if err := server.do("lose one", nil, &lost); err != nil {
		return err
	}
	got, err := await(client, wanted{Open: lost.Subscriptions, Within: r.size.patience})
	if err != nil {
		return err
	}
	if err := client.do("usage", nil, &after); err != nil {
		return err
	}
	if err := server.do("census", nil, &clients); err != nil {
		return err
	}
	w.lost, w.back, w.backCPU = lost.Subscriptions, got.LastOpen.Sub(lost.At), after.CPU-before.CPU
	w.backCalls = since(clients.Calls, calm.Calls)
	w.backDials = clients.Dialled - calm.Dialled
	if failed := since(clients.Failed, calm.Failed); len(failed) > 0 {
		r.logf("calls that failed: %v", failed)
	}
	// Whoever else was to hear of it has heard of it by then.
	if err := r.pause(time.Second); err != nil {
		return err
	}
	if err := server.do("end changes", nil, nil); err != nil {
		return err
	}
	var seen []sighting
	if err := client.do("seen", nil, &seen); err != nil {
		return err
	}
	w.announced = make(map[string]int)
	heard := make(map[string]bool)
	for _, x := range seen {
		if x.ID == "" && x.At.After(lost.At) {
			w.announced[x.Reason]++
			heard[x.Resource] = true
		}
	}
	w.disturbed = len(heard) - lost.Subscriptions
	return nil
}

// since is what was added to a count.
func since(now, before map[string]int) map[string]int {
	added := make(map[string]int)
	for name, n := range now {
		if n > before[name] {
			added[name] = n - before[name]
		}
	}
	return added
}

func (r *runner) exchangeValues(w watched) {
	values := map[string]float64{
		"start.seconds_to_live": w.start.Seconds(), "start.cpu_seconds": w.startCPU.Seconds(), "start.calls": float64(sum(w.calls)), "start.dialled": float64(w.dialled), "start.streams": float64(w.streams),
		"held.connections": float64(w.open), "held.rss": float64(w.total.RSS), "held.heap": float64(w.total.Heap), "held.goroutines": float64(w.goroutines),
		"held.rss_per_mailbox": w.held.rss, "held.heap_per_mailbox": w.held.heap, "held.goroutines_per_mailbox": w.held.goroutines,
		"loss.mailboxes": float64(w.lost), "loss.seconds_to_live": w.back.Seconds(), "loss.cpu_seconds": w.backCPU.Seconds(), "loss.calls": float64(sum(w.backCalls)), "loss.dialled": float64(w.backDials),
		"loss.disturbed": float64(w.disturbed), "loss.announced": float64(sum(w.announced)),
		"work.idle_cpu": w.idle, "work.cpu_us_per_change": float64(w.perChange) / float64(time.Microsecond),
		"work.changes": float64(len(w.latencies)), "changes_made": float64(w.verdict.made), "lost_silently": float64(w.verdict.lost),
	}
	for name, n := range w.calls {
		values["start.calls."+name] = float64(n)
	}
	for name, n := range w.backCalls {
		values["loss.calls."+name] = float64(n)
	}
	for name, q := range map[string]float64{"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1} {
		values["work.latency_us."+name] = float64(quantile(w.latencies, q)) / float64(time.Microsecond)
	}
	for name, v := range values {
		r.value(fmt.Sprintf("%d.%s", w.mailboxes, name), v)
	}
}

func sum(of map[string]int) (n int) {
	for _, one := range of {
		n += one
	}
	return n
}
