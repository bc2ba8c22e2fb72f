package load

import (
	"fmt"
	"math"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
)

// held is what a client holds for one stream.
type held struct {
	rss, heap, stack, goroutines, fds, connections float64
}

// perStream is the difference between two measurements, for each of n streams.
func perStream(after, before usage, connections, n int) held {
	share := func(a, b int64) float64 { return float64(a-b) / float64(n) }
	return held{
		rss: share(after.RSS, before.RSS), heap: share(after.Heap, before.Heap), stack: share(after.Stack, before.Stack),
		goroutines:  share(int64(after.Goroutines), int64(before.Goroutines)),
		fds:         share(int64(after.FDs), int64(before.FDs)),
		connections: float64(connections) / float64(n),
	}
}

// footprint measures idle streams: those that have had nothing but keep-alives,
// and those that have had one event of 70 KB before.
func (r *runner) footprint() error {
	t := results.Table{
		Title: "What one idle stream holds in the client's process",
		Note: "For each stream, beyond what the process had with one. After garbage collection. " +
			"bare: net/http and a buffer of 512 B; std: net/http and encoding/json's Decoder; all over the library's transport.",
		Columns: []string{"protocol", "streams", "client", "after", "RSS", "heap", "stack", "goroutines", "file descriptors", "connections"},
	}
	for _, protocol := range r.size.footprints {
		for _, n := range r.size.counts {
			quiet, loaded := make(map[string]held), make(map[string]held)
			for _, mode := range r.size.modes {
				var err error
				if quiet[mode], loaded[mode], err = r.footprintOf(protocol, mode, n); err != nil {
					return fmt.Errorf("%s, %s, %d streams: %w", protocol, mode, n, err)
				}
				for _, after := range []struct {
					name, suffix string
					held
				}{{"keep-alives", "", quiet[mode]}, {"70 KB, keep-alives", ".after70k", loaded[mode]}} {
					h := after.held
					t.Rows = append(t.Rows, []string{protocolName(protocol), fmt.Sprint(n), mode, after.name, bytesText(h.rss), bytesText(h.heap), bytesText(h.stack),
						fmt.Sprintf("%.3f", h.goroutines), fmt.Sprintf("%.3f", h.fds), fmt.Sprintf("%.3f", h.connections)})
					key := fmt.Sprintf("footprint.%s.%s.%d.", protocol, mode, n)
					r.value(key+"rss_per_stream"+after.suffix, h.rss)
					r.value(key+"heap_per_stream"+after.suffix, h.heap)
					r.value(key+"stack_per_stream"+after.suffix, h.stack)
					r.value(key+"goroutines_per_stream"+after.suffix, h.goroutines)
					r.value(key+"fds_per_stream"+after.suffix, h.fds)
				}
			}
			key := fmt.Sprintf("footprint.%s.ours_minus_bare.", protocol)
			r.value(fmt.Sprintf("%sheap.%d", key, n), quiet[modeOurs].heap-quiet[modeBare].heap)
			r.value(fmt.Sprintf("%sheap.%d.after70k", key, n), loaded[modeOurs].heap-loaded[modeBare].heap)
			r.value(fmt.Sprintf("%srss.%d", key, n), quiet[modeOurs].rss-quiet[modeBare].rss)
			r.value(fmt.Sprintf("%sgoroutines.%d", key, n), beyond(protocol, quiet, n))
		}
		r.growth("footprint."+protocol, "rss_per_stream", "heap_per_stream", "rss_per_stream.after70k", "heap_per_stream.after70k")
	}
	r.table(t)
	return nil
}

// growth compares what is measured for each of many streams with the same for
// each of few.
func (r *runner) growth(of string, what ...string) {
	few, many := r.size.counts[0], r.size.counts[len(r.size.counts)-1]
	if few == many {
		return
	}
	for _, name := range what {
		for _, mode := range []string{modeOurs, modeBare} {
			key := fmt.Sprintf("load.%s.%s.%%d.%s", of, mode, name)
			if before := r.file.Values[fmt.Sprintf(key, few)]; before > 0 {
				r.value(fmt.Sprintf("%s.%s.growth.%s", of, mode, name), r.file.Values[fmt.Sprintf(key, many)]/before)
			}
		}
	}
}

