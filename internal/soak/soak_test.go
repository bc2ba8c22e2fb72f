package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	soakFor  = flag.Duration("soak", 0, "how long to soak, in real time; 0: for -soak.hours")
	soakMost = flag.Int("soak.hours", 100, "how many virtual hours to soak")
	soakSeed = flag.Uint64("soak.seed", 0, "the schedules' seed; 0: 1, or with -soak a random one")
)

// Whatever happens, a change is delivered or announced. See doc.go.
func TestSoak(t *testing.T) { soak(t, "soak", drawREST) }

// soak plays schedules for as long as was asked for, and sums them up.
func soak(t *testing.T, name string, draw func(*rapid.T) schedule) {
	begin := time.Now()
	seed := *soakSeed
	switch {
	case seed != 0:
	case *soakFor > 0:
		seed = rand.Uint64()
	default:
		seed = 1
	}
	hours := float64(*soakMost)
	if testing.Short() {
		hours /= 4
	}
	var total tally
	var first string // failure, should rapid not see it again: the back-off is random, and goroutines take turns
	for batch := uint64(0); ; batch++ {
		if *soakFor > 0 && time.Since(begin) > *soakFor || *soakFor == 0 && total.played.Hours() >= hours {
			break
		}
		set(t, "rapid.seed", strconv.FormatUint(seed+batch, 10))
		set(t, "rapid.checks", "20")
		if !t.Run(fmt.Sprint("seed ", seed+batch), func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				s := draw(r)
				result := play(t, s)
				if len(result.wrong) == 0 {
					total.add(result.tally)
					return
				}
				text := fmt.Sprintf("the schedule: %v\nwhat happened:\n%s\n%s", s, result.journal, strings.Join(result.wrong[:min(len(result.wrong), 10)], "\n"))
				if first == "" {
					first = text
				}
				r.Log(text)
				r.Fatalf("%d things are wrong, the first: %s", len(result.wrong), result.wrong[0])
			})
		}) {
			t.Logf("the first failure, before it was cut down: %s", first)
			return
		}
	}
	t.Logf("%s: %v", name, &total)
	t.Logf("in %v\n%s", time.Since(begin).Round(time.Second), total.details())
}

func set(t *testing.T, name, value string) {
	t.Helper()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

// The same over Exchange Web Services.
func TestSoakExchange(t *testing.T) { soak(t, "soak: Exchange", drawExchange) }
