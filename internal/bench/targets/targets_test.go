package targets_test

import (
	"math"
	"testing"

	"github.com/calwatch/calwatch/internal/bench/targets"
)

func TestVerdicts(t *testing.T) {
	faster := targets.Target{Limit: 9, Aim: 14, Format: targets.Times, Over: []string{"them", "others"}, Under: "us"}
	least := targets.Target{Limit: 2, Aim: 1, AtMost: true, Format: targets.Count, Over: []string{"allocs"}}
	beyond := targets.Target{Limit: 15, Aim: 4, AtMost: true, Over: []string{"h1", "h2"}}
	for _, test := range []struct {
		target targets.Target
		values map[string]float64
		want   targets.Verdict
	}{
		{faster, map[string]float64{"them": 1400, "others": 2000, "us": 100}, targets.AimMet},
		{faster, map[string]float64{"them": 1000, "others": 2000, "us": 100}, targets.Met},
		{faster, map[string]float64{"them": 2000, "others": 800, "us": 100}, targets.NotMet},
		{faster, map[string]float64{"them": 2000, "us": 100}, targets.NotMeasured},
		{faster, map[string]float64{"them": 2000, "others": 800}, targets.NotMeasured},
		{faster, map[string]float64{"them": 2000, "others": 800, "us": 0}, targets.NotMeasured},
		{faster, nil, targets.NotMeasured},
		{least, map[string]float64{"allocs": 1}, targets.AimMet},
		{least, map[string]float64{"allocs": 2}, targets.Met},
		{least, map[string]float64{"allocs": 3}, targets.NotMet},
		{least, map[string]float64{"allocs": math.NaN()}, targets.NotMeasured},
		{beyond, map[string]float64{"h1": 3, "h2": 10}, targets.Met},
		{beyond, map[string]float64{"h1": 3}, targets.NotMeasured},
	} {
		if got := test.target.Verdict(test.values); got != test.want {
			t.Errorf("%v: %v, want %v", test.values, got, test.want)
		}
	}
	if faster.Tolerable(6.74) || !faster.Tolerable(6.76) || least.Tolerable(2.1) || !least.Tolerable(2) || beyond.Tolerable(20.1) || !beyond.Tolerable(19.9) {
		t.Error("three quarters of the limit, or exactly what is counted")
	}
}

// Each has its own note, its figures in the right order, and something to be made from.
func TestAll(t *testing.T) {
	seen := map[string]bool{}
	for _, target := range targets.All() {
		if seen[target.ID] || target.ID == "" || len(target.Over) == 0 {
			t.Errorf("%q: no name, a second one, or nothing to measure", target.ID)
		}
		seen[target.ID] = true
		if target.AtMost && target.Aim > target.Limit || !target.AtMost && target.Aim < target.Limit {
			t.Errorf("%s: the aim is less than what must be met", target.ID)
		}
		if v := target.Verdict(nil); v != targets.NotMeasured {
			t.Errorf("%s without values is %v", target.ID, v)
		}
	}
}
