package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// credentials are where tokens come from in this run, or who has a password.
type credentials struct {
	// provider is asked once, before anything else, and may let somebody sign in
	// for these scopes.
	provider func(ctx context.Context, scopes []string) (auth.Provider, error)
	// login is set if it is a password, and no tokens.
	login *login
	// advise adds to an error what a person can do about it. nil: nothing.
	advise func(error) error
	// close returns when nothing runs any more that getting tokens has started.
	close func()
}

// given are credentials with which nobody has to sign in.
func given(p auth.Provider) *credentials {
	return &credentials{
		provider: func(context.Context, []string) (auth.Provider, error) { return p, nil },
		close:    func() {},
	}
}

// credentials makes them. Commands it starts live no longer than ctx.
func (a *authFlags) credentials(ctx context.Context, s *session, client *http.Client, again loginCall) (*credentials, error) {
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
		return given(file), nil
	case authTokenCommand:
		command, err := newTokenCommand(ctx, a.tokenCommand, s.environ, s.console)
		if err != nil {
			return nil, usage(fmt.Errorf("--token-command: %w", err))
		}
		c := given(auth.Cached(command))
		c.close, c.advise = command.wait, command.refused
		return c, nil
	case authClientSecret:
		return a.confidential(client, func() (msalauth.Credential, error) { return a.secret(s) })
	case authClientCertificate:
		return a.confidential(client, func() (msalauth.Credential, error) { return a.certificate(s) })
	case authManagedIdentity:
		return a.managedIdentity()
	case authAzureCLI:
		return a.azureCLI(s)
	case authBasic, authNTLM:
		l, wait, err := a.password.login(ctx, s, method)
		if err != nil {
			return nil, err
		}
		c := given(nil)
		c.login, c.close = l, wait
		return c, nil
	default:
		return a.personal(s, client, method, again)
	}
}

// confidential is for an application that works for itself.
func (a *authFlags) confidential(client *http.Client, credential func() (msalauth.Credential, error)) (*credentials, error) {
	if a.application.tenant == "" && a.application.authority == "" {
		return nil, usage(errors.New("--tenant is missing: name the directory's id or domain, as an application belongs to no directory by itself"))
	}
	proof, err := credential()
	if err != nil {
		return nil, usage(err)
	}
	provider, err := msalauth.NewConfidential(msalauth.ConfidentialOptions{
		ClientID: a.application.clientID, Authority: a.application.authority, TenantID: a.application.tenant,
		HTTPClient: client, Credential: proof,
	})
	if err != nil {
		return nil, usage(fmt.Errorf("%w (on the command line: --tenant, --authority, --client-id)", err))
	}
	return given(forgiving(provider)), nil
}

// mailbox returns whom "me" stands for: user, if that is given. The tokens of an
// application belong to nobody, so that "me" would be nobody, either; then it is
// whoever is named first, and it is an error if anything else is nobody's.
func (a *authFlags) mailbox(user string, paths []string) (string, error) {
	method, err := a.choose()
	if err != nil || !isApplication(method) || user != "" {
		return user, err
	}
	for _, path := range paths {
		words := strings.Split(strings.Trim(path, "/"), "/")
		if len(words) < 3 || !strings.EqualFold(words[0], "users") {
			return "", usage(fmt.Errorf("%s: an application's tokens belong to nobody, so it must be said whose mailbox is meant: "+
				"with --user ADDRESS, or by users/ADDRESS/events for a path", path))
		}
		user = cmp.Or(user, words[1])
	}
	return user, nil
}
