package soak

import (
	"net/http"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// How schedules are drawn. Small draws are the tame ones, so that what is left
// after shrinking is what matters.

func drawSchedule(t *rapid.T, source source, step *rapid.Generator[step]) schedule {
	return schedule{
		source: source,
		steps:  slices.Concat(rapid.SliceOfN(rapid.SliceOfN(step, 1, 20), 1, 20).Draw(t, "steps")...), // two levels make longer ones
		quiet:  rapid.SampledFrom([]time.Duration{0, time.Hour, 3 * time.Hour, 12 * time.Hour}).Draw(t, "quiet"),
	}
}

func drawREST(t *rapid.T) schedule {
	return drawSchedule(t, &rest{
		protocol:   rapid.SampledFrom([]string{"h1", "h2"}).Draw(t, "protocol"),
		keepAlive:  rapid.SampledFrom([]time.Duration{time.Minute, 15 * time.Second, 5 * time.Minute}).Draw(t, "keepAlive"),
		connection: rapid.SampledFrom([]time.Duration{time.Hour, 10 * time.Minute, 6 * time.Minute}).Draw(t, "connection"),
		shared:     rapid.Bool().Draw(t, "shared"),
		programs:   rapid.SliceOfN(rapid.Custom(drawProgram), 1, 3).Draw(t, "programs"),
	}, rapid.Custom(drawStep))
}

func drawProgram(t *rapid.T) programSpec {
	p := programSpec{
		user:      rapid.IntRange(0, len(users)-1).Draw(t, "user"),
		resources: rapid.SliceOfNDistinct(rapid.SampledFrom(resources), 1, 3, rapid.ID).Draw(t, "resources"),
	}
	p.buffer = drawBuffer(t)
	p.dedup = rapid.Bool().Draw(t, "dedup")
	p.listing = drawListing(t)
	return p
}

func drawBuffer(t *rapid.T) int {
	return rapid.SampledFrom([]int{0, 0, 0, 1, 10, 100}).Draw(t, "buffer")
}

func drawListing(t *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{0, 0, time.Second, 20 * time.Second}).Draw(t, "listing")
}

// A pause between two steps: none, or up to hours. What happens at once, and
// what happens while the watch is about to do something else, both matter.
var pauses = rapid.OneOf(
	rapid.SampledFrom([]time.Duration{0, time.Second, 10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour}),
	durations(time.Millisecond, time.Minute),
	durations(time.Second, 90*time.Minute),
)

func durations(shortest, longest time.Duration) *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.Int64Range(int64(shortest/time.Millisecond), int64(longest/time.Millisecond)), func(ms int64) time.Duration {
		return time.Duration(ms) * time.Millisecond
	})
}

// common are the steps of both sources, the tame ones first.
var common = []what{
	change, change, change, change, change, change, strike, strike, strike, strike, strike, spell,
	expire, revoke, silent, restart, freeze, reset, refuse, suspend, clock, slow, leave,
}

func drawStep(t *rapid.T) step {
	return drawCommon(t, common, []string{"Created", "Updated", "Deleted", "SubscriptionRemoved", "Missed", "Created", "Created"}, drawFault)
}

// drawCommon draws a step as far as it is the same for both sources.
func drawCommon(t *rapid.T, all []what, kinds []string, fault func(*rapid.T) fakeserver.Fault) step {
	x := step{
		do:    rapid.SampledFrom(all).Draw(t, "do"),
		after: pauses.Draw(t, "after"),
		n:     rapid.IntRange(0, 2).Draw(t, "program"),
		of:    rapid.IntRange(0, 3).Draw(t, "resource"),
	}
	switch x.do {
	case change:
		x.kind = rapid.SampledFrom(kinds).Draw(t, "kind")
		x.count = rapid.IntRange(1, 20).Draw(t, "count")
		x.span = rapid.SampledFrom([]time.Duration{0, 0, 0, 10 * time.Second, time.Minute}).Draw(t, "span")
		if rapid.IntRange(0, 40).Draw(t, "flood") == 40 {
			x.count += 1100 // more than the service holds back for a subscription
		}
		if x.kind == "SubscriptionRemoved" {
			x.count = 1
		}
	case strike:
		x.fault = fault(t)
		x.fault.Times = rapid.IntRange(1, 3).Draw(t, "times")
		x.count = rapid.IntRange(0, 4).Draw(t, "count")
	case spell:
		x.fault = fault(t)
		x.fault.Times = -1
		x.count = rapid.IntRange(1, 20).Draw(t, "count")
		x.span = durations(time.Minute, time.Hour).Draw(t, "span")
	case silent:
		x.mute = rapid.Bool().Draw(t, "no answer")
		x.span = durations(time.Second, 20*time.Minute).Draw(t, "span")
	case restart, refuse:
		x.span = durations(0, 20*time.Minute).Draw(t, "span")
	case suspend:
		x.span = durations(time.Second, 3*time.Hour).Draw(t, "span")
	case clock:
		x.span = durations(-2*time.Hour, 2*time.Hour).Draw(t, "by")
	case slow:
		x.span = durations(time.Second, 2*time.Hour).Draw(t, "span")
	}
	return x
}

func drawFault(t *rapid.T) fakeserver.Fault {
	f := fakeserver.Fault{On: rapid.SampledFrom([]string{"stream", "stream", "stream", "listen", "subscribe"}).Draw(t, "on")}
	f.Do = rapid.SampledFrom(fakeserver.FaultsOn(f.On)).Draw(t, "fault")
	if f.On == "stream" {
		f.After = rapid.IntRange(0, 3).Draw(t, "elements")
	}
	switch f.Do {
	case "status":
		f.Status = rapid.SampledFrom([]int{503, 429, 401, 404, 500, 502, 504, 401, 404, 408, 409, 421, 423, 425, 403, 410, 400}).Draw(t, "status")
		f.RetryAfter = rapid.SampledFrom([]string{"", "", "0", "30", "120", "Sat, 01 Jan 2000 03:00:00 GMT", "soon", "-1"}).Draw(t, "retryAfter")
	case "redirect":
		f.Status = rapid.SampledFrom([]int{0, http.StatusFound, http.StatusPermanentRedirect}).Draw(t, "status")
	case "slow":
		f.Delay = durations(time.Millisecond, 50*time.Second).Draw(t, "delay")
	case "cutAtByte":
		f.Bytes = rapid.IntRange(0, 3000).Draw(t, "bytes")
	}
	return f
}
