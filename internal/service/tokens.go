package service

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

const (
	// tokenTimeout bounds one call of a provider that honours its context.
	tokenTimeout = time.Minute
	// maxAsks: each time for a token that was refused while the one before was got.
	maxAsks = 3
	// maxRefused bounds the memory of what was refused.
	maxRefused = 1024
)

var errTokenTimeout = fmt.Errorf("the auth.Provider gave no answer within %v", tokenTimeout)

// Tokens asks the Provider for tokens, and sees to it that one the service has
// refused is never sent again, whatever the Provider does. It is safe for
// concurrent use.
type Tokens struct {
	Provider auth.Provider

	mu      sync.Mutex
	last    hidden              // the token refused last
	claims  string              // what the service wants to be in the next one, as JSON
	refused [][sha256.Size]byte // fingerprints of the latest, oldest first
}

// hidden keeps a secret where fmt does not reach: it prints unexported fields
// without asking their methods, and follows even a pointer in one when the verb
// does not fit. Of a function it has nothing but the address.
type hidden func() string

// Get returns a token that has not been refused.
func (t *Tokens) Get(ctx context.Context, scopes []string) (string, error) {
	rejected, claims := t.lastRefused()
	for range maxAsks {
		value, err := t.ask(ctx, auth.Request{Scopes: scopes, Rejected: rejected, Claims: claims})
		if err != nil {
			return "", err
		}
		if !t.isRefused(value) {
			t.answered(claims)
			return value, nil
		}
		if value == rejected {
			break
		}
		// Somebody else's refusal came in between, or was of a token with
		// other permissions: the provider has not heard of this one yet.
		rejected = value
	}
	return "", fmt.Errorf("%w: the auth.Provider returned the token again that the service had refused", auth.ErrRejected)
}

// ask asks the provider, and checks that what it returns can be sent.
func (t *Tokens) ask(ctx context.Context, r auth.Request) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, tokenTimeout, errTokenTimeout)
	defer cancel()
	token, err := t.Provider.Token(ctx, r)
	switch {
	case err != nil && context.Cause(ctx) == errTokenTimeout:
		return "", errTokenTimeout
	case err != nil:
		return "", err
	case token.Value == "":
		return "", fmt.Errorf("%w: the auth.Provider returned an empty token", auth.ErrMisconfigured)
	case strings.ContainsFunc(token.Value, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }):
		return "", fmt.Errorf("%w: the auth.Provider returned a token with characters that no token has (a line break, a quotation mark pasted along?)", auth.ErrMisconfigured)
	}
	return token.Value, nil
}

// Refuse remembers that the service refused token, and which claims it wants
// to be in the next one.
func (t *Tokens) Refuse(token, claims string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = func() string { return token }
	if claims != "" {
		t.claims = claims
	}
	fingerprint := sha256.Sum256([]byte(token))
	if slices.Contains(t.refused, fingerprint) {
		return // of another watch
	}
	t.refused = append(t.refused, fingerprint)
	if len(t.refused) > maxRefused {
		t.refused = slices.Delete(t.refused, 0, 1)
	}
}

func (t *Tokens) lastRefused() (token, claims string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last != nil {
		token = t.last()
	}
	return token, t.claims
}

// answered forgets claims: there is a token for them. Asking for them again
// would have the provider get yet another one.
func (t *Tokens) answered(claims string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.claims == claims {
		t.claims = ""
	}
}

func (t *Tokens) isRefused(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.refused, sha256.Sum256([]byte(token)))
}
