package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
)

// Options say how much to measure.
type Options struct {
	Short bool // a few hundred streams, in less than a minute
	// Exchange measures Exchange Web Services instead: the suite "ews".
	Exchange bool
	// Only are the suites to run: footprint, connections, storm, steady,
	// deadpeer; of Exchange, mailboxes and envelopes. None means all.
	Only []string
	// Streams and Protocols, if given, are measured instead of what the form
	// has: to look at one thing.
	Streams   int
	Protocols []string
	Log       io.Writer // gets everything as it comes, for people
}

// A suite is a part of the measurements.
type suite struct {
	name string
	run  func(*runner) error
}

func suites(o Options) []suite {
	if o.Exchange {
		return []suite{
			{"mailboxes", (*runner).exchange},
			{"envelopes", (*runner).envelopes},
		}
	}
	return []suite{
		{"footprint", (*runner).footprint},
		{"connections", (*runner).connections},
		{"storm", (*runner).storm},
		{"steady", (*runner).steady},
		{"deadpeer", (*runner).deadPeer},
	}
}

// Run measures. What was measured before an error is in the File.
func Run(ctx context.Context, o Options) (results.File, error) {
	r := &runner{
		ctx: ctx, log: o.Log, size: full,
		file: results.File{Suite: "load", Taken: time.Now().UTC(), Machine: results.ThisMachine(), Values: make(map[string]float64)},
	}
	if o.Exchange {
		r.file.Suite = "ews"
	}
	if o.Short {
		r.size = short
	}
	if o.Streams > 0 {
		r.size.counts, r.size.connections = []int{o.Streams}, o.Streams
		r.size.stormStreams, r.size.stormDefault = o.Streams, o.Streams
		r.size.mailboxes = []int{o.Streams}
	}
	if len(o.Protocols) > 0 {
		r.size.protocols, r.size.footprints = o.Protocols, o.Protocols
	}
	var err error
	if r.cert, err = newCertificate(); err != nil {
		return r.file, err
	}
	var failed error
	for _, s := range suites(o) {
		if len(o.Only) > 0 && !slices.Contains(o.Only, s.name) {
			continue
		}
		started := time.Now()
		r.logf("== %s", s.name)
		if err := s.run(r); err != nil {
			r.logf("FAILED: %v", err)
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
		}
		r.logf("== %s took %.0f s", s.name, time.Since(started).Seconds())
	}
	for _, key := range slices.Sorted(maps.Keys(r.file.Values)) {
		r.logf("%-60s %.6g", key, r.file.Values[key])
	}
	return r.file, failed
}

// A size is how much is measured.
type size struct {
	keepAlive    time.Duration // of the footprint and the storm
	steadyAlive  time.Duration // of the steady state
	idle, busy   time.Duration // of the steady state
	changes      int           // a second
	connections  int           // streams for the count of connections
	limits       []int         // of streams on one HTTP/2 connection
	rates        []int         // of the storm's connections; 0 is the default
	down         time.Duration // of the server, in a storm
	patience     time.Duration // for all streams to open
	deadAlive    time.Duration // keep-alive of those whose peer dies
	deadStreams  int
	stormStreams int
	stormDefault int // the same at the default connect rate, at which so many take minutes

	mailboxes      []int         // of Exchange
	groups         int           // that they are in
	quiet, working time.Duration // without changes, and with them
	envelopesFor   time.Duration // for each way of reading them

	counts     []int // of streams, for what is to be the same for each
	modes      []string
	protocols  []string // of the storm and the steady state
	footprints []string // protocols of the footprint
}

