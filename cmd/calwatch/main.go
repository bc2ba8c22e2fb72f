// Command calwatch prints what changes in Outlook and Exchange mailboxes, live.
//
// It is a thin layer over package outlookstream: flags, output and signals.
// docs/cli.md describes it.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the next one has its ordinary effect: it kills.
	context.AfterFunc(ctx, stop)
	// A reader that went away is an error of a write, not a death by SIGPIPE.
	// Not signal.Ignore, which a token command would inherit.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	// net/http logs what a peer says unasked, which may be what it was sent.
	log.SetOutput(io.Discard)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
