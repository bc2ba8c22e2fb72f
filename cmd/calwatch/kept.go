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
	store, err := c.open(s.environ, s.log, onlyExisting)
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

func (k *kept) close() {
	if k.store != nil {
		_ = k.store.Close() // of a directory that was read from
	}
}
