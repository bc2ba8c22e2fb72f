package main

import (
	"errors"
	"fmt"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// The exit statuses. Scripts rely on them.
const (
	exitDone       = 0 // or stopped by a signal
	exitFailure    = 1
	exitUsage      = 2
	exitSignIn     = 3
	exitPermission = 4
)

// A usageError says that the program was called in a wrong way.
type usageError struct{ err error }

func usage(err error) error { return &usageError{err} }

func (e *usageError) Error() string { return e.err.Error() }

func (e *usageError) Unwrap() error { return e.err }

// errInterrupted says that a sign-in was stopped by a signal: nobody is signed in,
// so that what is to come after it must not.
var errInterrupted = fmt.Errorf("the sign-in was interrupted: %w", auth.ErrInteractionRequired)

// exitStatus is the only place that decides it.
func exitStatus(err error) int {
	_, wrongUsage := errors.AsType[*usageError](err)
	switch {
	case err == nil:
		return exitDone
	case wrongUsage:
		return exitUsage
	case errors.Is(err, outlookstream.ErrForbidden):
		return exitPermission
	case errors.Is(err, auth.ErrMisconfigured): // signing in changes nothing, though the chain may hold the 401 that led there
		return exitFailure
	case errors.Is(err, auth.ErrInteractionRequired),
		errors.Is(err, auth.ErrRejected),
		errors.Is(err, outlookstream.ErrUnauthorized):
		return exitSignIn
	default:
		return exitFailure
	}
}
