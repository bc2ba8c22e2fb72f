// Command wire measures the decoder over real connections; see package wire.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/calwatch/calwatch/internal/bench/wire"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "wire:", err)
		os.Exit(1)
	}
}

func run() error {
	if played, err := wire.PlayRole(); played {
		return err
	}
	out := flag.String("o", "", "write the results to this `file`")
	short := flag.Bool("short", false, "take less than a minute, and measure less")
	profiles := flag.String("profiles", "", "write profiles of the clients' processor time into this `directory`; what is measured then is slower")
	flag.Parse()
	plan := wire.Full()
	if *short {
		plan = wire.Short()
	}
	plan.Profiles = *profiles
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	file, err := wire.Run(ctx, plan, os.Stdout)
	if err != nil || *out == "" {
		return err
	}
	return file.Write(*out)
}
