package oauth2auth

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"github.com/calwatch/calwatch/internal/safeurl"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// Options of FromConfig. Zero fields mean the default.
type Options struct {
	// Save stores a new refresh token in place of the one before, so that the program can start with it the next time. It
	// is called before the new one is used, by one goroutine at a time, with a ctx that ends after 30 s, and must not ask
	// the Provider. If it fails the Provider goes on with the new one in memory, and calls Save again before the next
	// renewal. Default: the new one is kept in memory only.
	Save func(ctx context.Context, refreshToken string) error
	// OnSaveError is told why Save failed. Default: a warning through slog.Default, without the refresh token.
	OnSaveError func(error)
	// HTTPClient is what requests are made with; only its Transport is used. A client in the context, as x/oauth2 has it
	// otherwise, is not: a request is made for whoever waits. Default http.DefaultTransport.
	HTTPClient *http.Client
}

// FromConfig returns a Provider that gets access tokens with a refresh token of cfg's client, which somebody got by signing
// in. cfg is copied; opts may be nil. The Provider is safe for concurrent use, caches as auth.Cached does,
// and makes one request at a time, whoever waits.
//
// The scopes of a request are asked for; without any, the server gives those of the sign-in. If cfg.Scopes has
// "offline_access", so has each request. A claims challenge is passed on as the parameter "claims", as Entra ID has it
// (others ignore it). A request for another tenant is auth.ErrMisconfigured, because the tenant is in cfg's token URL.
//
// errors.Is finds in the Provider's errors auth.ErrInteractionRequired if there is no refresh token, or the server takes it
// no longer (invalid_grant and the like); auth.ErrMisconfigured if the client, its secret, the scopes or the token URL are
// wrong, or tokens are of another type than bearer. Others are transient.
func FromConfig(cfg *oauth2.Config, refreshToken string, opts *Options) auth.Provider {
	r, err := newRefresher(cfg, refreshToken, opts)
	if err != nil {
		return auth.Func(func(context.Context, auth.Request) (auth.Token, error) { return auth.Token{}, err })
	}
	return auth.Cached(auth.Func(r.token))
}

func newRefresher(cfg *oauth2.Config, refreshToken string, opts *Options) (*refresher, error) {
	if cfg == nil {
		return nil, bad("oauth2auth.FromConfig was given no configuration")
	}
	u, err := url.Parse(cfg.Endpoint.TokenURL)
	if err != nil || !safeurl.Is(u) {
		return nil, bad("Endpoint.TokenURL must be an https address (or http on a loopback address): it is sent a refresh token")
	}
	r := &refresher{
		cfg: *cfg, host: u.Host, offline: slices.Contains(cfg.Scopes, "offline_access"), base: http.DefaultTransport,
		save: func(context.Context, string) error { return nil }, report: warn,
		turn: make(chan struct{}, 1), refresh: refreshToken,
	}
	if opts == nil {
		return r, nil
	}
	if opts.HTTPClient != nil && opts.HTTPClient.Transport != nil {
		r.base = opts.HTTPClient.Transport
	}
	if opts.Save != nil {
		r.save = opts.Save
	}
	if opts.OnSaveError != nil {
		r.report = func(err error, _ string) { opts.OnSaveError(err) }
	}
	return r, nil
}

// warn logs why a refresh token could not be saved. The text is made by the program's own Save, which may have put the token
// into it.
func warn(err error, refreshToken string) {
	slog.Default().Warn("the new refresh token could not be saved and is in memory only: after a restart somebody has to sign in again",
		"error", strings.ReplaceAll(err.Error(), refreshToken, "REDACTED"))
}
