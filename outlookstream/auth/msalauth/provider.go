package msalauth

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// Options say who signs in where.
type Options struct {
	// ClientID is the application (client) id of the app registration, which must allow public client flows. Required.
	ClientID string
	// Authority is where to sign in, as https://host/tenant. Default https://login.microsoftonline.com/common.
	Authority string
	// TenantID, a directory's GUID or domain, takes the place of Authority's tenant. Default: Authority's.
	TenantID string
	// HTTPClient is what requests are made with; only its Transport is used. Default http.DefaultTransport.
	HTTPClient *http.Client
}

// Provider is an auth.Provider for one account at a time. It is safe for concurrent use.
type Provider struct {
	cfg config

	mu      sync.Mutex // guards the fields below; never held over a request
	session *session   // nil: nobody is signed in
	claims  string     // what the authority wants to be asked at the next sign-in
}

// Account is who signed in.
type Account struct {
	ID       string // the home account id, the same in every directory
	Username string // usually the address, for showing
	Name     string // display name
	TenantID string // the directory asked, which may be "common"
}

// New returns a Provider into which nobody is signed in yet. It makes no request. The error, if any, is
// auth.ErrMisconfigured.
func New(opts Options) (*Provider, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return &Provider{cfg: cfg}, nil
}

// Token implements auth.Provider. It never prompts. Tokens are cached as by auth.Cached, with one renewal at a time for
// the account.
//
// errors.Is finds auth.ErrInteractionRequired in the error if nobody is signed in or the authority wants the person again,
// and auth.ErrMisconfigured if the authority does not know the application, the tenant or a scope. Others are transient:
// the authority cannot be reached, is overloaded, or answers nonsense.
func (p *Provider) Token(ctx context.Context, r auth.Request) (auth.Token, error) {
	if len(r.Scopes) == 0 {
		return auth.Token{}, fmt.Errorf("%w: no scope is asked for: name at least one, for example "+
			"https://outlook.office.com/Calendars.Read", auth.ErrMisconfigured)
	}
	s := p.current()
	if s == nil {
		return auth.Token{}, fmt.Errorf("msalauth: nobody is signed in: %w", &auth.InteractionError{})
	}
	return s.tokens.Token(ctx, r)
}

// Account returns who is signed in, and whether anybody is.
func (p *Provider) Account() (Account, bool) {
	s := p.current()
	if s == nil {
		return Account{}, false
	}
	return s.account(), true
}

// SignOut forgets the account and its tokens, and waits until no request for it is under way, or until ctx ends, whose
// cause it then returns. The authority is not asked: access tokens stay good until they expire.
func (p *Provider) SignOut(ctx context.Context) error {
	p.mu.Lock()
	s := p.session
	p.session, p.claims = nil, ""
	p.mu.Unlock()
	if s == nil {
		return nil
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.over = true
	s.leave()
	return nil
}

func (p *Provider) current() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.session
}

func (p *Provider) setClaims(claims string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims = claims
}
