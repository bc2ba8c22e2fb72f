package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// A signIn signs somebody in, with a browser on this machine or on any other.
type signIn struct {
	session   *session
	client    *msalauth.Client
	account   string // who is to sign in; "": anybody
	method    string // authBrowser, authDeviceCode, or authAccount: whatever works here
	clipboard bool   // the device code is put there
	quiet     bool   // the caller says who has signed in

	signedIn string // who has signed in; set by run

	// was says whether an account was signed in before. nil: none was.
	was func(msalauth.Account) bool
}

func newSignIn(s *session, options msalauth.Options) (*signIn, error) {
	client, err := msalauth.New(options)
	if err != nil {
		return nil, err
	}
	return &signIn{session: s, client: client}, nil
}

// begin signs somebody in, and returns where the tokens of that account come
// from.
func (i *signIn) begin(ctx context.Context, scopes []string) (auth.Provider, error) {
	account, err := i.run(ctx, scopes)
	if err != nil {
		return nil, err
	}
	return i.client.Provider(account.ID), nil
}

// How attempts to begin are spaced; as outlookstream spaces connections.
const (
	signInFirstWait = 500 * time.Millisecond
	signInMaxWait   = time.Minute
)

// run signs somebody in for these scopes. It tries again and again until there
// is something to show: the sign-in service may be down for a while. While
// somebody is signing in, the client sees to that.
func (i *signIn) run(ctx context.Context, scopes []string) (account msalauth.Account, err error) {
	s := i.session
	method, err := chooseBrowser(s.environ, i.method)
	if err != nil {
		return account, err
	}
	err = reconnect.NewPolicy(signInFirstWait, signInMaxWait).Run(ctx, func() error {
		prompted := false
		var err error
		if method == authBrowser {
			account, err = i.withBrowser(ctx, scopes, &prompted)
		}
		if errors.Is(err, errNoWindow) || method != authBrowser {
			method = authDeviceCode
			account, err = i.withDeviceCode(ctx, scopes, &prompted)
		}
		switch {
		case err == nil:
			return nil
		case prompted, ctx.Err() != nil: // nobody is prompted twice
			return reconnect.Permanent(err)
		case errors.Is(err, auth.ErrMisconfigured), errors.Is(err, auth.ErrInteractionRequired):
			return reconnect.Permanent(withTrustAdvice(err))
		default:
			return err
		}
	}, func(err error, delay time.Duration) {
		s.console.setStatus(fmt.Sprintf("signing in again in %v because of: %v", delay.Round(100*time.Millisecond), err))
		s.log.Info("signing in again", "delay", delay, "err", err)
	})
	if err != nil {
		return account, err
	}
	if !i.quiet {
		s.log.Info("signed in", "user", account.Username, "tenant", account.TenantID)
	}
	if i.account != "" && !isCalled(account, i.account) {
		return account, i.refuse(ctx, account)
	}
	i.signedIn = nameOf(account)
	return account, nil
}

// refuse forgets somebody who has signed in and was not meant, unless that
// account was there before: then what is kept of it is newer now, and no more.
func (i *signIn) refuse(ctx context.Context, account msalauth.Account) error {
	who := fmt.Sprintf("%s has signed in, and not %s, who was to", nameOf(account), i.account)
	if i.was != nil && i.was(account) {
		return fmt.Errorf("%s; %s stays signed in, as before", who, nameOf(account))
	}
	if err := i.client.SignOut(ctx, account.ID); err != nil {
		return fmt.Errorf("%s, and could not be forgotten ('calwatch logout' does that): %w", who, err)
	}
	return fmt.Errorf("%s: that was forgotten again", who)
}

// withBrowser sets prompted when somebody could sign in.
func (i *signIn) withBrowser(ctx context.Context, scopes []string, prompted *bool) (msalauth.Account, error) {
	s := i.session
	s.console.setStatus("asking for the sign-in page")
	hint := &msalauth.BrowserOptions{}
	if strings.Contains(i.account, "@") {
		hint.Username = i.account
	}
	return i.client.SignInBrowser(ctx, scopes, hint, func(ctx context.Context, address string) error {
		err := openBrowser(ctx, s.environ, address)
		if err != nil && i.method != authBrowser { // there is another way
			s.log.Info("no browser could be opened, so it is a device code", "err", err)
			return errNoWindow
		}
		*prompted = true
		_, _ = s.console.Write(browserPrompt(address, err))
		s.console.setStatus("waiting for the sign-in")
		return nil
	})
}

// browserPrompt tells a person what to do; failed is why no window has opened.
// The address holds nothing that somebody who sees it could use.
func browserPrompt(address string, failed error) []byte {
	what := "To sign in, go on in your browser. If no window has opened,"
	if failed != nil {
		what = "No window could be opened (" + plain(failed.Error()) + "). To sign in,"
	}
	return fmt.Appendf(nil, "%s open this address in a browser on this machine:\n  %s\n", what, plain(address))
}

// withDeviceCode is withBrowser for a browser on any device.
func (i *signIn) withDeviceCode(ctx context.Context, scopes []string, prompted *bool) (msalauth.Account, error) {
	s := i.session
	s.console.setStatus("asking for a device code")
	return i.client.SignInDeviceCode(ctx, scopes, func(_ context.Context, code msalauth.DeviceCode) error {
		*prompted = true
		return s.prompt(code, i.clipboard)
	})
}
