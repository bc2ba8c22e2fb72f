package msalauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

// dueWait is how long a renewal that is due, but not needed yet, waits for others.
const dueWait = 5 * time.Second

// silent gets a token from the account's cache or with its refresh token. It is behind the account's front, which sees to it
// that there is one call at a time for each tenant and set of scopes.
func (a *account) silent(ctx context.Context, r auth.Request) (auth.Token, error) {
	leave, err := a.enter(ctx)
	if err != nil {
		return auth.Token{}, err
	}
	defer leave()
	if a.client.closed.Load() {
		return auth.Token{}, errClosed()
	}
	if a.over {
		return auth.Token{}, fmt.Errorf("msalauth: the account is signed out: %w", &auth.InteractionError{Account: a.name()})
	}
	defer a.settle()
	// Most often the cache, which another process may have brought up to date, has the token. Only if it has not is it worth
	// to wait for those who are redeeming the refresh token, and then the cache has to be read again. That a token meets claims
	// cannot be seen in the cache.
	var old auth.Token // good, but due to be renewed
	if r.Claims == "" {
		token, needed, err := a.attempt(ctx, r, true)
		if !needed {
			return token, err
		}
		old = token
	}
	lockCtx := ctx
	if old.Value != "" {
		var cancel context.CancelFunc
		lockCtx, cancel = context.WithTimeout(ctx, dueWait)
		defer cancel()
	}
	release, err := a.exclusive(lockCtx)
	switch {
	case err != nil && old.Value != "":
		return old, nil
	case err != nil:
		return auth.Token{}, err
	}
	defer release()
	token, _, err := a.attempt(ctx, r, false)
	return token, err
}

// attempt calls MSAL once. With cached it does not let MSAL redeem the refresh token, but says whether it would have.
func (a *account) attempt(ctx context.Context, r auth.Request, cached bool) (token auth.Token, needed bool, err error) {
	data, err := a.load(ctx)
	if err != nil {
		return auth.Token{}, false, err
	}
	var found looked
	if data != nil {
		found, err = look(data, r.Rejected, time.Now())
	}
	switch {
	case data == nil, err == errNobody:
		err = fmt.Errorf("msalauth: the account is not signed in: %w", &auth.InteractionError{Account: a.name()})
		a.client.drop(a) // anybody may ask for anything
		return auth.Token{}, false, err
	case err != nil:
		return auth.Token{}, false, a.unreadable()
	case cached && found.tokens == 0:
		return auth.Token{}, true, nil
	case !a.known():
		a.note(Account{ID: a.id, Username: entra.Printable(found.who.PreferredUsername)})
	}
	mem := &memory{}
	mem.set(found.data)
	client, err := a.client.cfg.public(mem)
	if err != nil {
		return auth.Token{}, false, err
	}
	ctx, e := withExchange(ctx)
	e.cachedOnly = cached
	opts := []public.AcquireSilentOption{public.WithSilentAccount(found.who)}
	if r.TenantID != "" {
		opts = append(opts, public.WithTenantID(r.TenantID))
	}
	if r.Claims != "" {
		opts = append(opts, public.WithClaims(r.Claims))
	}
	result, err := client.AcquireTokenSilent(ctx, r.Scopes, opts...)
	if e.wasStopped() {
		if good(result, r) {
			token = auth.Token{Value: result.AccessToken, ExpiresOn: result.ExpiresOn, RefreshOn: refreshOn(result)}
		}
		return token, true, nil
	}
	if mem.changed || found.refused {
		a.save(ctx, mem.bytes())
	}
	switch {
	case good(result, r):
		// Also with an error: an early renewal has failed then, but the token that was to be renewed is good.
		return auth.Token{Value: result.AccessToken, ExpiresOn: result.ExpiresOn, RefreshOn: refreshOn(result)}, false, nil
	case errors.Is(err, errUnreadable):
		return auth.Token{}, false, a.unreadable()
	case err == nil:
		err = errors.New("MSAL returned a token that was refused or has expired")
	}
	err = a.client.cfg.in(r.TenantID).classify(ctx, e, err, a.name())
	return auth.Token{}, false, a.client.wanting(err)
}

// unreadable is about a cache that was decrypted, but is none of MSAL's.
func (a *account) unreadable() error {
	return fmt.Errorf("msalauth: MSAL cannot read what is stored of the account: %w", &auth.InteractionError{Account: a.name()})
}

// refreshOn says when asking MSAL again gives another token: when the authority advised to, or else once MSAL takes the token
// for expired, which is 5 min before it does. Asked at that very moment MSAL still returns the old one.
func refreshOn(result public.AuthResult) time.Time {
	if on := result.Metadata.RefreshOn; !on.IsZero() {
		return on
	}
	on := result.ExpiresOn.Add(-msalMargin + time.Second)
	if on.Before(time.Now()) {
		return time.Time{} // a short life, for all of which MSAL takes the token for expired: the cache's own rule is better
	}
	return on
}

// good says whether MSAL's result can be used.
func good(result public.AuthResult, r auth.Request) bool {
	return result.AccessToken != "" && result.AccessToken != r.Rejected && time.Now().Before(result.ExpiresOn)
}
