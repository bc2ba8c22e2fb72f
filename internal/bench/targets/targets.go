// Package targets has what the measurements are held against.
package targets

import (
	"math"
	"strings"
)

// A Target is one figure that has to be reached.
type Target struct {
	ID   string // names the note about it
	What string
	// Limit must be reached; Aim is to reach for. With AtMost, less is better.
	Limit, Aim float64
	AtMost     bool
	Format     Format
	// The figure is the least of Over, divided by the least of Under, if there
	// are any, or less the least of Minus: keys of results.File.Values.
	Over, Under, Minus []string
}

// A Format is how a figure is written.
type Format string

// The formats.
const (
	Times   Format = "times"   // 9x
	Count   Format = "count"   // 2
	Share   Format = "share"   // 0.50
	Micros  Format = "micros"  // + 15 µs; values are in nanoseconds
	Nanos   Format = "nanos"   // + 100 ns
	Bytes   Format = "bytes"   // 4 KB, of 1,000
	Seconds Format = "seconds" // 2 s
)

// A Verdict says how a figure stands.
type Verdict string

// The verdicts.
const (
	NotMeasured Verdict = "not measured"
	NotMet      Verdict = "**NOT met**"
	Met         Verdict = "met"
	AimMet      Verdict = "aim met"
)

// Keys are the values that t is made from.
func (t Target) Keys() []string {
	return append(append(append([]string(nil), t.Over...), t.Under...), t.Minus...)
}

// Measured returns the figure; false if any of what it is made from is missing
// or makes no figure.
func (t Target) Measured(values map[string]float64) (float64, bool) {
	over, ok := least(values, t.Over)
	if !ok {
		return 0, false
	}
	if len(t.Under) > 0 {
		under, ok := least(values, t.Under)
		if !ok || under <= 0 {
			return 0, false
		}
		over /= under
	}
	if len(t.Minus) > 0 {
		minus, ok := least(values, t.Minus)
		if !ok {
			return 0, false
		}
		over -= minus
	}
	return over, !math.IsNaN(over) && !math.IsInf(over, 0)
}

func least(values map[string]float64, keys []string) (float64, bool) {
	lowest := math.Inf(1)
	for _, key := range keys {
		v, ok := values[key]
		if !ok {
			return 0, false
		}
		lowest = min(lowest, v)
	}
	return lowest, len(keys) > 0
}

// Verdict says how the figure stands.
func (t Target) Verdict(values map[string]float64) Verdict {
	figure, ok := t.Measured(values)
	switch {
	case !ok:
		return NotMeasured
	case t.reaches(figure, t.Aim):
		return AimMet
	case t.reaches(figure, t.Limit):
		return Met
	default:
		return NotMet
	}
}

func (t Target) reaches(figure, mark float64) bool {
	if t.AtMost {
		return figure <= mark
	}
	return figure >= mark
}

// Tolerable reports whether the figure reaches three quarters of the limit:
// what a short run on a busy machine can tell. Allocations are counted, and so
// there is nothing to tolerate.
func (t Target) Tolerable(figure float64) bool {
	switch {
	case t.Format == Count:
		return t.reaches(figure, t.Limit)
	case t.AtMost:
		return figure*0.75 <= t.Limit
	default:
		return figure >= t.Limit*0.75
	}
}

// OnlyOf reports whether all that t is made from is of one suite.
func (t Target) OnlyOf(suite string) bool {
	for _, key := range t.Keys() {
		if !strings.HasPrefix(key, suite+".") {
			return false
		}
	}
	return true
}
