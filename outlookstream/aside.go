package outlookstream

import "runtime"

// aside calls f on a goroutine of its own and waits for it. A goroutine keeps
// the stack it once needed, and connecting takes more of it than all the rest
// of a watch: of thousands of watches, each would keep several KiB more for as
// long as it lives. What f does is what it would have done to the caller: a
// panic is the caller's, and so is the end of the goroutine.
func aside[T any](f func() (T, error)) (T, error) {
	var (
		result   T
		err      error
		returned bool
		thrown   any
	)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if !returned {
				thrown = recover() // nil: runtime.Goexit
			}
		}()
		result, err = f()
		returned = true
	}()
	<-done
	switch {
	case returned:
		return result, err
	case thrown != nil:
		panic(thrown)
	default:
		runtime.Goexit()
		panic("unreachable")
	}
}
