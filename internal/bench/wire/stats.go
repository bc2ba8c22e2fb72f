package wire

import (
	"fmt"
	"slices"
)

// quantile returns the smallest value that so large a part of all is not above.
func quantile(values []float64, part float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)]
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// spread is half of what lies between the least and the most, as a part of the
// median.
func spread(values []float64) float64 {
	return (slices.Max(values) - slices.Min(values)) / 2 / median(values)
}

// withSpread writes a median and how far the passes were apart.
func withSpread(format string, values []float64) string {
	return fmt.Sprintf(format+" ±%.0f%%", median(values), 100*spread(values))
}

// turns returns the contestants in the order of a pass: each begins once, so
// that none always follows the same one, or is always first.
func turns(names []string, pass int) []string {
	first := pass % len(names)
	return slices.Concat(names[first:], names[:first])
}
