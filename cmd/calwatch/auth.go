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
	method       string
	authority    string
	tenant       string
	clientID     string
	tokenFile    string
	tokenCommand string
}

func (a *authFlags) register(f *flags) {
	set := f.cmd.Flags()
	set.Var(oneOf(&a.method, authDeviceCode, authTokenFile, authTokenCommand), "auth",
		f.doc("auth", "where tokens come from (default: from --token-file or --token-command if there is one, else device-code)"))
	set.StringVar(&a.authority, "authority", "", f.doc("authority", "base URL of the sign-in service (default https://login.microsoftonline.com/common)"))
	set.StringVar(&a.tenant, "tenant", "", f.doc("tenant", "directory to sign in to: its id or domain (default: the authority's)"))
	set.StringVar(&a.clientID, "client-id", "", f.doc("client-id", "application (client) id of your app registration, for device-code"))
	set.StringVar(&a.tokenFile, "token-file", "", f.doc("token-file", "file that holds an access token; it is read again whenever one is needed"))
	set.StringVar(&a.tokenCommand, "token-command", "", f.doc("token-command",
		`command that prints an access token: words separated by white space, which '...' or "..." keep together; there is no shell`))
}

// choose decides on the method.
func (a *authFlags) choose() (string, error) {
	method := a.method
	switch {
	case method != "":
	case a.tokenFile != "" && a.tokenCommand != "":
		return "", usage(errors.New("--token-file and --token-command are both set: say with --auth which is meant"))
	case a.tokenFile != "":
		method = authTokenFile
	case a.tokenCommand != "":
		method = authTokenCommand
	default:
		method = authDeviceCode
	}
	for _, need := range []struct{ method, flag, value, advice string }{
		{authTokenFile, "token-file", a.tokenFile, "name the file that holds an access token"},
		{authTokenCommand, "token-command", a.tokenCommand, "name the command that prints an access token"},
		{authDeviceCode, "client-id", a.clientID, "to sign in, register an application in Microsoft Entra ID " +
			"that allows public client flows, and pass its application (client) id: docs/auth.md shows how"},
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
		file, err := newTokenFile(a.tokenFile, s.log)
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
		p, err := msalauth.New(msalauth.Options{
			ClientID: a.clientID, Authority: a.authority, TenantID: a.tenant, HTTPClient: client,
		})
		if err != nil {
			return nil, usage(err)
		}
		return &credentials{provider: p, signIn: s.deviceCodeSignIn(p), wait: func() {}}, nil
	}
}
