package msalauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/tokencache"
)

// Options say who signs in where, and where that is kept.
type Options struct {
	// ClientID is the application (client) id of the app registration, which must allow public client flows. Required.
	ClientID string
	// Authority is where to sign in, as https://host/tenant. Default https://login.microsoftonline.com/common.
	Authority string
	// TenantID, a directory's GUID or domain, takes the place of Authority's tenant. Default: Authority's.
	TenantID string
	// Claims is what the next sign-in has to ask for: auth.InteractionError.Claims, of another process's Client. Default: what
	// this Client was told itself.
	Claims string
	// HTTPClient is what requests are made with; only its Transport is used. Default http.DefaultTransport.
	HTTPClient *http.Client
	// Store keeps the accounts. It may be shared by Clients, of other applications too, and by processes. Default: they
	// are kept in memory, and are gone with the Client.
	Store *tokencache.Store
	// OnStoreError is told that tokens could not be stored, and why. They are in use all the same, and are stored as soon
	// as that is possible; if the program ends before, the account may have to sign in again. It may be called from any
	// goroutine, and must not wait for tokens. Default: slog.Default() gets it as a warning.
	OnStoreError func(error)
}

// Client is a public client application: one that runs where people can read its code, and so has no secret. It signs
// people in and keeps their accounts. It is safe for concurrent use.
type Client struct {
	cfg     config
	store   *tokencache.Store // nil: memory only
	onError func(error)

	mu       sync.Mutex          // guards the fields below and those of accounts that say so; never held over a request
	accounts map[string]*account // those in use, by home account id
	claims   string              // what the authority wants to be asked at the next sign-in

	closed atomic.Bool
}

// Account is somebody who has signed in.
type Account struct {
	ID       string // the home account id, the same in every directory
	Username string // usually the address, for showing
	Name     string // display name, or ""
	TenantID string // the directory signed in to

	// Of the access token kept for it that lives longest, if there is one. Providers renew it when they need it.
	Scopes    []string
	ExpiresOn time.Time
}

// New returns a Client. It makes no request. The error, if any, is auth.ErrMisconfigured.
func New(opts Options) (*Client, error) {
	cfg, err := newConfig(opts.ClientID, opts.Authority, opts.TenantID, opts.HTTPClient)
	if err != nil {
		return nil, err
	}
	if err := checkClaims(opts.Claims); err != nil {
		return nil, err
	}
	if _, err := cfg.public(&memory{}); err != nil {
		return nil, err
	}
	onError := opts.OnStoreError
	if onError == nil {
		onError = func(err error) { slog.Default().Warn(err.Error()) }
	}
	return &Client{cfg: cfg, store: opts.Store, onError: onError, accounts: map[string]*account{}, claims: opts.Claims}, nil
}

// Provider returns an auth.Provider for one account. who is its id or its username, which is told by a "@" or a "\"; "" is the
// only account there is, which may sign in later. Once it has been found, the Provider is that account's, whoever signs in or out. An id
// is found at once, while a username may need all accounts to be looked at, once.
//
// Tokens are cached as by auth.Cached, with one renewal at a time for the account, among the processes that share the Store
// too. All Providers of an account share its cache. None ever prompts.
//
// errors.Is finds auth.ErrInteractionRequired in the error of Token if the account has not signed in or the authority wants
// the person again, and auth.ErrMisconfigured if the authority does not know the application, the tenant or a scope, or if
// who is "" and there are several accounts. Others are transient: the authority cannot be reached, is overloaded, or answers
// nonsense.
func (c *Client) Provider(who string) auth.Provider {
	p := &provider{client: c, who: strings.TrimSpace(who), turn: make(chan struct{}, 1)}
	return auth.Func(p.token)
}

// provider finds its account when it is first asked.
type provider struct {
	client *Client
	who    string
	found  atomic.Pointer[account] // nil: not looked for yet
	turn   chan struct{}           // held by the one who looks, as that may mean to read the whole Store
	id     string                  // of the account that was found; guarded by turn
}

func (p *provider) token(ctx context.Context, r auth.Request) (auth.Token, error) {
	if len(r.Scopes) == 0 {
		return auth.Token{}, bad("no scope is asked for: name at least one, for example https://outlook.office.com/Calendars.Read")
	}
	if err := checkClaims(r.Claims); err != nil {
		return auth.Token{}, err
	}
	if p.client.closed.Load() {
		return auth.Token{}, errClosed()
	}
	front := p.found.Load().cache()
	if front == nil {
		var err error
		if front, err = p.find(ctx); err != nil {
			return auth.Token{}, err
		}
	}
	return front.Token(ctx, r)
}

