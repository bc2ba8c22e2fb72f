package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/tokencache"
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
		if all {
			return s.logoutAll(&cache)
		}
		k, err := cache.load(s, true)
		if err != nil {
			return err
		}
		defer k.close()
		return s.logout(ctx, k, strings.Join(args, ""))
	})
}

// logout removes an account, or the only one, and whatever is damaged: it may
// be of that account.
func (s *session) logout(ctx context.Context, k *kept, who string) error {
	switch {
	case k.store == nil:
		s.sayNobody(k)
		return nil
	case len(k.accounts) == 0 && k.unread != nil: // whoever is meant may be in there
		return k.unread
	case len(k.accounts) == 0:
		if err := k.store.RemoveDamaged(); err != nil {
			return err
		}
		s.sayNobody(k)
		return nil
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
	if err := k.store.RemoveDamaged(); err != nil {
		return err
	}
	s.saySignedOut(meant)
	return k.unread // which may be of the account, too
}

// logoutAll removes everything, whether it can be read or not: it needs no key
// but for saying who it was.
func (s *session) logoutAll(cache *cacheFlags) error {
	k, err := cache.load(s, true)
	unreadable, unknown := errors.AsType[*unreadableError](err)
	if err != nil && !unknown {
		return err
	}
	if unknown {
		if err := tokencache.RemoveAll(unreadable.dir); err != nil {
			return err
		}
		s.saySignedOutUnknown(unreadable.dir, unreadable.why)
		return nil
	}
	defer k.close()
	if k.store == nil {
		s.sayNobody(k)
		return nil
	}
	if err := k.store.RemoveAll(); err != nil {
		return err
	}
	switch {
	case len(k.accounts) > 0:
		s.saySignedOut(k.accounts)
	case k.unread != nil:
		s.saySignedOutUnknown(k.store.Dir(), k.unread)
	default:
		s.sayNobody(k)
	}
	return nil
}

func (s *session) saySignedOutUnknown(dir string, why error) {
	fmt.Fprintf(s.console, "Signed out everybody in %s. Who that was is not known: %s.\n%s", plain(dir), plain(why.Error()), notTold)
}

const notTold = "The sign-in service was not told: access tokens that were handed out stay good until they expire, about an hour at most, " +
	"and so long a watch that is running may go on.\n"

func (s *session) saySignedOut(accounts []msalauth.StoredAccount) {
	var b strings.Builder
	for _, account := range accounts {
		fmt.Fprintf(&b, "Signed out %s (application %s).\n", plain(nameOf(account.Account)), plain(account.ClientID))
	}
	b.WriteString(notTold)
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
		return nil, usage(fmt.Errorf("several accounts are signed in: say which is meant, or --all:%s", listed(k.accounts, false)))
	case len(meant) == 0:
		return nil, usage(fmt.Errorf("%s is not signed in; there are:%s", who, listed(k.accounts, false)))
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
