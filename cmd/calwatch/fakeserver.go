package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/exchange"
)

// fakeserverFlags are those of "calwatch fakeserver".
type fakeserverFlags struct {
	listen        string
	control       bool
	dir           string
	autoApprove   bool
	maxConnection time.Duration
}

// ready is the one line that "calwatch fakeserver" prints. Programs read it:
// fields are only ever added.
type ready struct {
	Endpoint  string `json:"endpoint"`
	Authority string `json:"authority"`
	CAFile    string `json:"ca_file"`
	ClientID  string `json:"client_id"`
	EWS       string `json:"ews_url"`
	Control   string `json:"control,omitempty"`
}

func (t *tool) fakeserverCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fakeserver",
		Short: "Serve a fake Outlook, a fake Exchange and a fake sign-in service",
		Long: `fakeserver plays the Outlook REST beta streaming service, Exchange Web Services
of the same mailboxes, and the sign-in service in front of both, over TLS on a
loopback address, for trying out any client.

When it is ready it prints one JSON line that says where everything is. It
serves until it gets SIGINT or SIGTERM. Whoever reaches it can do everything
with it: it is no place for real data.`,
		Args: cobra.NoArgs,
	}
	f := &flags{cmd: cmd}
	var o fakeserverFlags
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:0", f.doc("listen", "loopback address and port; port 0 is any free one", "127.0.0.1:0"))
	cmd.Flags().BoolVar(&o.control, "control", false, f.doc("control", "serve the control API below /_fake", ""))
	cmd.Flags().StringVar(&o.dir, "dir", "", f.doc("dir", "directory for the CA certificate", "a temporary one, removed at the end"))
	cmd.Flags().BoolVar(&o.autoApprove, "auto-approve", false, f.doc("auto-approve", "approve every device code by itself", ""))
	cmd.Flags().DurationVar(&o.maxConnection, "max-connection", 0, f.doc("max-connection", "longest life of a stream", "what its client asks for"))
	return t.command(cmd, f, func(ctx context.Context, _ []string) error { return t.serveFake(ctx, o) })
}

func (t *tool) serveFake(ctx context.Context, o fakeserverFlags) (err error) {
	if o.maxConnection < 0 {
		return usage(fmt.Errorf("--max-connection %v: it cannot be negative", o.maxConnection))
	}
	server := fakeserver.New(&fakeserver.Options{
		Control: o.control, AutoApprove: o.autoApprove, MaxConnection: o.maxConnection,
		Exchange: &exchange.Options{MaxConnection: o.maxConnection},
	})
	defer func() { err = errors.Join(err, server.Close()) }()
	endpoint, err := server.Listen(o.listen)
	if _, failed := errors.AsType[*net.OpError](err); failed {
		return err // the address is right, but taken, or not to be had
	} else if err != nil {
		return usage(fmt.Errorf("--listen: %w", err))
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "calwatch-fakeserver-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	} else if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	caFile, err := filepath.Abs(filepath.Join(o.dir, "ca.pem"))
	if err != nil {
		return err
	}
	if err := writeWhole(caFile, endpoint.CAPEM()); err != nil {
		return err
	}
	line := ready{
		Endpoint: endpoint.API(), Authority: endpoint.Authority(), CAFile: caFile, ClientID: server.SignIn().ClientID(),
		EWS: endpoint.EWS(),
	}
	if o.control {
		line.Control = endpoint.URL + "/_fake"
	}
	if err := json.NewEncoder(t.stdout).Encode(line); err != nil {
		return written(err)
	}
	<-ctx.Done()
	return nil
}
