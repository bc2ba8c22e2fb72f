package main

import (
	"fmt"

	"github.com/calwatch/calwatch/internal/bench/results"
)

// accounts are how many there are in the benchmarks of tokens.
func accounts() []string { return []string{"1", "100", "1000", "10000"} }

// A way of getting a token.
type way struct{ name, what string }

func ways() []way {
	return []way{
		{"same", "`msalauth`: hit, the same account"},
		{"hit", "`msalauth`: hit, accounts in turn"},
		{"cold", "`msalauth`: cold"},
		{"one-file", "MSAL, one file: any"},
		{"renewal", "`msalauth`: renewal"},
		{"one-file-renewal", "MSAL, one file: renewal"},
	}
}

// token are the tables of what a token costs.
func (all stock) token() []results.Table {
	header := []string{"1", "100", "1,000", "10,000"}
	times := results.Table{Columns: append([]string{"accounts"}, header...)}
	memory := results.Table{Columns: append([]string{"bytes and allocations"}, header...)}
	for _, w := range ways() {
		took, used := []string{w.what}, []string{w.what}
		for _, n := range accounts() {
			name := "token." + n + "." + w.name
			took, used = append(took, all.took(name)), append(used, all.allocated(name))
		}
		times.Rows, memory.Rows = append(times.Rows, took), append(memory.Rows, used)
	}
	ratios := results.Table{Columns: append([]string{"how many times as long MSAL with one file takes"}, header...)}
	for _, as := range []struct{ what, ours, theirs string }{
		{"as a hit, accounts in turn", "hit", "one-file"}, {"as a cold account", "cold", "one-file"}, {"as a renewal", "renewal", "one-file-renewal"},
	} {
		row := []string{as.what}
		for _, n := range accounts() {
			row = append(row, all.ratio(fmt.Sprintf("token.%s.%s", n, as.theirs), fmt.Sprintf("token.%s.%s.ns", n, as.ours)))
		}
		ratios.Rows = append(ratios.Rows, row)
	}
	if _, ok := all.files["token"]; !ok {
		return nil
	}
	return []results.Table{times, ratios, memory}
}
