package targets

import "fmt"

// The names of values: task.kind.reads.contestant.quantity in micro. In those
// of the other suites, the first is the suite.
func ns(contestant string) string { return "micro." + contestant + ".ns" }

const (
	simple    = "notification.simple.16k."
	rich      = "notification.rich70k.16k."
	keepAlive = "notification.keepalive.16k."
	frame     = "frame.simple.16k."
)

// All returns all targets, in the order of the page.
func All() []Target {
	var all []Target
	for _, some := range [][]Target{decoding(), wire(), footprint(), detection(), growth(), tokens()} {
		all = append(all, some...)
	}
	return all
}

func decoding() []Target {
	ours := ns(simple + "calwatch")
	oursRich := ns(rich + "calwatch")
	watching := ns("watch.keepalive.16k.calwatch") // what a program's loop over Watch pays
	framing := ns(frame + "calwatch")
	framingRich := ns("frame.rich70k.16k.calwatch")
	return []Target{
		{ID: "simple-std", What: "simple notification (1.15 KB), bytes to an owned `*Notification` with raw ResourceData, vs `encoding/json` Decoder into the same struct",
			Limit: 9, Aim: 14, Format: Times, Over: []string{ns(simple + "encoding-json")}, Under: ours},
		{ID: "simple-general", What: "same, vs the fastest general library doing the same header-only decode (jsontext, goccy, json-iterator)",
			Limit: 1.9, Aim: 2.7, Format: Times, Under: ours,
			Over: []string{ns(simple + "jsontext"), ns(simple + "goccy"), ns(simple + "json-iterator"), ns(simple + "json-iterator-case")}},
		{ID: "simple-kubernetes", What: "same, vs Kubernetes' framer + decoder", Limit: 14, Aim: 20, Format: Times, Over: []string{ns(simple + "kubernetes")}, Under: ours},
		{ID: "rich-std", What: "rich event (70 KB), same, vs `encoding/json`", Limit: 10, Aim: 17, Format: Times, Over: []string{ns(rich + "encoding-json")}, Under: oursRich},
		{ID: "rich-jsontext", What: "rich event (70 KB), same, vs jsontext", Limit: 1.5, Aim: 2.4, Format: Times, Over: []string{ns(rich + "jsontext")}, Under: oursRich},
		{ID: "keepalive-std", What: "keep-alive, through `Watch`, vs `encoding/json`", Limit: 20, Aim: 30, Format: Times, Over: []string{ns(keepAlive + "encoding-json")}, Under: watching},
		{ID: "keepalive-allocs", What: "allocations per keep-alive, through `Watch`", AtMost: true, Format: Count, Over: []string{"micro.watch.keepalive.16k.calwatch.allocs"}},
		{ID: "frame-std", What: "framing alone (element validated and returned, no copy), simple notification, vs Decode into RawMessage",
			Limit: 15, Aim: 25, Format: Times, Over: []string{ns(frame + "encoding-json")}, Under: framing},
		{ID: "frame-jsontext", What: "same, vs jsontext ReadValue", Limit: 1.7, Aim: 3, Format: Times, Over: []string{ns(frame + "jsontext")}, Under: framing},
		{ID: "simple-allocs", What: "allocations per simple notification", Limit: 2, Aim: 1, AtMost: true, Format: Count, Over: []string{"micro." + simple + "calwatch.allocs"}},
		{ID: "reads-64", What: "cost of framing at 64-byte reads, 70 KB event, vs 16 KiB reads", Limit: 2, Aim: 1.6, AtMost: true, Format: Times,
			Over: []string{ns("frame.rich70k.64.calwatch")}, Under: framingRich},
		{ID: "reads-1", What: "cost of framing at 1-byte reads, 70 KB event, vs 16 KiB reads", Limit: 40, Aim: 30, AtMost: true, Format: Times,
			Over: []string{ns("frame.rich70k.1.calwatch")}, Under: framingRich},
	}
}

func wire() []Target {
	const latency, loop = "wire.latency.tcp.rich14k.", "p50_beyond_bare_us.ours-watch"
	return []Target{
		{ID: "tls-share", What: "whole path over TLS (HTTP/1.1, loopback), simple notifications, throughput as a share of a bare read of the same response (`encoding/json` reaches 0.10, goccy 0.34)",
			Limit: 0.5, Aim: 0.7, Format: Share, Over: []string{"wire.tls.simple.share.ours"}},
		{ID: "isolated-cpu", What: "CPU of an isolated notification in its own packet, vs reading alone (`encoding/json` 1.9x)",
			Limit: 1.3, Aim: 1.15, AtMost: true, Format: Times, Over: []string{"wire.isolated.simple.cpu_ratio.ours"}},
		{ID: "latency", What: "last byte written to the caller's loop, 14 KB event, TCP, p50 beyond a bare read (`encoding/json` + 87 µs)",
			Limit: 15, Aim: 4, AtMost: true, Format: Micros, Over: []string{latency + "lastbyte." + loop}},
		{ID: "idle-read", What: "idle detection, cost per read, vs none", Limit: 100, Aim: 10, AtMost: true, Format: Nanos, Over: []string{"wire.idle.read512_beyond_bare_ns"}},
	}
}

