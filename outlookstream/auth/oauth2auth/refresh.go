package oauth2auth

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

const saveTimeout = 30 * time.Second

// refresher gets tokens with a refresh token.
type refresher struct {
	cfg     oauth2.Config
	host    string // of cfg's token URL
	offline bool   // the scopes asked for include offline_access
	base    http.RoundTripper
	save    func(ctx context.Context, refreshToken string) error
	report  func(err error, refreshToken string)

	// turn holds a value while somebody works with the fields below: only one request at a time, or a refresh token that
	// works once would be sent twice. It is no mutex because a caller stops waiting when its ctx ends.
	turn    chan struct{}
	refresh string
	unsaved bool // refresh has not been saved
}

// token makes one request for a token, whatever r.Rejected is: every answer is a new token.
func (r *refresher) token(ctx context.Context, ask auth.Request) (auth.Token, error) {
	if ask.TenantID != "" {
		return auth.Token{}, errTenant()
	}
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return auth.Token{}, context.Cause(ctx)
	}
	defer func() { <-r.turn }()
	if r.refresh == "" {
		return auth.Token{}, &auth.InteractionError{Advice: "sign in, and pass the refresh token to oauth2auth.FromConfig"}
	}
	if r.unsaved {
		r.store(ctx)
	}
	client := &http.Client{
		Transport:     &exchange{base: r.base, add: r.parameters(ask)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	// Without an access token the source has nothing to reuse.
	token, err := r.cfg.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client), &oauth2.Token{RefreshToken: r.refresh}).Token()
	switch {
	case err != nil && ctx.Err() != nil:
		return auth.Token{}, context.Cause(ctx)
	case err != nil:
		return auth.Token{}, classify(err, "the sign-in service "+r.host+" sent an answer without a token that can be used")
	}
	if token.RefreshToken != r.refresh { // x/oauth2 fills the old one in if there is no new one
		r.refresh, r.unsaved = token.RefreshToken, true
		r.store(ctx)
	}
	made, err := bearer(token)
	// Entra's advice for tokens that live long, in seconds; x/oauth2 keeps it among the extras.
	if after, ok := token.Extra("refresh_in").(float64); ok && after > 0 && after < 1e9 {
		made.RefreshOn = time.Now().Add(time.Duration(after) * time.Second)
	}
	return made, err
}

// store saves the refresh token. It has time of its own: what was left of ctx's may have gone into the request, and a refresh
// token that is not saved is lost with the process.
func (r *refresher) store(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	err := r.save(ctx, r.refresh)
	r.unsaved = err != nil
	if err != nil {
		r.report(err, r.refresh)
	}
}

// parameters are what x/oauth2 has no way to send with a refresh token. RFC 6749, section 6, has "scope": without it the
// server chooses, and one that serves several resources may choose another. "claims" is Entra's: a renewal that does not
// repeat the challenge may be answered with a token that the server refuses again.
func (r *refresher) parameters(ask auth.Request) url.Values {
	add := url.Values{}
	if scopes := slices.Clone(ask.Scopes); len(scopes) > 0 {
		if r.offline && !slices.Contains(scopes, "offline_access") {
			scopes = append(scopes, "offline_access") // or Entra sends no new refresh token
		}
		add.Set("scope", strings.Join(scopes, " "))
	}
	if ask.Claims != "" {
		add.Set("claims", ask.Claims)
	}
	return add
}
