package oauth2auth

import (
	"context"

	"golang.org/x/oauth2"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// TokenSource makes a source for clients of x/oauth2 of p. Each call of Token asks p, with ctx and for scopes; the errors are
// p's. It is safe for concurrent use, and stops working when ctx ends.
//
// x/oauth2 has no word for a token that was refused: its clients return the 401, and are given the same token the next time,
// until p has another. oauth2.ReuseTokenSource, which oauth2.NewClient puts in front, keeps one of unknown end for ever.
// oauth2.Transport adds the token to each request it makes, also to one that a redirect sends to another host.
func TokenSource(ctx context.Context, p auth.Provider, scopes ...string) oauth2.TokenSource {
	if p == nil {
		p = auth.Cached(nil) // which says so
	}
	return tokenSource(func() (*oauth2.Token, error) {
		token, err := p.Token(ctx, auth.Request{Scopes: scopes})
		if err != nil {
			return nil, err
		}
		return &oauth2.Token{AccessToken: token.Value, TokenType: "Bearer", Expiry: token.ExpiresOn}, nil
	})
}

// tokenSource is a function because fmt shows the fields of a struct, and a Provider's with them.
type tokenSource func() (*oauth2.Token, error)

// Token implements oauth2.TokenSource.
func (s tokenSource) Token() (*oauth2.Token, error) { return s() }
