package micro_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/bench/data"
	"github.com/calwatch/calwatch/internal/bench/micro"
	"github.com/calwatch/calwatch/internal/bench/targets"
)

// TestRatios is the short form of the measurements: whoever is needed for a
// target runs in turn with the others, a little at a time, and each one's best
// time counts, since noise only ever adds. It fails when a ratio falls below
// three quarters of its target, and at one allocation too many.
func TestRatios(t *testing.T) {
	values := map[string]float64{}
	var racers []*racer
	for _, target := range targets.All() {
		if !target.OnlyOf("micro") {
			continue
		}
		for _, key := range target.Keys() {
			name, isTime := strings.CutSuffix(strings.TrimPrefix(key, "micro."), ".ns")
			switch {
			case slices.ContainsFunc(racers, func(r *racer) bool { return r.name == name }):
			case isTime:
				racers = append(racers, newRacer(t, name))
			default:
				name = strings.TrimSuffix(name, ".allocs")
				values[key] = allocations(t, name)
			}
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that collecting garbage is charged to whom it belongs
	for round := range 60 {
		for _, r := range racers {
			r.run(t, 25*time.Millisecond)
			values["micro."+r.name+".ns"] = r.best
		}
		// On a busy machine it takes longer until everybody has had a good moment.
		if round >= 11 && tolerable(values) {
			break
		}
	}
	for _, r := range racers {
		t.Logf("%-44s %10.0f ns", r.name, r.best)
	}
	for _, target := range targets.All() {
		if !target.OnlyOf("micro") {
			continue
		}
		figure, ok := target.Measured(values)
		switch {
		case !ok:
			t.Errorf("%s: not measured", target.ID)
		case !target.Tolerable(figure):
			t.Errorf("%s: %.2f, and must be %.2f (%s)", target.ID, figure, target.Limit, target.What)
		default:
			t.Logf("%-20s %6.2f, must be %.2f", target.ID, figure, target.Limit)
		}
	}
}

// tolerable reports whether all figures are.
func tolerable(values map[string]float64) bool {
	for _, target := range targets.All() {
		if figure, ok := target.Measured(values); ok && !target.Tolerable(figure) {
			return false
		}
	}
	return true
}

// A racer is a contestant at one task.
type racer struct {
	name  string
	next  func() error
	per   int     // elements that one call of next goes over
	batch int     // calls that take about a millisecond
	best  float64 // ns for an element
}

// newRacer makes one from a name such as notification.simple.16k.goccy.
func newRacer(t *testing.T, name string) *racer {
	part := strings.Split(name, ".")
	kind, reads := kindOf(t, part[1]), readsOf(t, part[2])
	r := &racer{name: name, per: 1, best: math.Inf(1)}
	if part[0] == string(micro.Watching) {
		r.next, r.per = watching(t, 1000)
	} else {
		r.next = walking(t, micro.Task(part[0]), part[3], data.Elements(kind), reads)
	}
	began := time.Now()
	for time.Since(began) < time.Millisecond || r.batch == 0 {
		r.must(t)
		r.batch++
	}
	return r
}

func (r *racer) must(t *testing.T) {
	if err := r.next(); err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
}

func (r *racer) run(t *testing.T, atLeast time.Duration) {
	began, calls := time.Now(), 0
	for time.Since(began) < atLeast {
		for range r.batch {
			r.must(t)
		}
		calls += r.batch
	}
	r.best = min(r.best, float64(time.Since(began))/float64(calls*r.per))
}

// allocations of one element, as they are counted. A keep-alive is what a
// thousand of them add to the change that comes after.
func allocations(t *testing.T, name string) float64 {
	part := strings.Split(name, ".")
	if part[0] != string(micro.Watching) {
		next := walking(t, micro.Task(part[0]), part[3], data.Elements(kindOf(t, part[1])), readsOf(t, part[2]))
		return allocs(t, next)
	}
	const keepAlives = 1000
	many, _ := watching(t, keepAlives)
	none, _ := watching(t, 0)
	// To a hundredth: memory that is borrowed from a pool may have to be made
	// anew now and then.
	return math.Round(100*math.Max(0, allocs(t, many)-allocs(t, none))/keepAlives) / 100
}

func allocs(t *testing.T, next func() error) float64 {
	return testing.AllocsPerRun(1000, func() {
		if err := next(); err != nil {
			t.Fatal(err)
		}
	})
}

func watching(t *testing.T, keepAlives int) (next func() error, per int) {
	elements := micro.Between(keepAlives, data.Elements(data.KeepAlive)[0], data.Elements(data.Simple))
	head, chunks := micro.Chunks(elements, false)
	next, stop, err := micro.Watch(micro.NewEndless(head, chunks, 16<<10))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return next, keepAlives + 1
}

func walking(t *testing.T, task micro.Task, name string, elements [][]byte, reads int) func() error {
	for _, c := range micro.Contestants() {
		if c.Task != task || c.Name != name {
			continue
		}
		head, chunks := micro.Chunks(elements, c.Concatenated)
		w, err := c.Open(micro.NewEndless(head, chunks, reads))
		if err != nil {
			t.Fatal(err)
		}
		if w.Close != nil {
			t.Cleanup(w.Close)
		}
		return w.Next
	}
	t.Fatalf("nobody is called %s", name)
	return nil
}

func kindOf(t *testing.T, name string) data.Kind {
	for _, kind := range data.Kinds() {
		if kind.String() == name {
			return kind
		}
	}
	t.Fatalf("no kind %s", name)
	return 0
}

func readsOf(t *testing.T, name string) int {
	if name == "16k" {
		return 16 << 10
	}
	var size int
	if _, err := fmt.Sscan(name, &size); err != nil {
		t.Fatalf("no size of reads: %s", name)
	}
	return size
}
