// Package targets has what the measurements are held against.
package targets

import (
	"math"
	"slices"
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
	// Keys of results.File.Values: the figure is that of Over, divided by that
	// of Under, if there is one. Of several in Over, the worst for us counts.
	Over  []string
	Under string
}

// A Format is how a figure is written.
type Format string

// The formats.
const (
	Times   Format = "times"   // 9x
	Count   Format = "count"   // 2
	Share   Format = "share"   // 0.50
	Part    Format = "part"    // 0.001, of which hardly any may be
	Micros  Format = "micros"  // + 15 µs
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
	keys := slices.Clone(t.Over)
	if t.Under != "" {
		keys = append(keys, t.Under)
	}
	return keys
}

// Measured returns the figure; false if any of what it is made from is missing
// or makes no figure.
func (t Target) Measured(values map[string]float64) (float64, bool) {
	var figures []float64
	for _, key := range t.Over {
		v, ok := values[key]
		if !ok {
			return 0, false
		}
		figures = append(figures, v)
	}
	if len(figures) == 0 {
		return 0, false
	}
	figure := slices.Min(figures)
	if t.AtMost {
		figure = slices.Max(figures)
	}
	if t.Under != "" {
		under := values[t.Under]
		if under <= 0 {
			return 0, false
		}
		figure /= under
	}
	return figure, !math.IsNaN(figure) && !math.IsInf(figure, 0)
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
