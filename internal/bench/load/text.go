package load

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

func bytesText(b float64) string { return fmt.Sprintf("%.1f KB", b/1000) }

func microseconds(d time.Duration) string {
	return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// protocolName is what people call it.
func protocolName(p string) string { return map[string]string{"h1": "HTTP/1.1", "h2": "HTTP/2"}[p] }

// largest are the keys of the n largest values.
func largest(of map[string]int64, n int) []string {
	keys := slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b)) })
	return keys[:min(len(keys), n)]
}

// quantile of a sorted list.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
