package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// loginFlags are those of "calwatch login".
type loginFlags struct {
	flags       *flags
	api         apiFlag
	deviceCode  bool
	browser     bool
	clipboard   bool
	claims      string
	scopes      []string
	caFile      string
	application applicationFlags
	cache       cacheFlags
	log         logFlags
}

func (t *tool) loginCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "login [RESOURCE...]",
		Short: "Sign in, and stay signed in",
		Long: `login signs somebody in for watching the resources, me/events if none is named,
and keeps that, encrypted: 'calwatch watch' then needs nobody, until the
sign-in service wants the person again.

It uses the browser of this machine where there is one, and a code to be entered
in a browser on any device elsewhere, as through SSH.`,
		Example: `  calwatch login --client-id ID
  calwatch login --client-id ID --device-code --clipboard me/events me/messages`,
		Args: cobra.ArbitraryArgs,
	}
	f := &flags{cmd: cmd}
	o := loginFlags{flags: f}
	set := cmd.Flags()
	o.api.register(f, "what the service speaks that is to be watched")
	set.BoolVar(&o.deviceCode, "device-code", false, f.doc("device-code", "show a code to be entered in a browser on any device", ""))
	set.BoolVar(&o.browser, "browser", false, f.doc("browser", "use the browser of this machine", ""))
	set.BoolVar(&o.clipboard, "clipboard", false, f.doc("clipboard", "have the terminal put a device code into the clipboard, through SSH, too", ""))
	set.StringVar(&o.claims, "claims", "", f.doc("claims", "what the sign-in service wants the sign-in to ask for, as JSON; the message that says to sign in has it", ""))
	o.application.register(f, "who is to sign in: username, or the id of an account that has signed in before")
	registerScopes(f, &o.scopes)
	registerCAFile(f, &o.caFile)
	o.cache.register(f)
	o.log.register(f, "info; warn on a terminal, where a status line says most of it")
	t.completeAccounts(f, &o.cache)
	return t.command(cmd, f, func(ctx context.Context, args []string) error { return t.login(ctx, &o, args) })
}

// method decides on the way to sign in: what the command line says of it wins
// over whatever the environment says.
func (o *loginFlags) method() (string, error) {
	for _, given := range []func(name string) bool{o.flags.onCommandLine, o.flags.inEnvironment} {
		code := o.deviceCode && given("device-code")
		browser := o.browser && given("browser")
		switch {
		case code && browser:
			return "", usage(errors.New("--device-code and --browser are both set: say one"))
		case code:
			return authDeviceCode, nil
		case browser:
			return authBrowser, nil
		}
	}
	return authAccount, nil
}

func (t *tool) login(ctx context.Context, o *loginFlags, paths []string) error {
	method, err := o.method()
	if err != nil {
		return err
	}
	if _, err := chooseBrowser(t.environ, method); err != nil {
		return err
	}
	if o.clipboard && !t.isTerminal(t.stderr) {
		return usage(errors.New("--clipboard: standard error is no terminal, which is what has a clipboard"))
	}
	scopes, err := o.permissions(paths)
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
	s, err := t.newSession(ctx, nil, &o.log)
	if err != nil {
		return err
	}
	defer s.close()
	k, err := o.cache.load(s, false)
	if err != nil {
		return err
	}
	defer k.close()
	if k.store == nil {
		advice := "name a directory and a key file with --cache-dir and --cache-key-file"
		if errors.Is(k.why, errNotWanted) {
			advice = "leave it out"
		}
		return fmt.Errorf("%w, so that signing in would be for nothing: %s", k.why, advice)
	}
	options, err := o.application.options(k.accounts)
	if err != nil {
		return err
	}
	options.HTTPClient, options.Claims = client, o.claims
	return o.signIn(ctx, s, k, method, options, scopes, paths)
}

// permissions returns those to ask for.
func (o *loginFlags) permissions(paths []string) ([]string, error) {
	if o.api.isEWS() {
		if len(paths) > 0 {
			return nil, usage(fmt.Errorf("%s: with --api ews, one permission is for all that can be watched", paths[0]))
		}
		return (&ewsSource{permissions: o.scopes}).scopes()
	}
	var resources []outlookstream.Resource
	for _, path := range pathsOf(paths) {
		resources = append(resources, outlookstream.Resource{Path: path})
	}
	return scopesOf(&outlookstream.Options{Scopes: o.scopes}, resources)
}

// signIn signs somebody in, makes sure that it is kept, and says so.
func (o *loginFlags) signIn(ctx context.Context, s *session, k *kept, method string, options msalauth.Options, scopes, paths []string) error {
	var lost storeErrors
	options.Store, options.OnStoreError = k.store, lost.add
	signIn, err := newSignIn(s, options)
	if err != nil {
		return usage(err)
	}
	signIn.account, signIn.method, signIn.clipboard = o.application.account, method, o.clipboard
	signIn.quiet, signIn.was = true, k.was(options)
	account, err := signIn.run(ctx, scopes)
	unstored := closeClient(s, signIn.client)
	switch {
	case err != nil && ctx.Err() != nil:
		return errInterrupted
	case err != nil:
		return s.explained(err, o.application.account, loginCall{flags: o.flags, paths: paths}.command(o.application.account))
	case unstored != nil:
		return fmt.Errorf("%s has signed in, but nothing was kept: %s and sign in again", nameOf(account), remedy(lost.last(), k.store.Dir()))
	}
	s.console.setStatus("")
	fmt.Fprintf(s.console, "Signed in as %s (tenant %s). Kept in %s, encrypted with %s.\n",
		plain(nameOf(account)), plain(account.TenantID), plain(k.store.Dir()), plain(k.store.KeySource()))
	return nil
}
