package main

import (
	"math"
	"testing"
)

func TestLinesAndTheBestOfThem(t *testing.T) {
	all := lines(`goos: linux
BenchmarkMicro/frame/simple/16k/json-iterator-2   	   10000	      5000 ns/op	 200.00 MB/s	    1625 B/op	      15 allocs/op
BenchmarkMicro/frame/simple/16k/json-iterator-2   	   10000	      4000 ns/op	 250.00 MB/s	    1625 B/op	      15 allocs/op
BenchmarkMicro/frame/simple/16k/json-iterator-2   	   10000	      9000 ns/op	 111.11 MB/s	    1625 B/op	      16 allocs/op
BenchmarkOther
PASS
`)
	if len(all) != 3 {
		t.Fatal(all)
	}
	values := best(all, func(l line) string { return l.name })
	const name = "BenchmarkMicro/frame/simple/16k/json-iterator"
	for suffix, want := range map[string]float64{".ns": 4000, ".spread": 0.25, ".bytes": 1625, ".allocs": 15, ".size": 1000} {
		if got := values[name+suffix]; math.Abs(got-want) > want/1000 {
			t.Errorf("%s is %v, want %v", suffix, got, want)
		}
	}
}
