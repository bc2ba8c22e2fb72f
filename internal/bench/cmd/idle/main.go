// Command idle measures what it costs a Read to be watched over, against ways
// that are usual: a timer for each stream, and a deadline of the connection.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
	"github.com/calwatch/calwatch/internal/reconnect"
)

// far is when the deadlines are that never come.
const far = time.Hour

func main() {
	log.SetFlags(0)
	out := flag.String("o", "", "write the results to this `file`")
	short := flag.Bool("short", false, "a quick look")
	flag.Parse()
	passes, reads := 9, 2_000_000
	if *short {
		passes, reads = 3, 200_000
	}
	file := results.File{Suite: "idle", Taken: time.Now(), Machine: results.ThisMachine(), Short: *short, Values: make(map[string]float64)}
	table := results.Table{
		Title:   "Idle detection, cost per read",
		Note:    "ns per Read of a reader that never waits, beyond that of the bare reader; the median of interleaved passes",
		Columns: []string{"way", "1 other", "5,000 others"},
	}
	conn, err := loopback()
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	alone, among := measure(conn, 1, passes, reads), measure(conn, 5000, passes, reads)
	for _, way := range []string{"ours", "timer", "deadline"} {
		fmt.Printf("%-9s %8.1f ns with 1 other, %8.1f ns with 5,000 others\n", way, alone[way], among[way])
		table.Rows = append(table.Rows, []string{way, fmt.Sprintf("%.1f", alone[way]), fmt.Sprintf("%.1f", among[way])})
		file.Values["idle.per_read_ns."+way] = among[way]
	}
	file.Tables = append(file.Tables, table)
	if *out == "" {
		return
	}
	if err := file.Write(*out); err != nil {
		log.Fatal(err)
	}
}

// measure returns, by way, what a Read costs beyond the bare one when as many
// others are watched over in the same way.
func measure(conn net.Conn, others, passes, reads int) map[string]float64 {
	ways, end := contestants(conn, others)
	defer end()
	costs := make(map[string][]float64)
	for range passes {
		for way, r := range ways {
			costs[way] = append(costs[way], perRead(r, reads))
		}
	}
	beyond := make(map[string]float64)
	for way, c := range costs {
		beyond[way] = median(c) - median(costs["none"])
	}
	return beyond
}

// loopback returns a connection whose deadlines are those of the network poller.
func loopback() (net.Conn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return net.Dial("tcp", l.Addr().String())
}

func contestants(conn net.Conn, others int) (ways map[string]io.Reader, end func()) {
	watchdog := reconnect.NewWatchdog(far, 2*far)
	ours := make([]*reconnect.IdleReader, others+1)
	timers := make([]*time.Timer, others+1)
	for i := range others + 1 {
		ours[i] = watchdog.Watch(full{}, func(bool) {})
		timers[i] = time.AfterFunc(far, func() {})
	}
	return map[string]io.Reader{
			"none":     full{},
			"ours":     ours[0],
			"timer":    timed{full{}, timers[0]},
			"deadline": deadlined{full{}, conn},
		}, func() {
			for i := range others + 1 {
				ours[i].Stop()
				timers[i].Stop()
			}
		}
}

func perRead(r io.Reader, reads int) float64 {
	p := make([]byte, 512)
	begin := time.Now()
	for range reads {
		_, _ = r.Read(p)
	}
	return float64(time.Since(begin)) / float64(reads)
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// full always has something to read.
type full struct{}

func (full) Read(p []byte) (int, error) { return len(p), nil }

type timed struct {
	r     io.Reader
	timer *time.Timer
}

func (t timed) Read(p []byte) (int, error) {
	t.timer.Reset(far)
	n, err := t.r.Read(p)
	t.timer.Stop()
	return n, err
}

// deadlined sets the deadline of a connection; what is read is the same as by
// the others.
type deadlined struct {
	r    io.Reader
	conn net.Conn
}

func (d deadlined) Read(p []byte) (int, error) {
	_ = d.conn.SetReadDeadline(time.Now().Add(far))
	return d.r.Read(p)
}
