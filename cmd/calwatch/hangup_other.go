//go:build !unix

package main

import "os"

// hangups returns nil: there is no such signal.
func hangups() (heard <-chan os.Signal, stop func()) { return nil, func() {} }
