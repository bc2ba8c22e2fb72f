package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A line is one of what go test -bench prints.
type line struct {
	name   string             // without the number of processors
	values map[string]float64 // by unit: "ns/op"
}

// lines finds those of benchmarks in what a test printed.
func lines(output string) []line {
	processors := regexp.MustCompile(`-\d+$`)
	var all []line
	for text := range strings.Lines(output) {
		fields := strings.Fields(text)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		l := line{name: processors.ReplaceAllString(fields[0], ""), values: map[string]float64{}}
		for i := 2; i+1 < len(fields); i += 2 { // 1 is how often it ran
			if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
				l.values[fields[i+1]] = value
			}
		}
		all = append(all, l)
	}
	return all
}

// best makes one of several runs: of the times, the shortest, since what else
// the machine does only ever adds to them, and by how much of it the median is
// longer; of what else there is, the median.
func best(all []line, key func(line) string) map[string]float64 {
	runs := map[string][]float64{}
	units := map[string]string{"ns/op": ".ns", "B/op": ".bytes", "allocs/op": ".allocs"}
	for _, l := range all {
		for unit, suffix := range units {
			if value, ok := l.values[unit]; ok {
				runs[key(l)+suffix] = append(runs[key(l)+suffix], value)
			}
		}
		if ns := l.values["ns/op"]; ns > 0 && l.values["MB/s"] > 0 {
			runs[key(l)+".size"] = append(runs[key(l)+".size"], l.values["MB/s"]*ns/1e3)
		}
	}
	values := map[string]float64{}
	for name, of := range runs {
		slices.Sort(of)
		middle := (of[(len(of)-1)/2] + of[len(of)/2]) / 2
		values[name] = middle
		if base, isTime := strings.CutSuffix(name, ".ns"); isTime {
			values[name] = of[0]
			if len(of) > 1 {
				values[base+".spread"] = middle/of[0] - 1
			}
		}
	}
	return values
}
