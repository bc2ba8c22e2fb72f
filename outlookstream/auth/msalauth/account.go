package msalauth

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// account is one account of a Client, with all that is kept of it.
type account struct {
	client *Client
	id     string // home account id

	// turn is held during a call of MSAL. Renewals of tokens for different scopes redeem the same refresh token, which may be
	// good for one use only, so they have to come one after the other. A channel, because a caller must be able to stop
	// waiting for it. It guards the fields below, up to front.
	turn     chan struct{}
	over     bool // signed out: no longer in client.accounts
	held     held
	accessor cache.ExportReplace // of the store, bound to held; nil: nothing is loaded
	unsaved  bool                // held has what the store could not take
	reports  []error             // for Options.OnStoreError, once the turn is over: it is the program's code

	front atomic.Pointer[auth.Provider] // caches and makes single flights of silent; nil: signed out

	// Guarded by client.mu.
	about   Account // zero if it is not known
	pending bool    // unsaved, for those who have not the turn
}

// startAfresh gives the account an empty front.
func (a *account) startAfresh() {
	front := auth.Cached(auth.Func(a.silent))
	a.front.Store(&front)
}

// cache returns the account's front, or nil if there is no account or it has signed out.
func (a *account) cache() auth.Provider {
	if a == nil {
		return nil
	}
	front := a.front.Load()
	if front == nil {
		return nil
	}
	return *front
}

// held is the account's cache in MSAL's format, as between two calls of MSAL, which are made by a fresh client each: that
// costs microseconds, keeps nothing in memory for accounts that are not in use, and leaves MSAL no state to share. The store
// takes it for a client of MSAL's.
type held struct{ data func() []byte } // a function, so that fmt cannot follow it

func (h *held) bytes() []byte {
	if h.data == nil {
		return nil
	}
	return h.data()
}

func (h *held) set(data []byte) { h.data = func() []byte { return data } }

// Marshal implements cache.Marshaler.
func (h *held) Marshal() ([]byte, error) { return h.bytes(), nil }

// Unmarshal implements cache.Unmarshaler.
func (h *held) Unmarshal(data []byte) error { h.set(data); return nil }

// enter waits for the account's turn.
func (a *account) enter(ctx context.Context) (leave func(), err error) {
	select {
	case a.turn <- struct{}{}: // a free turn is taken even if ctx is over
		return a.leave, nil
	default:
	}
	select {
	case a.turn <- struct{}{}:
		return a.leave, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (a *account) leave() {
	reports := a.reports
	a.reports = nil
	<-a.turn
	for _, err := range reports {
		a.client.onError(err)
	}
}

// report has OnStoreError told of err. The turn is held.
func (a *account) report(err error) { a.reports = append(a.reports, err) }

// load returns the account's cache, or nil if there is none.
func (a *account) load(ctx context.Context) ([]byte, error) {
	if a.client.store == nil {
		return a.held.bytes(), nil
	}
	if a.unsaved {
		a.store(ctx)
	}
	if a.unsaved {
		return a.held.bytes(), nil // newer than what is stored
	}
	if a.accessor == nil {
		a.accessor = a.client.store.Account(a.client.cfg.key(a.id))
	}
	if err := a.accessor.Replace(ctx, &a.held, cache.ReplaceHints{}); err != nil {
		a.forget()
		return nil, fmt.Errorf("msalauth: reading the stored account: %w", err)
	}
	return a.held.bytes(), nil
}

// save keeps what has become of the cache.
func (a *account) save(ctx context.Context, data []byte) {
	a.held.set(data)
	if a.client.store != nil {
		a.store(ctx)
	}
	if a.client.store != nil && !a.unsaved && a.known() {
		return // whoever wants to know more reads the store
	}
	if about, err := a.client.cfg.aboutIn(data); err == nil {
		a.note(about)
	}
}

// store stores what is held. If that fails it is tried again at the next load: the refresh token in it may be the only one
// that is good.
func (a *account) store(ctx context.Context) {
	if a.accessor == nil { // what is stored could not be read
		a.accessor = a.client.store.Account(a.client.cfg.key(a.id))
	}
	err := a.accessor.Export(context.WithoutCancel(ctx), &a.held, cache.ExportHints{})
	a.setUnsaved(err != nil)
	if err != nil {
		a.report(fmt.Errorf("msalauth: the tokens of %s could not be stored; they stay in memory, to be stored later: %w", a.name(), err))
	}
}

func (a *account) setUnsaved(unsaved bool) {
	a.unsaved = unsaved
	a.client.mu.Lock()
	defer a.client.mu.Unlock()
	a.pending = unsaved
}

// settle lets go of what need not be in memory: with thousands of accounts it adds up.
func (a *account) settle() {
	if a.client.store != nil && !a.unsaved {
		a.forget()
	}
}

func (a *account) forget() {
	a.held, a.accessor = held{}, nil
	a.setUnsaved(false)
}

// replace puts data, which is about the account, in the place of all that is kept of it, also of its cached tokens. over says
// that it could not, as the account has signed out.
func (a *account) replace(ctx context.Context, data []byte, about Account) (over bool, err error) {
	leave, err := a.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	if a.over {
		return true, nil
	}
	release, err := a.exclusive(ctx)
	if err != nil {
		// Nobody is to be asked to sign in twice because others are slow.
		a.report(err)
		release = func() {}
	}
	defer release()
	// So that what is stored counts as replaced. If it cannot be read, the person has signed in all the same.
	if _, err := a.load(ctx); err != nil {
		a.report(err)
	}
	a.note(about)
	a.save(ctx, data)
	a.settle()
	a.startAfresh()
	a.client.forgetClaims()
	return false, nil
}

// exclusive keeps other processes from renewing the account's tokens meanwhile. Where there can be no locks any more - the
// disk has failed, and is read-only - it goes on without: a program that runs is not to stop for that.
func (a *account) exclusive(ctx context.Context) (release func(), err error) {
	if a.client.store == nil {
		return func() {}, nil
	}
	release, err = a.client.store.Exclusive(ctx, a.client.cfg.key(a.id))
	switch {
	case err == nil:
		return release, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded): // somebody else is at it for long
		return nil, fmt.Errorf("msalauth: renewing the tokens of %s: %w", a.name(), err)
	}
	a.report(fmt.Errorf("msalauth: renewing the tokens of %s without keeping other processes from it: %w", a.name(), err))
	return func() {}, nil
}

// note remembers who the account is, for errors and lists.
func (a *account) note(about Account) {
	a.client.mu.Lock()
	defer a.client.mu.Unlock()
	a.about = about
}

// known says whether it is known who the account is.
func (a *account) known() bool {
	a.client.mu.Lock()
	defer a.client.mu.Unlock()
	return a.about.ID != ""
}

// name is how a person knows the account.
func (a *account) name() string {
	a.client.mu.Lock()
	defer a.client.mu.Unlock()
	if a.about.Username != "" {
		return a.about.Username
	}
	return a.id
}
