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
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// fakeserverFlags are those of "calwatch fakeserver".
type fakeserverFlags struct {
	listen        string
	control       bool
	dir           string
	autoApprove   bool
	maxConnection time.Duration
	rooms         int
	heartbeat     time.Duration
	expiry        time.Duration
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
	cmd.Flags().IntVar(&o.rooms, "rooms", 0, f.doc("rooms", "how many mailboxes there are beside alex@contoso.test: room1@contoso.test, room2@contoso.test", "1"))
	cmd.Flags().DurationVar(&o.heartbeat, "ews-heartbeat", 0, f.doc("ews-heartbeat", "EWS: how often a stream shows that it is alive", "45s"))
	cmd.Flags().DurationVar(&o.expiry, "ews-expiry", 0, f.doc("ews-expiry", "EWS: how long a subscription lives that nobody listens to", "5m"))
	return t.command(cmd, f, func(ctx context.Context, _ []string) error { return t.serveFake(ctx, o) })
}

// maxRooms is more than anybody has tried.
const maxRooms = 10_000

func (o *fakeserverFlags) validate() error {
	for name, d := range map[string]time.Duration{"max-connection": o.maxConnection, "ews-heartbeat": o.heartbeat, "ews-expiry": o.expiry} {
		if d < 0 {
			return fmt.Errorf("--%s %v: it cannot be negative", name, d)
		}
	}
	if o.rooms < 0 || o.rooms > maxRooms {
		return fmt.Errorf("--rooms %d: it is a number from 1 to %d", o.rooms, maxRooms)
	}
	return nil
}

// accounts are alex, who is "me", and the rooms.
func (o *fakeserverFlags) accounts() []signin.Account {
	all := []signin.Account{{User: "alex@contoso.test", Name: "Alex Wilber"}}
	for i := range max(o.rooms, 1) {
		all = append(all, signin.Account{User: fmt.Sprintf("room%d@contoso.test", i+1), Name: fmt.Sprintf("Room %d", i+1)})
	}
	return all
}

func (t *tool) serveFake(ctx context.Context, o fakeserverFlags) (err error) {
	if err := o.validate(); err != nil {
		return usage(err)
	}
	server := fakeserver.New(&fakeserver.Options{
		Control: o.control, AutoApprove: o.autoApprove, MaxConnection: o.maxConnection, Accounts: o.accounts(),
		Exchange: &exchange.Options{MaxConnection: o.maxConnection, Heartbeat: o.heartbeat, Expiry: o.expiry},
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
