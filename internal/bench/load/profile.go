package load

import (
	"cmp"
	"maps"
	"math"
	"path"
	"runtime"
	"slices"
	"strings"
)

// A site is where memory in use was allocated.
type site struct {
	Package string // of the function that allocated
	Where   string // it and its callers, innermost first
	Bytes   int64
	Objects int64
}

// profile returns the largest sites of the heap in use, as of the last
// collection.
func profile() []site {
	records := make([]runtime.MemProfileRecord, 1000)
	for {
		n, ok := runtime.MemProfile(records, false)
		if ok {
			records = records[:n]
			break
		}
		records = make([]runtime.MemProfileRecord, n+1000)
	}
	sites := make(map[string]*site)
	for _, r := range records {
		bytes, objects := scaled(r.InUseBytes(), r.InUseObjects())
		where := callers(r.Stack())
		key := strings.Join(where, " < ")
		if sites[key] == nil {
			sites[key] = &site{Where: key, Package: packageOf(where[0])}
		}
		sites[key].Bytes += bytes
		sites[key].Objects += objects
	}
	all := slices.Collect(maps.Values(sites))
	slices.SortFunc(all, func(a, b *site) int { return cmp.Compare(b.Bytes, a.Bytes) })
	var largest []site
	for _, s := range all {
		largest = append(largest, *s)
	}
	return largest
}

// scaled is what a sample stands for: of small objects few are sampled.
func scaled(bytes, objects int64) (int64, int64) {
	if objects == 0 {
		return 0, 0
	}
	size := float64(bytes) / float64(objects)
	factor := 1 / (1 - math.Exp(-size/float64(runtime.MemProfileRate)))
	return int64(float64(bytes) * factor), int64(float64(objects) * factor)
}

// callers are the names of the functions that lead to an allocation, without
// the runtime's own and with five at most.
func callers(stack []uintptr) []string {
	var names []string
	frames := runtime.CallersFrames(stack)
	for {
		frame, more := frames.Next()
		if name := frame.Function; name != "" && (len(names) > 0 || !strings.HasPrefix(name, "runtime.")) && len(names) < 5 {
			names = append(names, path.Base(path.Dir(name))+"/"+path.Base(name))
		}
		if !more {
			break
		}
	}
	if len(names) == 0 {
		return []string{"runtime"}
	}
	return names
}

// packageOf is "outlookstream" of "calwatch/outlookstream.(*Client).send".
func packageOf(function string) string {
	name, _, _ := strings.Cut(path.Base(function), ".")
	return name
}
