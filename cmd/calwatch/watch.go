package main

import (
	"context"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/calwatch/calwatch/outlookstream"
)

func (t *tool) watchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "watch [RESOURCE...]",
		Short: "Print changes as they happen",
		Long: `watch prints what changes in the resources, until it is stopped:

  me/events                               your calendar (the default)
  me/messages, me/contacts, me/tasks      your mail, contacts, tasks
  me/mailfolders('inbox')/messages        one folder
  users/room1@contoso.com/events          somebody else's

Tokens come from the account that is signed in ('calwatch login'), unless flags
say otherwise. At a terminal watch signs somebody in if nobody is.

A line of the type resync says that changes may have been missed, and why: list
the resource again. There is one at the start. No change is ever lost without
such a line.`,
		Example: `  calwatch login --client-id ID && calwatch watch --select Subject,Start,End
  calwatch watch --token-command "my-token-helper --scope mail" me/messages | jq .`,
		Args: cobra.ArbitraryArgs,
	}
	f := &flags{cmd: cmd}
	var o watchFlags
	o.register(f)
	t.completeAccounts(f, &o.auth.cache)
	return t.command(cmd, f, func(ctx context.Context, args []string) error { return t.watch(ctx, &o, args) })
}

func (t *tool) watch(ctx context.Context, o *watchFlags, paths []string) error {
	if err := o.check(); err != nil {
		return err
	}
	resources, err := o.resources(paths)
	if err != nil {
		return err
	}
	user, err := o.auth.mailbox(o.user, pathsOf(paths))
	if err != nil {
		return err
	}
	client, err := httpClientFor(o.caFile)
	if err != nil {
		return err
	}
	if client != nil {
		defer client.CloseIdleConnections()
	}
	s, err := t.newSession(ctx, &o.output, &o.log)
	if err != nil {
		return err
	}
	defer s.close()
	if o.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	c, err := o.auth.credentials(ctx, s, client, loginCall{o.auth.flags, paths})
	if err != nil {
		cancel()
		return err
	}
	defer c.close()
	defer cancel()
	if isMicrosoft(o.endpoint) {
		s.log.Warn("Microsoft has switched off the service at this endpoint; expect 410 Gone. "+
			"--endpoint names a server that still speaks this protocol; 'calwatch demo' and 'calwatch fakeserver' bring their own",
			"endpoint", o.endpoint)
	}
	st := newStatus(s, o.endpoint)
	st.show("connecting to %s", st.host)
	w := &watcher{
		session:     s,
		credentials: c,
		resources:   resources,
		count:       o.count,
		options: outlookstream.Options{
			Endpoint:          o.endpoint,
			User:              user,
			Scopes:            o.scopes,
			HTTPClient:        client,
			KeepAlive:         o.keepAlive,
			ConnectionTimeout: o.connectionTimeout,
			Logger:            s.libraryLog(),
			Trace:             st.trace(),
		},
	}
	return w.run(ctx)
}

// libraryLog returns what the library logs to.
func (s *session) libraryLog() *slog.Logger {
	if s.quiet {
		return nil
	}
	return s.log
}

// isMicrosoft says whether the endpoint is one that answers 410 since
// Microsoft retired the Outlook REST API.
func isMicrosoft(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && slices.Contains([]string{"outlook.office.com", "outlook.office365.com"}, strings.ToLower(u.Hostname()))
}
