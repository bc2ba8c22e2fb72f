// Report measures everything and writes docs/performance.md, with what was
// measured beside it:
//
//	go -C internal/bench run ./cmd/report
//	go -C internal/bench run ./cmd/report -suites micro,token
//	go -C internal/bench run ./cmd/report -suites ''    # from what was measured before
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
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
func suites() []string { return []string{"micro", "wire", "load", "ews", "token"} }

func run() error {
	var s settings
	var names, from string
	flag.StringVar(&s.repo, "repo", "../..", "top of the repository")
	flag.StringVar(&names, "suites", strings.Join(suites(), ","), "suites to run; the others are taken from what was stored")
	flag.StringVar(&from, "from", "", "run nothing, and take all from this directory of stored results")
	flag.IntVar(&s.passes, "passes", 10, "how often the micro benchmarks run, one after the other")
	flag.DurationVar(&s.benchtime, "benchtime", 60*time.Millisecond, "time for each micro benchmark in a pass")
	flag.BoolVar(&s.short, "short", false, "short forms of the suites, which no target is judged by")
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
	var failed error // does not stop the others, nor the page
	for _, name := range s.suites {
		began := time.Now()
		fmt.Fprintln(os.Stderr, "measuring:", name)
		if err := s.measure(ctx, name); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
			continue
		}
		fmt.Fprintf(os.Stderr, "measured: %s (%v)\n", name, time.Since(began).Round(time.Second))
	}
	return errors.Join(failed, s.render())
}

// measure runs a suite and leaves its results in the directory.
func (s settings) measure(ctx context.Context, suite string) error {
	commit, err := s.commit(ctx)
	if err != nil {
		return err
	}
	// If it fails, what it measured before is not to pass for what it measures now.
	if err := os.Remove(s.path(suite, ".json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch suite {
	case "micro":
		err = s.micro(ctx)
	case "token":
		err = s.token(ctx)
	default:
		err = s.command(ctx, suite)
	}
	if err != nil {
		return err
	}
	f, err := results.Read(s.path(suite, ".json"))
	if err != nil {
		return err
	}
	f.Commit, f.Short = commit, s.short
	return f.Write(s.path(suite, ".json"))
}

// commit names what is measured, with a "+" if that is not all of it.
func (s settings) commit(ctx context.Context) (string, error) {
	var name, changed bytes.Buffer
	if err := s.do(ctx, &name, ".", nil, "git", "rev-parse", "--short=10", "HEAD"); err != nil {
		return "", err
	}
	if err := s.do(ctx, &changed, ".", nil, "git", "status", "--porcelain", "--", "*.go", "*go.mod", "*go.sum"); err != nil {
		return "", err
	}
	if changed.Len() > 0 {
		return strings.TrimSpace(name.String()) + "+", nil
	}
	return strings.TrimSpace(name.String()), nil
}

// path is of one file of a suite.
func (s settings) path(suite, extension string) string {
	return filepath.Join(s.stored, suite+extension)
}