// beyond is how many goroutines ours has for each stream that are not
// net/http's own. Those of a connection are, however many there are: HTTP/1.1
// may have some to spare, and HTTP/2 another number of them.
func beyond(protocol string, quiet map[string]held, n int) float64 {
	ours, bare := quiet[modeOurs], quiet[modeBare]
	ofConnection := map[string]float64{"h1": 2, "h2": 1}[protocol]
	return math.Round((ours.goroutines-bare.goroutines-ofConnection*(ours.connections-bare.connections))*float64(n)) / float64(n)
}

func (r *runner) footprintOf(protocol, mode string, n int) (quiet, loaded held, err error) {
	fail := func(err error) (held, held, error) { return held{}, held{}, err }
	server, address, err := r.server(serverConfig{Protocol: protocol, Mailboxes: n + 1, Streams: 250})
	if err != nil {
		return fail(err)
	}
	defer server.kill()
	client, err := r.client(address, clientConfig{Mode: mode, Protocol: protocol, KeepAlive: r.size.keepAlive, Profile: true, ConnectRate: 10_000})
	if err != nil {
		return fail(err)
	}
	defer client.kill()

	var before, after usage
	started := time.Now()
	if err := r.openAndSettle(client, 1, 1, atOnce(mode, protocol), &before); err != nil {
		return fail(err)
	}
	var first, all census
	if err := server.do("census", nil, &first); err != nil {
		return fail(err)
	}
	if err := r.openAndSettle(client, n, n+1, atOnce(mode, protocol), &after); err != nil {
		return fail(err)
	}
	if err := server.do("census", nil, &all); err != nil {
		return fail(err)
	}
	connections := all.Connections - first.Connections
	quiet = perStream(after, before, connections, n)
	var sites []site
	if err := client.do("profile", nil, &sites); err != nil {
		return fail(err)
	}
	r.logProfile(fmt.Sprintf("%s, %s, %d streams, after keep-alives", protocol, mode, n), sites, n)

	if err := server.do("change all", nil, nil); err != nil {
		return fail(err)
	}
	want := wanted{Events: n + 1, Within: r.size.patience}
	if mode == modeBare {
		// Its reads are so small that a stamp may be in two of them.
		want.Events = (n + 1) / 2
	}
	if _, err := await(client, want); err != nil {
		return fail(err)
	}
	if err := r.pause(r.size.keepAlive * 5 / 4); err != nil {
		return fail(err)
	}
	if err := client.do("settled", nil, &after); err != nil {
		return fail(err)
	}
	loaded = perStream(after, before, connections, n)
	if err := client.do("profile", nil, &sites); err != nil {
		return fail(err)
	}
	r.logProfile(fmt.Sprintf("%s, %s, %d streams, after 70 KB", protocol, mode, n), sites, n)
	var got come
	if err := client.do("await", wanted{Within: time.Second}, &got); err != nil {
		return fail(err)
	}
	if got.Resyncs != n+1 {
		r.logf("%d of %d streams did not live on", got.Resyncs-n-1, n+1)
	}
	r.logf("%s %s %d: %+v, then %+v (%.0f s)", protocol, mode, n, quiet, loaded, time.Since(started).Seconds())
	return quiet, loaded, nil
}

// openAndSettle opens more streams, waits until they have had their first
// keep-alives, and measures.
func (r *runner) openAndSettle(client *process, more, all, atOnce int, u *usage) error {
	if err := client.do("open", opening{Streams: more, AtOnce: atOnce}, nil); err != nil {
		return err
	}
	if _, err := await(client, wanted{Open: all, Within: r.size.patience}); err != nil {
		return err
	}
	if err := r.pause(r.size.keepAlive * 5 / 4); err != nil {
		return err
	}
	return client.do("settled", nil, u)
}

// logProfile logs who holds what for one stream, by package and in detail.
func (r *runner) logProfile(title string, sites []site, n int) {
	r.logf("\nheap profile: %s; bytes for each stream", title)
	byPackage := make(map[string]int64)
	for _, s := range sites {
		byPackage[s.Package] += s.Bytes
	}
	for _, name := range largest(byPackage, 14) {
		r.logf("%8d  %s", byPackage[name]/int64(n), name)
	}
	for _, s := range sites[:min(len(sites), 24)] {
		r.logf("    %7d  %.2f x  %s", s.Bytes/int64(n), float64(s.Objects)/float64(n), s.Where)
	}
}
