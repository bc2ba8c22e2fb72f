package msalauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// session is one signed-in account: a MSAL client whose cache holds it, and the tokens in front of that.
type session struct {
	tokens auth.Provider // caches and makes single flights of silent
	client public.Client
	who    public.Account
	tell   func(claims string) // told what the next sign-in must ask for

	// turn is held during a call of client. Renewals of tokens for different scopes redeem the same refresh token, which
	// may be good for one use only, so they have to come one after the other. A channel, because a caller must be able to
	// stop waiting for it. It guards the fields below.
	turn   chan struct{}
	editor *editor
	over   bool // signed out
}

func (c config) newSession(tell func(string)) (*session, error) {
	s := &session{tell: tell, turn: make(chan struct{}, 1), editor: &editor{}}
	var err error
	if s.client, err = c.client(s.editor); err != nil {
		return nil, bad("MSAL does not accept the authority")
	}
	s.tokens = auth.Cached(auth.Func(s.silent))
	return s, nil
}

func (s *session) enter(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *session) leave() { <-s.turn }

func (s *session) account() Account {
	return Account{ID: s.who.HomeAccountID, Username: clean(s.who.PreferredUsername), Name: clean(s.who.Name), TenantID: s.who.Realm}
}

// silent gets a token from MSAL's cache or with the refresh token.
func (s *session) silent(ctx context.Context, r auth.Request) (auth.Token, error) {
	if err := s.enter(ctx); err != nil {
		return auth.Token{}, err
	}
	defer s.leave()
	if s.over {
		return auth.Token{}, fmt.Errorf("msalauth: the account is signed out: %w", &auth.InteractionError{})
	}
	s.editor.drop = r.Rejected
	opts := []public.AcquireSilentOption{public.WithSilentAccount(s.who)}
	if r.TenantID != "" {
		opts = append(opts, public.WithTenantID(r.TenantID))
	}
	if r.Claims != "" {
		opts = append(opts, public.WithClaims(r.Claims))
	}
	ctx, e := withExchange(ctx)
	result, err := s.client.AcquireTokenSilent(ctx, r.Scopes, opts...)
	if good(result, r) {
		// Also with an error: an early renewal has failed then, but the token that was to be renewed is good.
		return auth.Token{Value: result.AccessToken, ExpiresOn: result.ExpiresOn, RefreshOn: refreshOn(result)}, nil
	}
	if err == nil {
		err = errors.New("MSAL returned a token that was refused or has expired")
	}
	err = e.classify(ctx, err)
	if ie, ok := errors.AsType[*auth.InteractionError](err); ok {
		s.tell(ie.Claims)
	}
	return auth.Token{}, err
}

// refreshOn says when asking MSAL again gives another token: when the authority advised to, or else once MSAL takes the token
// for expired, which is 5 min before it does. Asked at that very moment MSAL still returns the old one.
func refreshOn(result public.AuthResult) time.Time {
	if on := result.Metadata.RefreshOn; !on.IsZero() {
		return on
	}
	on := result.ExpiresOn.Add(-5*time.Minute + time.Second)
	if on.Before(time.Now()) {
		return time.Time{} // a short life, for all of which MSAL takes the token for expired: the cache's own rule is better
	}
	return on
}

// good says whether MSAL's result can be used.
func good(result public.AuthResult, r auth.Request) bool {
	return result.AccessToken != "" && result.AccessToken != r.Rejected && time.Now().Before(result.ExpiresOn)
}