// find looks for the account. Once it was found, it is that one: what was somebody's mailbox must not become another's because
// the one has signed out and the other is the only one now.
func (p *provider) find(ctx context.Context) (auth.Provider, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if front := p.found.Load().cache(); front != nil {
		return front, nil
	}
	var a *account
	if p.id != "" {
		a = p.client.account(p.id)
	} else {
		var err error
		if a, err = p.client.find(ctx, p.who); err != nil {
			return nil, err
		}
	}
	front := a.cache()
	if front == nil {
		return nil, fmt.Errorf("msalauth: the account is signed out: %w", &auth.InteractionError{Account: p.who})
	}
	p.found.Store(a)
	p.id = a.id
	return front, nil
}

// SignOut forgets an account and its tokens, also those in the Store, and waits until no request for it is under way, or
// until ctx ends, whose cause it then returns. who is as for Provider. The authority is not asked: access tokens stay good
// until they expire, and other processes use those they have until then. For the Store's lock it waits 10 s at most, whatever ctx.
// An id that has not signed in is no error.
func (c *Client) SignOut(ctx context.Context, who string) error {
	a, err := c.find(ctx, strings.TrimSpace(who))
	if err != nil {
		return err
	}
	release, err := a.enter(ctx)
	if err != nil {
		return err
	}
	defer release()
	c.drop(a)
	c.forgetClaims()
	a.forget()
	if c.store == nil {
		return nil
	}
	return c.store.Remove(c.cfg.key(a.id))
}

// Close waits until no renewal is under way and what could not be stored has been tried once more, or until ctx ends, whose
// cause is in the error then. An error also says whose tokens could not be stored. The Client and its Providers give no
// tokens any more. It does not close the Store, and is to be called before that: a background renewal that is under way at
// the end of a program has used up the refresh token that is stored.
func (c *Client) Close(ctx context.Context) error {
	c.closed.Store(true)
	c.mu.Lock()
	accounts := slices.Collect(maps.Values(c.accounts))
	c.mu.Unlock()
	var late error
	var lost []error
	for _, a := range accounts {
		leave, err := a.enter(ctx)
		if err != nil {
			late = err // what can be stored without waiting still is
			continue
		}
		if a.unsaved {
			a.store(ctx)
		}
		if a.unsaved {
			lost = append(lost, fmt.Errorf("msalauth: the tokens of %s could not be stored, and are lost with this process", a.name()))
		}
		leave()
	}
	return errors.Join(append(lost, late)...)
}

// drop takes an account that has not signed in, or not any more, out of memory. Its turn is held.
func (c *Client) drop(a *account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a.over, a.about = true, Account{}
	a.front.Store(nil)
	if c.accounts[a.id] == a {
		delete(c.accounts, a.id)
	}
}

func errClosed() error { return bad("the msalauth.Client is closed") }

// account returns the one with that home account id, which need not have signed in.
func (c *Client) account(id string) *account {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.accounts[id]
	if a == nil {
		a = &account{client: c, id: id, turn: make(chan struct{}, 1)}
		a.startAfresh()
		c.accounts[id] = a
	}
	return a
}

// adopt makes an account of what a sign-in has brought, in place of what there was of it.
func (c *Client) adopt(ctx context.Context, signedIn []byte) (Account, error) {
	who, err := c.cfg.aboutIn(signedIn)
	if err != nil {
		return Account{}, errors.New("msalauth: the authority did not say who signed in: is its address right?")
	}
	for {
		over, err := c.account(who.ID).replace(ctx, signedIn, who)
		switch {
		case err != nil:
			return Account{}, err
		case !over:
			return who, nil
		}
		// It was signed out a moment ago: there is a new one by now, or will be.
	}
}

// wanting remembers what an error says that the next sign-in has to ask for.
func (c *Client) wanting(err error) error {
	if ie, ok := errors.AsType[*auth.InteractionError](err); ok && ie.Claims != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.claims = ie.Claims
	}
	return err
}

func (c *Client) forgetClaims() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.claims = ""
}

func (c *Client) wantedClaims() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.claims
}
