package load

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"syscall"
	"time"
)

// A usage is what a process holds, and has consumed. Memory is in bytes.
type usage struct {
	RSS        int64
	PeakRSS    int64
	Heap       int64 // live objects
	Stack      int64
	Goroutines int
	FDs        int
	CPU        time.Duration // user and system
}

// settled measures after everything was collected and given back that can be.
// A stack is halved by each collection that finds most of it unused.
func settled() (usage, error) {
	for range 4 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	return measure()
}

func measure() (usage, error) {
	var u usage
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.Heap, u.Stack, u.Goroutines = int64(m.HeapAlloc), int64(m.StackInuse), goroutines()
	var err error
	if u.RSS, err = kilobytes("/proc/self/smaps_rollup", "Rss:"); err != nil {
		return u, err
	}
	if u.PeakRSS, err = kilobytes("/proc/self/status", "VmHWM:"); err != nil {
		return u, err
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return u, err
	}
	u.FDs = len(open) - 1 // the directory itself
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return u, err
	}
	u.CPU = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	return u, nil
}

func goroutines() int {
	sample := []metrics.Sample{{Name: "/sched/goroutines:goroutines"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64())
}

// resetPeak makes the peak start anew.
func resetPeak() error { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// kilobytes reads a line "name 123 kB".
func kilobytes(file, name string) (int64, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(content) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && string(fields[0]) == name {
			n, err := strconv.ParseInt(string(fields[1]), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no %s", file, name)
}
