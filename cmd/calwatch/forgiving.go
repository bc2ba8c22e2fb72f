package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// forgiving returns a Provider for credentials that come from files which may be
// replaced while p is in use. Once p has given a token, it is not taken for
// misconfigured before it has been so for as long as a new token file may take:
// whatever writes the file may be in the middle of it.
func forgiving(p auth.Provider) auth.Provider {
	return &forgivingProvider{provider: p}
}

type forgivingProvider struct {
	provider auth.Provider

	mu    sync.Mutex
	had   bool      // there was a token
	since time.Time // of the first failure after the last token; zero: there was none
}

// Token implements auth.Provider.
func (p *forgivingProvider) Token(ctx context.Context, r auth.Request) (auth.Token, error) {
	token, err := p.provider.Token(ctx, r)
	switch {
	case err == nil:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.had, p.since = true, time.Time{}
	case errors.Is(err, auth.ErrMisconfigured) && p.mayChange():
		// Not %w: it is transient.
		err = fmt.Errorf("%v (trying again for %v, as a file may just be being replaced)", err, rotation)
	}
	return token, err
}

func (p *forgivingProvider) mayChange() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() {
		p.since = time.Now()
	}
	return p.had && time.Since(p.since) < rotation
}
