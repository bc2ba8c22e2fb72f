package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// The ways to get a token.
const (
	authDeviceCode   = "device-code"
	authTokenFile    = "token-file"
	authTokenCommand = "token-command"
)

// authFlags say where tokens come from. None of them is a secret: those come
// from a file, a command or a person.
type authFlags struct {
	flags        *flags
	method       string
	authority    string
	tenant       string
	clientID     string
	tokenFile    string
	tokenCommand string
}

func (a *authFlags) register(f *flags) {
	a.flags = f
	set := f.cmd.Flags()
	set.Var(oneOf(&a.method, authDeviceCode, authTokenFile, authTokenCommand), "auth",
		f.doc("auth", "where tokens come from", "as --token-file, --token-command or --client-id tells"))
	set.StringVar(&a.authority, "authority", "", f.doc("authority", "base URL of the sign-in service", "https://login.microsoftonline.com/common"))
	set.StringVar(&a.tenant, "tenant", "", f.doc("tenant", "directory to sign in to: its id or domain", "the authority's"))
	set.StringVar(&a.clientID, "client-id", "", f.doc("client-id", "application (client) id of your app registration, for device-code", ""))
	set.StringVar(&a.tokenFile, "token-file", "", f.doc("token-file", "file that holds an access token; it is read again whenever one is needed", ""))
	set.StringVar(&a.tokenCommand, "token-command", "", f.doc("token-command",
		`command that prints an access token: words separated by white space, which '...' or "..." keep together; there is no shell`, ""))
}

// choose decides on the method. What the command line says of it wins over
// whatever the environment says, and that over the default.
func (a *authFlags) choose() (string, error) {
	method := ""
	for _, given := range []func(name string) bool{a.flags.onCommandLine, a.flags.inEnvironment} {
		file := a.tokenFile != "" && given("token-file")
		command := a.tokenCommand != "" && given("token-command")
		switch {
		case method != "":
		case a.method != "" && given("auth"):
			method = a.method
		case file && command:
			return "", usage(errors.New("--token-file and --token-command are both set: say with --auth which is meant"))
		case file:
			method = authTokenFile
		case command:
			method = authTokenCommand
		case a.clientID != "" && given("client-id"):
			method = authDeviceCode
		}
	}
	if method == "" {
		method = authDeviceCode
	}
	for _, need := range []struct{ method, flag, value, advice string }{
		{authTokenFile, "token-file", a.tokenFile, "name the file that holds an access token"},
		{authTokenCommand, "token-command", a.tokenCommand, "name the command that prints an access token"},
		{authDeviceCode, "client-id", a.clientID, "register an application in Microsoft Entra ID that allows " +
			"public client flows, and pass its application (client) id (see 'Set up sign-in' in the README)"},
	} {
		if method == need.method && need.value == "" {
			return "", usage(fmt.Errorf("--%s is missing: %s", need.flag, need.advice))
		}
	}
	return method, nil
}

// credentials are where tokens come from in this run.
type credentials struct {
	provider auth.Provider
	// signIn lets a person sign in for these scopes; nil if no person could.
	signIn func(ctx context.Context, scopes []string) error
	// wait returns when nothing runs any more that getting tokens has started.
	wait func()
}

// credentials makes them. Commands it starts live no longer than ctx.
func (a *authFlags) credentials(ctx context.Context, s *session, client *http.Client) (*credentials, error) {
	method, err := a.choose()
	if err != nil {
		return nil, err
	}
	switch method {
	case authTokenFile:
		file, err := newTokenFile(a.tokenFile, s.environ, s.log)
		if err != nil {
			return nil, usage(fmt.Errorf("--token-file: %w", err))
		}
		// Not cached: reading a file costs nothing, and what is in it is newer.
		return &credentials{provider: file, wait: func() {}}, nil
	case authTokenCommand:
		command, err := newTokenCommand(ctx, a.tokenCommand, s.environ, s.console)
		if err != nil {
			return nil, usage(fmt.Errorf("--token-command: %w", err))
		}
		return &credentials{provider: auth.Cached(command), wait: command.wait}, nil
	default:
		signIn, err := newSignIn(s, msalauth.Options{
			ClientID: a.clientID, Authority: a.authority, TenantID: a.tenant, HTTPClient: client,
		})
		if err != nil {
			return nil, usage(err)
		}
		return &credentials{provider: signIn.provider, signIn: signIn.run, wait: func() {}}, nil
	}
}
