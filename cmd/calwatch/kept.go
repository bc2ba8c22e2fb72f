package main

import (
	"errors"

	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/tokencache"
)

// kept is what is kept of earlier sign-ins.
type kept struct {
	store    *tokencache.Store // nil: nothing, and nothing will be
	why      error             // then
	accounts []msalauth.StoredAccount
	unread   error // some of them could not be read
}

// load opens the cache, which it may make unless only what exists is wanted.
// close has to be called. It makes no request.
func (c *cacheFlags) load(s *session, onlyExisting bool) (*kept, error) {
	open := c.open
	if onlyExisting {
		open = c.openExisting
	}
	store, err := open(s.environ, s.log)
	switch {
	case errors.Is(err, errNothingKept):
		return &kept{why: err}, nil
	case err != nil:
		return nil, err
	}
	k := &kept{store: store}
	k.accounts, k.unread = msalauth.Stored(store)
	return k, nil
}

// was returns what says whether an account was there when the cache was loaded,
// for the application that options are of.
func (k *kept) was(options msalauth.Options) func(msalauth.Account) bool {
	return func(account msalauth.Account) bool {
		same := applicationFlags{clientID: options.ClientID, authority: options.Authority, tenant: options.TenantID, account: account.ID}
		return len(same.matching(k.accounts)) > 0
	}
}

func (k *kept) close() {
	if k.store != nil {
		_ = k.store.Close() // of a directory that was read from
	}
}
