package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// personal is for somebody who is signed in, or else signs in now, if there is
// anybody to ask.
func (a *authFlags) personal(s *session, client *http.Client, method string, again loginCall) (*credentials, error) {
	k, err := a.cache.load(s, false)
	if err != nil {
		return nil, err
	}
	c, err := a.personalFrom(k, s, client, method, again)
	if err != nil {
		k.close()
		return nil, err
	}
	closeFirst := c.close
	c.close = func() {
		closeFirst()
		k.close()
	}
	return c, nil
}

func (a *authFlags) personalFrom(k *kept, s *session, client *http.Client, method string, again loginCall) (*credentials, error) {
	account, found, err := a.application.stored(k.accounts)
	switch {
	case err != nil:
		return nil, err
	case k.unread != nil && (!found || a.application.account == ""): // whoever is meant may be in there
		return nil, k.unread
	case found:
		if k.unread != nil {
			s.log.Warn(k.unread.Error())
		}
		return signedIn(k, s, client, account, again)
	case !a.somebodyIsThere(s, method):
		return &credentials{provider: func(context.Context, []string) (auth.Provider, error) {
			return nil, a.nobody(k, again)
		}, close: func() {}}, nil
	}
	options, err := a.application.options(k.accounts)
	if err != nil {
		return nil, err
	}
	var lost storeErrors
	options.HTTPClient, options.Store, options.OnStoreError = client, k.store, s.notStored(&lost)
	signIn, err := newSignIn(s, options)
	if err != nil {
		return nil, usage(err)
	}
	signIn.account, signIn.method, signIn.was = a.application.account, method, k.was(options)
	if k.store == nil {
		s.warnOfMemory(k.why)
	}
	return &credentials{
		provider: signIn.begin,
		advise: func(err error) error {
			return s.explained(err, signIn.signedIn, again.command(signIn.signedIn))
		},
		close: func() { closeOrWarn(s, signIn.client, k, signIn.signedIn, &lost) },
	}, nil
}

// signedIn is for an account that is stored. Nobody is prompted if its sign-in
// is over: the watch may be a service's.
func signedIn(k *kept, s *session, client *http.Client, account msalauth.StoredAccount, again loginCall) (*credentials, error) {
	var lost storeErrors
	options := applicationOf(account)
	options.HTTPClient, options.Store, options.OnStoreError = client, k.store, s.notStored(&lost)
	c, err := msalauth.New(options)
	if err != nil {
		return nil, err
	}
	s.log.Info("the account is signed in", "user", nameOf(account.Account), "tenant", account.TenantID)
	credentials := given(c.Provider(account.ID))
	who := nameOf(account.Account)
	credentials.close = func() { closeOrWarn(s, c, k, who, &lost) }
	credentials.advise = func(err error) error { return s.explained(err, who, again.command(who)) }
	return credentials, nil
}

// somebodyIsThere says whether a prompt would be seen: by somebody at a
// terminal, or whoever has just asked for it on the command line.
func (a *authFlags) somebodyIsThere(s *session, method string) bool {
	return s.console.statusLine || method != authAccount && a.flags.onCommandLine("auth")
}

// nobody says what to do where nobody is signed in, and nobody can be asked to.
func (a *authFlags) nobody(k *kept, again loginCall) error {
	var b strings.Builder
	if a.application.account == "" {
		b.WriteString("nobody is signed in")
	} else {
		b.WriteString(a.application.account + " is not signed in")
	}
	if len(k.accounts) > 0 {
		b.WriteString(" (there are:" + listed(k.accounts, a.application.clientID != "" || a.application.authority != "" || a.application.tenant != "") + ")")
	}
	b.WriteString(", and there is nobody to ask: ")
	call := again.command(a.application.account)
	_, err := a.application.options(k.accounts)
	switch {
	case k.store == nil:
		why := strings.ReplaceAll(k.why.Error(), "tokencache: ", "") // which package says so helps nobody here
		fmt.Fprintf(&b, "%s: name a directory and a key file with --cache-dir and --cache-key-file, and sign in with 'calwatch login'", why)
	case err != nil:
		fmt.Fprintf(&b, "with the id of your app registration, run: %s --client-id ID", call)
	default:
		fmt.Fprintf(&b, "run: %s", call)
	}
	return &signInNeeded{b.String()}
}

// signInNeeded says that somebody has to sign in, and how.
type signInNeeded struct{ text string }

func (e *signInNeeded) Error() string { return e.text }

// Is reports whether target is auth.ErrInteractionRequired.
func (e *signInNeeded) Is(target error) bool { return target == auth.ErrInteractionRequired }

// notStored returns what is told that tokens could not be stored.
func (s *session) notStored(lost *storeErrors) func(error) {
	return func(err error) {
		lost.add(err)
		s.log.Warn(err.Error())
	}
}

func (s *session) warnOfMemory(why error) {
	if errors.Is(why, errNotWanted) {
		return
	}
	s.log.Warn("the sign-in is in memory only, and somebody has to sign in again after a restart: name a directory and a key file with --cache-dir "+
		"and --cache-key-file, or set --cache-key none if that is meant", "why", why)
}