// inLoad are values of the suite of many streams, for both protocols.
func inLoad(format string) []string {
	return []string{"load." + fmt.Sprintf(format, "h1"), "load." + fmt.Sprintf(format, "h2")}
}

func footprint() []Target {
	const beyond = "footprint.%s.ours_minus_bare."
	return []Target{
		{ID: "idle-library", What: "memory held by `jsonstream` + `outlookstream` per idle stream, whatever it has carried (`encoding/json` 130 KB after one 70 KB event)",
			Limit: 4_000, Aim: 1_500, AtMost: true, Format: Bytes, Over: append(inLoad(beyond+"heap.10000"), inLoad(beyond+"heap.10000.after70k")...)},
		{ID: "rss-h2", What: "process RSS per idle TLS stream, decoder in: HTTP/2 (bare net/http: 14.4-16 KB)",
			Limit: 20_000, Aim: 17_000, AtMost: true, Format: Bytes, Over: []string{"load.footprint.h2.ours.10000.rss_per_stream"}},
		{ID: "rss-h1", What: "process RSS per idle TLS stream, decoder in: HTTP/1.1 (bare net/http: 38-48 KB)",
			Limit: 45_000, Aim: 40_000, AtMost: true, Format: Bytes, Over: []string{"load.footprint.h1.ours.10000.rss_per_stream"}},
		{ID: "h2-connections", What: "HTTP/2 connections for N streams at a server limit of L, 64 openers, in N/L (net/http's Transport dials up to 25 times too many)",
			Limit: 2, Aim: 1, AtMost: true, Format: Times, Over: []string{"load.connections.h2.ours.100.ratio", "load.connections.h2.ours.250.ratio"}},
		// A Client may have a goroutine or two of its own, whatever the number of its streams.
		{ID: "goroutines", What: "goroutines per idle stream beyond net/http's own (none: less than one for a thousand)",
			Limit: 0.001, Aim: 0.001, AtMost: true, Format: Part, Over: inLoad(beyond + "goroutines.10000")},
	}
}

func detection() []Target {
	var late, away []string
	for _, fault := range []string{"sigstop", "swallowed", "stalled"} {
		late = append(late, inLoad("deadpeer.%s."+fault+".noticed_over_limit_seconds")...)
		away = append(away, inLoad("deadpeer.%s."+fault+".live_again_seconds")...)
	}
	return []Target{
		{ID: "dead-detected", What: "dead peer detected (SIGSTOP, dropped packets, one stalled stream of many; HTTP/1.1 and HTTP/2): the slowest, beyond 2 keep-alives + 5 s (to a twentieth of a second)",
			Limit: 0.05, Aim: 0.05, AtMost: true, Format: Seconds, Over: late},
		{ID: "dead-reopened", What: "then reopened on a live connection, the slowest", Limit: 2, Aim: 1, AtMost: true, Format: Seconds, Over: away},
	}
}

func growth() []Target {
	return []Target{
		{ID: "growth-memory", What: "growth from 1,000 to 10,000 streams: memory (RSS) per stream", Limit: 1.1, Aim: 1, AtMost: true, Format: Times,
			Over: inLoad("footprint.%s.ours.growth.rss_per_stream")},
		{ID: "growth-cpu", What: "growth from 1,000 to 10,000 streams: CPU per stream", Limit: 1.1, Aim: 1, AtMost: true, Format: Times,
			Over: inLoad("steady.%s.ours.growth.idle_cpu_us_per_stream_second")},
	}
}

func tokens() []Target {
	row := func(id, what, of string) Target {
		return Target{ID: id, What: "token for a cached account among 10,000 accounts, vs among 1: " + what, Limit: 2, Aim: 1.2, AtMost: true, Format: Times,
			Over: []string{"token.10000." + of + ".ns"}, Under: "token.1." + of + ".ns"}
	}
	return []Target{
		row("token-same", "the same account asked again and again", "same"),
		row("token-turn", "accounts asked in turn", "hit"),
		row("token-cold", "read from the persistent cache", "cold"),
	}
}
