// Report measures everything and writes docs/performance.md, with what was
// measured beside it:
//
//	go -C internal/bench run ./cmd/report
//	go -C internal/bench run ./cmd/report -suites micro,token
//	go -C internal/bench run ./cmd/report -suites ''    # from what was measured before
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// settings are what the flags say.
type settings struct {
	repo, stored string
	suites       []string
	passes       int
	benchtime    time.Duration
	short        bool
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// suites are all of them, in the order of the page.
func suites() []string { return []string{"micro", "wire", "load", "token"} }

func run() error {
	var s settings
	var names, from string
	flag.StringVar(&s.repo, "repo", "../..", "top of the repository")
	flag.StringVar(&names, "suites", strings.Join(suites(), ","), "suites to run; the others are taken from what was stored")
	flag.StringVar(&from, "from", "", "run nothing, and take all from this directory of stored results")
	flag.IntVar(&s.passes, "passes", 6, "how often the micro benchmarks run, one after the other")
	flag.DurationVar(&s.benchtime, "benchtime", 60*time.Millisecond, "time for each micro benchmark in a pass")
	flag.BoolVar(&s.short, "short", false, "short forms of the suites; the figures are of little use")
	flag.Parse()
	s.stored = filepath.Join(s.repo, "docs", "performance")
	if from != "" {
		s.stored, names = from, ""
	}
	for name := range strings.SplitSeq(names, ",") {
		switch {
		case name == "":
		case slices.Contains(suites(), name):
			s.suites = append(s.suites, name)
		default:
			return fmt.Errorf("no suite %q, only %s", name, strings.Join(suites(), ", "))
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := os.MkdirAll(s.stored, 0o755); err != nil {
		return err
	}
	for _, name := range s.suites {
		began := time.Now()
		fmt.Fprintln(os.Stderr, "measuring:", name)
		if err := s.measure(ctx, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(os.Stderr, "measured: %s (%v)\n", name, time.Since(began).Round(time.Second))
	}
	return s.render()
}

// measure runs a suite and leaves its results in the directory.
func (s settings) measure(ctx context.Context, suite string) error {
	switch suite {
	case "micro":
		return s.micro(ctx)
	case "token":
		return s.token(ctx)
	default:
		return s.command(ctx, suite)
	}
}

// path is of one file of a suite.
func (s settings) path(suite, extension string) string {
	return filepath.Join(s.stored, suite+extension)
}
