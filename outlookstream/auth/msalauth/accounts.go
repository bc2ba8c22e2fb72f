package msalauth

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
	"github.com/calwatch/calwatch/tokencache"
)

// Accounts returns who has signed in with this application at this authority, sorted by Username. With a Store it reads all
// that is in there; if some of it cannot be read, it returns the others, and an error.
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	found := map[string]Account{}
	var err error
	if c.store != nil {
		var stored []StoredAccount
		stored, err = Stored(c.store)
		for _, s := range stored {
			if s.ClientID == c.cfg.clientID && s.Authority == c.cfg.authority {
				found[s.ID] = s.Account
			}
		}
	}
	c.mu.Lock()
	for id, a := range c.accounts {
		// In memory only, or newer than what could be stored.
		if _, ok := found[id]; a.about.ID != "" && (c.store == nil || !ok && a.pending) {
			found[id] = a.about
		}
	}
	c.mu.Unlock()
	accounts := slices.SortedFunc(maps.Values(found), func(a, b Account) int {
		return cmp.Or(cmp.Compare(a.Username, b.Username), cmp.Compare(a.ID, b.ID))
	})
	return accounts, err
}

// find returns the account that somebody calls who. An *auth.InteractionError says that there is none.
func (c *Client) find(ctx context.Context, who string) (*account, error) {
	if who != "" && !strings.ContainsAny(who, `@\`) {
		// An id. Whether it has signed in shows when its cache is read.
		return c.account(who), nil
	}
	accounts, err := c.Accounts(ctx)
	var names []string
	var matching []Account
	for _, a := range accounts {
		if who == "" || strings.EqualFold(a.Username, who) || a.ID == who {
			matching = append(matching, a)
			names = append(names, fmt.Sprintf("%s (%s)", cmp.Or(a.Username, "?"), a.ID))
		}
	}
	switch {
	case len(matching) == 1 && (who != "" || err == nil): // one that cannot be read might be another
		return c.account(matching[0].ID), nil
	case len(matching) > 1:
		return nil, bad("there are several accounts, so it must be said which one is meant, by its id: " + strings.Join(names, ", "))
	case err != nil:
		return nil, fmt.Errorf("msalauth: looking for the account: %w", err)
	case who == "":
		return nil, fmt.Errorf("msalauth: nobody is signed in: %w", &auth.InteractionError{})
	default:
		return nil, fmt.Errorf("msalauth: the account is not signed in: %w", &auth.InteractionError{Account: entra.Printable(who)})
	}
}

// StoredAccount is an account in a Store.
type StoredAccount struct {
	Account
	ClientID  string // of the application it has signed in to
	Authority string // where, as https://host/tenant
}

// Stored returns the accounts of every application in a Store, sorted by Username. If some cannot be read, it returns the
// others, and an error.
func Stored(store *tokencache.Store) ([]StoredAccount, error) {
	infos, err := store.Accounts()
	if err != nil {
		err = fmt.Errorf("msalauth: reading the stored accounts: %w", err)
	}
	var stored []StoredAccount
	for _, info := range infos {
		parts := strings.SplitN(info.ID, " ", 3)
		if len(parts) != 3 || !strings.HasPrefix(parts[1], "https://") {
			continue // of another program
		}
		stored = append(stored, StoredAccount{accountOf(parts[2], parts[1], info), parts[0], parts[1]})
	}
	slices.SortFunc(stored, func(a, b StoredAccount) int {
		return cmp.Or(cmp.Compare(a.Username, b.Username), cmp.Compare(a.ID, b.ID), cmp.Compare(a.ClientID, b.ClientID))
	})
	return stored, err
}

// key is what an account is called in a Store: what a refresh token is good for.
func (c config) key(id string) string { return c.clientID + " " + c.authority + " " + id }

// accountOf says who has signed in at an authority. MSAL keeps something of every tenant that it had tokens of, and does not
// know which of them it signed in to.
func accountOf(id, authority string, info tokencache.AccountInfo) Account {
	tenant := authority[strings.LastIndexByte(authority, '/')+1:]
	switch tenant {
	case "common", "organizations", "consumers":
		// They come to the directory that the account is at home in, which is the second half of its id.
		if _, home, ok := strings.Cut(id, "."); ok {
			tenant = home
		}
	}
	return Account{
		ID: id, Username: entra.Printable(info.Username), Name: entra.Printable(info.Name), TenantID: entra.Printable(tenant),
		Scopes: info.Scopes, ExpiresOn: info.ExpiresOn,
	}
}
