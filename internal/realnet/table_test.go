//go:build realnet && linux

package realnet

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	docsPath  = "../../docs/testing.md"
	docsBegin = "<!-- realnet -->"
	docsEnd   = "<!-- /realnet -->"
)

// A row is what came of one fault over one protocol.
type row struct {
	place           int
	fault, protocol string
	detected, live  time.Duration
	step            time.Duration // the back-off step in force when the path was back
	underWay        bool          // an attempt had begun before, and had to come to its end
	note            string        // in place of the three above, where they make no sense
	saw             []string
	verdict
}

// The results of all cases, in the end.
type table struct {
	mu       sync.Mutex
	expected int
	rows     []row
}

var results table

// expect says that there will be one row more.
func (t *table) expect() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expected++
}

func (t *table) add(r row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, r)
}

// report prints the table and the summary, and writes the table into the
// documentation if it is asked for and complete.
func (t *table) report(passed, write bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortFunc(t.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(slices.Index(protocols, a.protocol), slices.Index(protocols, b.protocol)))
	})
	var total verdict
	for _, r := range t.rows {
		total.made += r.made
		total.delivered += r.delivered
		total.announced += r.announced
		total.lost = append(total.lost, r.lost...)
	}
	text := t.markdown()
	fmt.Printf("\n%s\nrealnet: %d faults, %d changes made, %d delivered, %d announced, lost silently: %d\n", text, len(t.rows), total.made, total.delivered, total.announced, len(total.lost))
	if missing := t.expected - len(t.rows); !passed || missing > 0 {
		fmt.Printf("realnet: THIS PROVES NOTHING: a case has failed, and %d of %d came to no result\n", missing, t.expected)
	}
	switch {
	case !write:
		return nil
	case !passed || len(t.rows) < t.expected:
		return errors.New("realnet: " + docsPath + " was left as it is: that takes a run of all cases, without a failure")
	default:
		return writeBetween(docsPath, text)
	}
}

func (t *table) markdown() string {
	var b strings.Builder
	b.WriteString("| fault | protocol | detected after | live again after (the path was back) | back-off step then | the caller saw | changes made / delivered / announced / lost silently |\n")
	b.WriteString("|---|---|---|---|---|---|---|\n")
	for _, r := range t.rows {
		protocol := map[string]string{"h1": "HTTP/1.1", "h2": "HTTP/2", "ews": "EWS", "ews2": "EWS, HTTP/2"}[r.protocol]
		live := seconds(r.live)
		if r.underWay && r.live > r.step {
			live += " (an attempt was under way)"
		}
		times := fmt.Sprintf("%s | %s | %s", seconds(r.detected), live, seconds(r.step))
		if r.note != "" {
			times = r.note
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d / %d / %d / %d |\n", r.fault, protocol, times, sawText(r.saw), r.made, r.delivered, r.announced, len(r.lost))
	}
	return b.String()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// sawText is "Resync(ErrReconnected)", with a number if it came more than once.
func sawText(reasons []string) string {
	if len(reasons) == 0 {
		return "nothing but changes"
	}
	var parts []string
	for len(reasons) > 0 {
		n := 1
		for n < len(reasons) && reasons[n] == reasons[0] {
			n++
		}
		part := "Resync(" + reasons[0] + ")"
		if n > 1 {
			part = fmt.Sprintf("%d × %s", n, part)
		}
		parts = append(parts, part)
		reasons = reasons[n:]
	}
	return strings.Join(parts, ", ")
}

// writeBetween replaces what is between the markers in a file; without markers
// it puts them at the end.
func writeBetween(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(old, []byte(docsBegin))
	if !ok {
		before, rest = append(bytes.TrimRight(old, "\n"), "\n\n"...), []byte(docsEnd+"\n")
	}
	_, after, ok := bytes.Cut(rest, []byte(docsEnd))
	if !ok {
		return fmt.Errorf("%s has %s without %s", path, docsBegin, docsEnd)
	}
	return os.WriteFile(path, slices.Concat(before, []byte(docsBegin+"\n"+text+docsEnd), after), 0o644)
}
