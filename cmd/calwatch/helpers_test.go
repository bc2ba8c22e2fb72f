package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// roleVariable tells the test program which other program to be.
const roleVariable = "TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "token command":
		os.Exit(playTokenCommand())
	case "calwatch":
		main()
	}
	os.Exit(m.Run())
}

// patient bounds every wait for something that is expected to happen.
const patient = 30 * time.Second

// lines is an io.Writer that can be waited on.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed at the next write
}

func newLines() *lines { return &lines{more: make(chan struct{})} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.more)
	l.more = make(chan struct{})
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait returns the first whole line that holds all of parts.
func (l *lines) wait(t *testing.T, parts ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for {
		l.mu.Lock()
		text, more := l.text.String(), l.more
		l.mu.Unlock()
		for line := range strings.Lines(text) {
			if strings.HasSuffix(line, "\n") && containsAll(line, parts) {
				return strings.TrimSpace(line)
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			t.Fatalf("no line holds %q; there are:\n%s", parts, text)
		}
	}
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// called is a run of the program in this process.
type called struct {
	stdout, stderr *lines
	stop           context.CancelFunc
	done           chan struct{}
	status         int
}

// call runs the program, with environ for its whole environment.
func call(t *testing.T, environ []string, args ...string) *called {
	t.Helper()
	return begin(t, func(ctx context.Context, c *called) int { return run(ctx, args, environ, c.stdout, c.stderr) })
}

// atTerminal is call with somebody who looks at standard error.
func atTerminal(t *testing.T, environ []string, args ...string) *called {
	t.Helper()
	return begin(t, func(ctx context.Context, c *called) int {
		program := &tool{environ: environ, stdout: c.stdout, stderr: c.stderr, isTerminal: func(w any) bool { return w == c.stderr }}
		return program.run(ctx, args)
	})
}

func begin(t *testing.T, run func(context.Context, *called) int) *called {
	ctx, stop := context.WithCancel(t.Context())
	c := &called{stdout: newLines(), stderr: newLines(), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.status = run(ctx, c)
	}()
	t.Cleanup(func() { stop(); <-c.done })
	return c
}

// end waits for the run to end by itself, and checks its status.
func (c *called) end(t *testing.T, status int) {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(patient):
		t.Fatalf("the program goes on; stderr:\n%s", c.stderr)
	}
	if c.status != status {
		t.Errorf("exit status %d, want %d; stderr:\n%s", c.status, status, c.stderr)
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	// By renaming, as whatever rotates tokens ought to: a reader sees all of
	// it or nothing.
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// decode reads a line of JSON.
func decode(t *testing.T, line string) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return fields
}
