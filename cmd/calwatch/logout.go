package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

func (t *tool) logoutCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "logout [ACCOUNT]",
		Short: "Forget who is signed in",
		Long: `logout removes an account, named by its username or id, and its tokens from the
token cache, for every application that it is signed in to; without a name the
only account there is.

The sign-in service is not told. Access tokens stay good until they expire, about
an hour at most, and so long a watch that is running may go on.`,
		Args: cobra.MaximumNArgs(1),
	}
	f := &flags{cmd: cmd}
	var all bool
	var cache cacheFlags
	var logging logFlags
	cmd.Flags().BoolVar(&all, "all", false, f.doc("all", "forget everybody", ""))
	cache.register(f)
	logging.register(f, quietLogLevel)
	cmd.ValidArgsFunction = t.accountNames(f, &cache)
	return t.command(cmd, f, func(ctx context.Context, args []string) error {
		if all && len(args) > 0 {
			return usage(errors.New("an ACCOUNT and --all do not go together: say one"))
		}
		if logging.level == "" {
			logging.level = quietLogLevel
		}
		s, err := t.newSession(ctx, nil, &logging)
		if err != nil {
			return err
		}
		defer s.close()
		k, err := cache.load(s, true)
		if err != nil {
			return err
		}
		defer k.close()
		return s.logout(ctx, k, strings.Join(args, ""), all)
	})
}

// logout removes an account, the only one, or all.
func (s *session) logout(ctx context.Context, k *kept, who string, all bool) error {
	switch {
	case k.store == nil:
		s.sayNobody(k)
		return nil
	case all:
		return s.logoutAll(k)
	case len(k.accounts) == 0:
		s.sayNobody(k)
		return k.unread
	}
	meant, err := k.called(who)
	if err != nil {
		return err
	}
	for _, account := range meant {
		if err := forget(ctx, k, account); err != nil {
			return err
		}
	}
	s.saySignedOut(meant)
	return k.unread // which may be of the account, too
}

// logoutAll also removes what cannot be read.
func (s *session) logoutAll(k *kept) error {
	if err := k.store.RemoveAll(); err != nil {
		return err
	}
	if len(k.accounts) == 0 {
		s.sayNobody(k)
		return nil
	}
	s.saySignedOut(k.accounts)
	return nil
}

func (s *session) saySignedOut(accounts []msalauth.StoredAccount) {
	var b strings.Builder
	for _, account := range accounts {
		fmt.Fprintf(&b, "Signed out %s (application %s).\n", plain(nameOf(account.Account)), plain(account.ClientID))
	}
	b.WriteString("The sign-in service was not told: access tokens that were handed out stay good until they expire, about an hour at most, " +
		"and so long a watch that is running may go on.\n")
	fmt.Fprint(s.console, b.String())
}

// sayNobody says that nobody is signed in, as far as is known.
func (s *session) sayNobody(k *kept) {
	if k.store == nil {
		why := strings.TrimPrefix(k.why.Error(), errNothingKept.Error()+": ")
		fmt.Fprintf(s.console, "Nobody is signed in: %s.\n", plain(why))
		return
	}
	fmt.Fprintf(s.console, "Nobody is signed in: there is no account in %s.\n", plain(k.store.Dir()))
}

// called returns the accounts of that name, one for each application; without
// a name those of the only one there is.
func (k *kept) called(who string) ([]msalauth.StoredAccount, error) {
	var meant []msalauth.StoredAccount
	for _, account := range k.accounts {
		if who == "" && account.ID == k.accounts[0].ID || isCalled(account.Account, who) {
			meant = append(meant, account)
		}
	}
	switch {
	case k.unread != nil && (who == "" || len(meant) == 0): // whoever is meant may be in there
		return nil, k.unread
	case who == "" && len(meant) < len(k.accounts):
		return nil, usage(fmt.Errorf("several accounts are signed in: say which is meant, or --all:%s", listed(k.accounts)))
	case len(meant) == 0:
		return nil, usage(fmt.Errorf("%s is not signed in; there are:%s", who, listed(k.accounts)))
	}
	return meant, nil
}

// forget removes an account. It makes no request.
func forget(ctx context.Context, k *kept, account msalauth.StoredAccount) error {
	options := applicationOf(account)
	options.Store = k.store
	client, err := msalauth.New(options)
	if err != nil {
		return err
	}
	return client.SignOut(ctx, account.ID)
}
