package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
	"github.com/calwatch/calwatch/internal/bench/targets"
)

// What was not measured is never said to be met, on a page that says so of every target.
func TestPageOfNothing(t *testing.T) {
	page := stock{notes: notes(notesText)}.page(nil)
	for _, target := range targets.All() {
		if !strings.Contains(page, "| "+target.What+" |") {
			t.Errorf("%s is not on the page", target.ID)
		}
	}
	for text := range strings.Lines(page) {
		if strings.Contains(text, "| met |") || strings.Contains(text, "aim met") || strings.Contains(text, "NOT met") {
			t.Errorf("a verdict on nothing: %s", text)
		}
	}
	if n := strings.Count(page, "| not measured |"); n < len(targets.All()) {
		t.Errorf("%d rows say that they were not measured, want %d", n, len(targets.All()))
	}
}

func TestPageFromWhatWasStored(t *testing.T) {
	repo := t.TempDir()
	s := settings{repo: repo, stored: filepath.Join(repo, "docs", "performance")}
	if err := os.MkdirAll(s.stored, 0o755); err != nil {
		t.Fatal(err)
	}
	const simple = "micro.notification.simple.16k."
	micro := results.File{Suite: "micro", Taken: time.Now(), Values: map[string]float64{
		simple + "calwatch.ns": 1000, simple + "encoding-json.ns": 9500, simple + "kubernetes.ns": 13_000, simple + "calwatch.allocs": 1,
		simple + "calwatch.spread": 0.02, simple + "encoding-json.spread": 0.31,
	}}
	load := results.File{Suite: "load", Taken: time.Now(), Tables: []results.Table{{Title: "Storms", Columns: []string{"a|b"}, Rows: [][]string{{"c|d"}}}}}
	for _, f := range []results.File{micro, load} {
		if err := f.Write(s.path(f.Suite, ".json")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.render(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(repo, "docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	for _, want := range []string{"| 9.5x | met |", "| 13x | **NOT met** |", "| 1 | aim met |", "pass took 31 % longer", "### Storms", `| c\|d |`, "(performance/notification.svg)"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "(performance/wire.svg)") {
		t.Error("a chart of what was not measured")
	}
	// A short form has its tables and charts, and no say.
	micro.Short = true
	if err := micro.Write(s.path("micro", ".json")); err != nil {
		t.Fatal(err)
	}
	if err := s.render(); err != nil {
		t.Fatal(err)
	}
	if content, err = os.ReadFile(filepath.Join(repo, "docs", "performance.md")); err != nil || strings.Contains(string(content), "met |") || strings.Contains(string(content), "NOT met") {
		t.Errorf("targets are judged by a short form: %v", err)
	}
	chart, err := os.ReadFile(s.path("notification", ".svg"))
	if err != nil || !strings.Contains(string(chart), "encoding-json") {
		t.Errorf("no chart: %v", err)
	}
}

// A note about a target that does not exist would never be read.
func TestNotes(t *testing.T) {
	known := map[string]bool{"intro": true, "targets": true, "micro": true, "wire": true, "load": true, "ews": true, "token": true, "token-remarks": true}
	for name := range maps.Keys(known) {
		if notes(notesText)[name] == "" {
			t.Errorf("there is no note %q", name)
		}
	}
	for _, target := range targets.All() {
		known["why "+target.ID] = true
	}
	for name := range notes(notesText) {
		if !known[name] {
			t.Errorf("nothing is called %q", name)
		}
	}
}