var full = size{
	counts: []int{1000, 10_000}, modes: []string{modeBare, modeOurs, modeStd}, protocols: []string{"h2", "h1"}, footprints: []string{"h1", "h2"},
	keepAlive: 4 * time.Second, steadyAlive: 15 * time.Second,
	idle: 16 * time.Second, busy: 30 * time.Second, changes: 1000,
	connections: 5000, limits: []int{100, 250}, rates: []int{0, 1000}, down: 3 * time.Second,
	mailboxes: []int{10, 100, 1000}, groups: 5, quiet: 5 * time.Second, working: 30 * time.Second, envelopesFor: 3 * time.Second,
	patience: 4 * time.Minute, deadAlive: 5 * time.Second, deadStreams: 20, stormStreams: 10_000, stormDefault: 2000,
}

var short = size{
	counts: []int{200}, modes: []string{modeBare, modeOurs}, protocols: []string{"h2"}, footprints: []string{"h1", "h2"},
	keepAlive: time.Second, steadyAlive: time.Second,
	idle: 1500 * time.Millisecond, busy: 2 * time.Second, changes: 200,
	connections: 200, limits: []int{20}, rates: []int{1000}, down: time.Second,
	mailboxes: []int{10, 60}, groups: 5, quiet: time.Second, working: 2 * time.Second, envelopesFor: 50 * time.Millisecond,
	patience: 30 * time.Second, deadAlive: time.Second, deadStreams: 5, stormStreams: 200, stormDefault: 200,
}

// runner has what the suites share.
type runner struct {
	ctx  context.Context
	log  io.Writer
	size size
	cert certificate
	file results.File
}

func (r *runner) logf(format string, args ...any) {
	if r.log != nil {
		fmt.Fprintf(r.log, format+"\n", args...)
	}
}

func (r *runner) value(key string, v float64) { r.file.Values[r.file.Suite+"."+key] = v }

func (r *runner) table(t results.Table) {
	r.file.Tables = append(r.file.Tables, t)
	r.logf("\n%s\n%s", t.Title, t.Note)
	r.logf("| %s |", strings.Join(t.Columns, " | "))
	for _, row := range t.Rows {
		r.logf("| %s |", strings.Join(row, " | "))
	}
	r.logf("")
}

// goodToken is one that servers take at first; renewedToken is what it is
// renewed to when they no longer do.
const (
	goodToken    = "load-token-1"
	renewedToken = "load-token-2"
)

// manyStreams is a limit that one HTTP/2 connection does not reach.
const manyStreams = 20_000

// server starts one.
func (r *runner) server(c serverConfig) (p *process, address string, err error) {
	c.Cert = r.cert
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.Token == "" {
		c.Token = goodToken
	}
	if c.Streams == 0 {
		c.Streams = manyStreams
	}
	p, err = start(r.ctx, roleServer, c, &address)
	return p, address, err
}

func (r *runner) client(address string, c clientConfig) (*process, error) {
	c.API, c.Cert = "https://"+address+"/api/beta", r.cert.Cert
	if len(c.Tokens) == 0 {
		c.Tokens = []string{goodToken, renewedToken}
	}
	if c.Buffer == 0 {
		c.Buffer = 512
	}
	return start(r.ctx, roleClient, c, nil)
}

// await waits for what a client is to see, and fails if it does not.
func await(client *process, want wanted) (come, error) {
	var got come
	if err := client.do("await", want, &got); err != nil {
		return got, err
	}
	if !got.All {
		return got, fmt.Errorf("after %v only %d of %d streams are open, and %d of %d events have come", want.Within, got.Open, want.Open, got.Events, want.Events)
	}
	return got, nil
}

// pause lets time pass.
func (r *runner) pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}

// atOnce is how many plain clients open streams. The Transport dials too often
// for HTTP/2 if there are several, which is measured elsewhere.
func atOnce(mode, protocol string) int {
	if protocol == "h2" && mode != modeOurs {
		return 1
	}
	return 32
}

// Main is a command: it prints a log, and writes the results to a file.
func Main(ctx context.Context, path string, o Options) error {
	o.Log = os.Stdout
	file, failed := Run(ctx, o)
	if path != "" {
		failed = errors.Join(failed, file.Write(path))
	}
	return failed
}
