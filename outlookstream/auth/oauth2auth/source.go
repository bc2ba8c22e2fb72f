package oauth2auth

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/oauth2"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// New returns a Provider that asks src. The Provider is safe for concurrent use, caches as auth.Cached does, and asks src
// once at a time, whoever waits; a src that hangs holds nobody longer than the caller's own ctx, or 60 s.
//
// src decides on scopes: those of a request are not looked at. When the server refuses a token, src is asked once more, and
// if it returns the same again the error is auth.ErrRejected. With a claims challenge it is likewise; whether another token
// satisfies the challenge only the server can say. A token of another type than bearer and a request for another tenant are
// auth.ErrMisconfigured. Errors of src are sorted as FromConfig's if they are x/oauth2's, and are transient otherwise.
//
// A src made with a context works as long as that context does: give it one that lives as long as the Provider.
func New(src oauth2.TokenSource) auth.Provider {
	if src == nil {
		return auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			return auth.Token{}, bad("oauth2auth.New was given no token source")
		})
	}
	cached := auth.Cached(auth.Func(func(ctx context.Context, r auth.Request) (auth.Token, error) {
		return fromSource(ctx, src, r)
	}))
	return auth.Func(func(ctx context.Context, r auth.Request) (auth.Token, error) {
		if r.TenantID != "" {
			return auth.Token{}, errTenant()
		}
		r.Scopes = nil // src gives one token for all of them, so the cache keeps one
		return cached.Token(ctx, r)
	})
}

func fromSource(ctx context.Context, src oauth2.TokenSource, r auth.Request) (auth.Token, error) {
	token, err := src.Token()
	switch {
	case err != nil && errors.Is(err, context.Canceled) && ctx.Err() == nil:
		// Not transient: a source whose context has ended will never do anything else.
		return auth.Token{}, bad(fmt.Sprintf("the context that the token source (%T) was made with has ended: "+
			"make it with one that lives as long as the program", src))
	case err != nil:
		return auth.Token{}, classify(err, fmt.Sprintf("the token source (%T) failed (%T)", src, err))
	case token != nil && r.Rejected != "" && token.AccessToken == r.Rejected:
		return auth.Token{}, fmt.Errorf("%w: the token source (%T) returned the refused token again, as those do that keep "+
			"a token until it expires: use a source that gets a new one at each call, or oauth2auth.FromConfig",
			auth.ErrRejected, src)
	}
	return bearer(token)
}

// bearer makes an auth.Token of an oauth2.Token. None makes an empty one, which auth.Cached makes an error.
func bearer(token *oauth2.Token) (auth.Token, error) {
	if token == nil {
		return auth.Token{}, nil
	}
	if token.Type() != "Bearer" {
		return auth.Token{}, bad("the authorization server gave a token of another type than bearer: ask it for bearer tokens")
	}
	return auth.Token{Value: token.AccessToken, ExpiresOn: token.Expiry}, nil
}

func errTenant() error {
	return bad("x/oauth2 cannot ask another tenant than the one it was set up for: leave the request's tenant empty, " +
		"or make a Provider for each tenant")
}

func bad(text string) error { return fmt.Errorf("%w: %s", auth.ErrMisconfigured, text) }
