package ews

import (
	"errors"
	"runtime"
	"sync"
)

// A watch calls other people's functions (a token provider's, a Trace's, a
// Logger's) on goroutines of its own, where a panic would be the end of the
// whole program. What they do is done to whoever loops over the watch instead.

// A fall is the end of a goroutine that did not return.
type fall struct {
	mu     sync.Mutex
	fallen bool
	thrown any // nil: runtime.Goexit
}

// errFallen ends that of which a goroutine has not returned.
var errFallen = errors.New("a function that was called did not return")

// spawn calls f on a goroutine that the watch waits for.
func (w *watch) spawn(f func()) { w.running.Go(func() { w.guard(f) }) }

// guard calls f. If that panics or ends its goroutine, the watch ends, and its
// loop does the same.
func (w *watch) guard(f func()) {
	w.fall.guard(f, func() { w.cancel(errFallen) })
}

// guard calls do, and remembers if that panics or ends its goroutine. Then it
// calls fallen.
func (f *fall) guard(do, fallen func()) {
	returned := false
	defer func() {
		if !returned {
			f.note(recover())
			fallen()
		}
	}()
	do()
	returned = true
}

// note remembers the first.
func (f *fall) note(thrown any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.fallen {
		f.fallen, f.thrown = true, thrown
	}
}

// raise does to its caller what was done to another goroutine.
func (f *fall) raise() {
	f.mu.Lock()
	fallen, thrown := f.fallen, f.thrown
	f.mu.Unlock()
	switch {
	case !fallen:
	case thrown != nil:
		panic(thrown)
	default:
		runtime.Goexit()
	}
}
