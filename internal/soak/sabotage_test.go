//go:build sabotage

package soak

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A sabotage breaks one file of the library, which the compiler then reads in
// the place of the real one (go build -overlay). The product needs no hooks for
// that, and what is tested is the product.
type sabotage struct {
	name     string
	file     string // from the module's root
	old, new string // old occurs once
	caught   string // what the soak has to say, as a regular expression
	seed     string // of schedules that catch it soon; "": 2
}

var sabotages = []sabotage{
	{
		name: "one Resync in five is dropped", file: "outlookstream/watch.go",
		old:    "	for _, r := range w.resources {\n		if err := w.announce(r, r.owed, nil); err != nil {",
		new:    "	for _, r := range w.resources {\n		if r.owed == ErrReconnected && time.Now().UnixNano()%5 == 0 {\n			r.owed = nil\n			continue\n		}\n		if err := w.announce(r, r.owed, nil); err != nil {",
		caught: "lost silently|before a Resync",
	},
	{
		name: "a dropped buffer is not announced", file: "outlookstream/buffer.go",
		old:    "		p.event = Event{Kind: Resync,",
		new:    "		return true\n		p.event = Event{Kind: Resync,",
		caught: "lost silently",
	},
	{
		name: "the idle deadline is never armed", file: "internal/reconnect/watchdog.go",
		old:    "silence: silence,",
		new:    "silence: silence * 1000,",
		caught: "was not given up",
	},
	{
		name: "the back-off starts over with every connection", file: "internal/reconnect/loop.go",
		old:    "	if good {\n		l.policy.Reset()",
		new:    "	if goodFor >= 0 {\n		l.policy.Reset()",
		caught: "attempts in an hour",
	},
	{
		name: "a clean end always opens the next connection at once", file: "internal/reconnect/loop.go",
		old:    "		if good {\n			l.policy.Immediate()",
		new:    "		if goodFor >= 0 {\n			l.policy.Immediate()",
		caught: "attempts in an hour",
		seed:   "8",
	},
	{
		name: "holes in the numbers are not seen", file: "outlookstream/sequence.go",
		old:    "number == s.last || number == s.last+1",
		new:    "true || number == s.last || number == s.last+1",
		caught: "lost silently",
	},
	{
		name: "what the service missed is not announced", file: "outlookstream/deliver.go",
		old:    `		return w.announce(r, ErrMissed, n)`,
		new:    `		return nil`,
		caught: "lost silently",
	},
	{
		name: "removed subscriptions are not made again", file: "outlookstream/deliver.go",
		old:    `		return removed(stream, n, r.subscription)`,
		new:    `		return nil`,
		caught: "lost silently|not live",
	},
	{
		name: "the token that was refused is not remembered", file: "outlookstream/request.go",
		old:    "		c.tokens.Refuse(token, challenge)",
		new:    "		_ = challenge",
		caught: "was sent again",
	},
	{
		name: "Retry-After is ignored", file: "internal/reconnect/loop.go",
		old:    "l.policy.AtLeast(verdict.RetryAfter)",
		new:    "l.policy.AtLeast(0)",
		caught: "the service asked for",
	},
	{
		name: "the idle deadline comes too early", file: "internal/reconnect/watchdog.go",
		old:    "silence: silence,",
		new:    "silence: silence / 2,",
		caught: "the contract has",
	},
	{
		name: "a 503 is for good", file: "outlookstream/classify.go",
		old:    "	case errors.Is(failure, ErrThrottled):\n		return reconnect.BackOff",
		new:    "	case failure.Status == http.StatusServiceUnavailable:\n		return reconnect.GiveUp\n	case errors.Is(failure, ErrThrottled):\n		return reconnect.BackOff",
		caught: "which it need not",
	},
	{
		name: "the end of the context has no cause", file: "internal/reconnect/loop.go",
		old:    "		return Permanent(context.Cause(ctx))",
		new:    "		return Permanent(ctx.Err())",
		caught: "ctx ended because",
	},
	{
		name: "connections that are busy are left", file: "internal/reconnect/generation.go",
		old:    "	for c := range left {\n		_ = c.Conn.Close()\n	}\n	for _, c := range packed {\n		_ = c.cc.Close()",
		new:    "	for c := range left {\n		_ = c\n	}\n	for _, c := range packed {\n		_ = c",
		caught: "connections? (are left|open)|left .* connections",
	},
	{
		name: "streams are not closed", file: "outlookstream/watch.go",
		old:    "	defer stream.Close()",
		new:    "	if false {\n		defer stream.Close()\n	}",
		caught: "left|no connection",
	},
	{
		name: "a deletion is given as an update", file: "outlookstream/deliver.go",
		old:    "	if !w.yield(event, nil) {",
		new:    "	if event.Kind == Deleted {\n		event.Kind = Updated\n	}\n	if !w.yield(event, nil) {",
		caught: "invented",
	},
	{
		name: "the watch goes on after its error", file: "outlookstream/watch.go",
		old:    "			yield(Event{}, err)",
		new:    "			yield(Event{}, err)\n			yield(Event{}, err)",
		caught: "after the error",
	},
	{
		name: "the log says the token", file: "outlookstream/request.go",
		old:    "	id := req.Header.Get(\"client-request-id\")",
		new:    "	id := req.Header.Get(\"client-request-id\")\n	c.opts.Logger.Debug(\"request\", \"token\", token)",
		caught: "secrets are in the log",
	},
}

// The proof is worth something only if it can fail: each of these libraries is
// broken in one place, and the soak has a minute to find out, and another one
// on a machine that is busy with something else.
func TestSabotageIsCaught(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range slices.Concat(sabotages, exchangeSabotages) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			said, took := s.soak(t, root)
			if !regexp.MustCompile(s.caught).MatchString(said) {
				t.Fatalf("it was not caught for what it is (%s) in %v:\n%s", s.caught, took, said)
			}
			_, shortest, _ := strings.Cut(said, "the schedule: ")
			shortest, _, _ = strings.Cut(shortest, "what happened:")
			first := regexp.MustCompile(`things are wrong, the first: .*`).FindString(said)
			t.Logf("caught after %v; the shortest schedule that was found in 1 s has %d steps; %s", took.Round(time.Second), strings.Count(shortest, "after "), first)
		})
	}
}

// soak runs the soak over the broken library, and returns what it said.
func (s sabotage) soak(t *testing.T, root string) (said string, took time.Duration) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(s.file))
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte(s.old)); n != 1 {
		t.Fatalf("what is to be broken occurs %d times in %s: the sabotage has to follow the code", n, s.file)
	}
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.go")
	write(t, broken, bytes.Replace(source, []byte(s.old), []byte(s.new), 1))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: broken}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "overlay.json"), overlay)
	program := filepath.Join(dir, "soak.test")
	compile := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-w", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, ".")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("the broken library does not compile: %v\n%s", err, out)
	}
	begin := time.Now()
	test := "^TestSoak$"
	if strings.HasPrefix(s.file, "outlookstream/ews/") {
		test = "^TestSoakExchange$"
	}
	run := exec.Command(program, "-test.run", test, "-test.timeout=260s", "-soak=220s", "-soak.seed="+cmp.Or(s.seed, "2"), "-rapid.nofailfile", "-rapid.shrinktime=1s")
	out, err := run.CombinedOutput()
	if err == nil {
		t.Fatalf("it was not caught in %v: %s", time.Since(begin), out)
	}
	return strings.ToValidUTF8(string(out), "?"), time.Since(begin)
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
