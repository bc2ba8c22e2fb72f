package main

import "sync/atomic"

// storeErrors remembers the last error of storing tokens. It may be used from
// any goroutine.
type storeErrors struct{ err atomic.Pointer[error] }

func (e *storeErrors) add(err error) { e.err.Store(&err) }

// last returns nil if there was none.
func (e *storeErrors) last() error {
	if err := e.err.Load(); err != nil {
		return *err
	}
	return nil
}
