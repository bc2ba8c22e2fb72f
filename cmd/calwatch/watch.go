package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/ews"
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

With --api ews it prints what changes in mailboxes of Exchange: --mailbox or
--mailbox-file name them, --folders their folders.

Tokens come from the account that is signed in ('calwatch login'), unless flags
say otherwise. At a terminal watch signs somebody in if nobody is.

A line of the type resync says that changes may have been missed, and why: list
the resource again. There is one at the start. No change is ever lost without
such a line.`,
		Example: `  calwatch login --client-id ID && calwatch watch --select Subject,Start,End
  calwatch watch --token-command "my-token-helper --scope mail" me/messages | jq .
  calwatch watch --api ews --ews-url https://mail.contoso.com/EWS/Exchange.asmx --auth ntlm \
      --username 'CONTOSO\watcher' --password-file secret --impersonate --mailbox-file rooms`,
		Args: cobra.ArbitraryArgs,
	}
	f := &flags{cmd: cmd}
	var o watchFlags
	o.register(f)
	t.completeAccounts(f, &o.auth.cache)
	return t.command(cmd, f, func(ctx context.Context, args []string) error { return t.watch(ctx, &o, args) })
}

// A watchSource is a source that the command line describes.
type watchSource interface {
	source
	// begin tells it what it has to work with. client may be nil.
	begin(s *session, client *http.Client, c *credentials)
}

func (t *tool) watch(ctx context.Context, o *watchFlags, args []string) error {
	o.auth.password.variable = t.password
	if err := o.check(args); err != nil {
		return err
	}
	source, err := o.source(t, args)
	if err != nil {
		return err
	}
	client, err := httpClientFor(o.api.name, o.caFile)
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
	c, err := o.auth.credentials(ctx, s, client, loginCall{o.auth.flags, args})
	if err != nil {
		cancel()
		return err
	}
	defer c.close()
	defer cancel()
	source.begin(s, client, c)
	w := &watcher{session: s, credentials: c, source: source, count: o.count}
	return w.run(ctx)
}

// source returns what is to be watched. Its errors are about the call.
func (o *watchFlags) source(t *tool, args []string) (watchSource, error) {
	method, err := o.auth.choose()
	if err != nil {
		return nil, err
	}
	if o.api.isEWS() {
		return o.ewsSource(t, method)
	}
	if usesPassword(method) {
		return nil, usage(fmt.Errorf("--auth %s is for --api %s, and this is --api %s, which takes tokens", method, apiEWS, apiREST))
	}
	return o.restSource(args)
}

func (o *watchFlags) restSource(paths []string) (watchSource, error) {
	resources, err := o.rest.resources(paths)
	if err != nil {
		return nil, err
	}
	user, err := o.auth.mailbox(o.rest.user, pathsOf(paths))
	if err != nil {
		return nil, err
	}
	return &restSource{
		resources: resources,
		options: outlookstream.Options{
			Endpoint:          o.rest.endpoint,
			User:              user,
			Scopes:            o.scopes,
			KeepAlive:         o.rest.keepAlive,
			ConnectionTimeout: o.connectionTimeout,
		},
	}, nil
}

func (o *watchFlags) ewsSource(t *tool, method string) (watchSource, error) {
	if isApplication(method) && !o.ews.impersonate {
		return nil, usage(errors.New("an application's tokens belong to nobody, so it has to act as somebody: add --impersonate, and name the mailboxes with --mailbox or --mailbox-file"))
	}
	options, err := o.ews.options(o.connectionTimeout)
	if err != nil {
		return nil, err
	}
	all := &mailboxes{named: o.ews.mailboxes, file: o.ews.mailboxFile, folders: o.ews.watched()}
	first, err := all.read()
	if err != nil {
		return nil, usage(err)
	}
	set, err := ews.NewSet(first...)
	if err != nil {
		return nil, usage(fmt.Errorf("--mailbox: %w", err))
	}
	return &ewsSource{options: options, permissions: o.scopes, mailboxes: all, set: set, hangups: t.hangups}, nil
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
