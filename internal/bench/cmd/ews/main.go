// Ews measures a watch over many mailboxes of Exchange Web Services: see the
// package load.
//
//	go run ./cmd/ews -o ews.json
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/calwatch/calwatch/internal/bench/load"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ews:", err)
		os.Exit(1)
	}
}

func run() error {
	if played, err := load.Play(); played {
		return err
	}
	path := flag.String("o", "", "write the results to this `file`")
	short := flag.Bool("short", false, "a few dozen mailboxes, in less than a minute")
	only := flag.String("only", "", "run these `suites` only, with commas between them: mailboxes, envelopes")
	mailboxes := flag.Int("mailboxes", 0, "measure so many `mailboxes` alone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := load.Options{Exchange: true, Short: *short, Streams: *mailboxes}
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	return load.Main(ctx, *path, o)
}
