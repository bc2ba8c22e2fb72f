// Load measures a Client with thousands of watches: see the package load.
//
//	go run ./cmd/load -o load.json
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
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run() error {
	if played, err := load.Play(); played {
		return err
	}
	path := flag.String("o", "", "write the results to this `file`")
	short := flag.Bool("short", false, "a few hundred streams, in less than a minute")
	only := flag.String("only", "", "run these `suites` only, with commas between them: footprint, connections, storm, steady, deadpeer")
	streams := flag.Int("streams", 0, "measure so many `streams` instead")
	protocols := flag.String("protocols", "", "measure these `protocols` instead: h1, h2")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := load.Options{Short: *short, Streams: *streams}
	if *protocols != "" {
		o.Protocols = strings.Split(*protocols, ",")
	}
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	return load.Main(ctx, *path, o)
}
