//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// hangups returns what hears each SIGHUP, which asks a service to read its
// files again, until stop is called. Before and after that it ends the program.
func hangups() (heard <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1) // one that is waiting asks for the same as the next
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
