package ews

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/internal/reconnect"
	"github.com/calwatch/calwatch/internal/service"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// An Authenticator says to the service who asks: see [Bearer], [Basic], [NTLM]
// and [Negotiate]. It may be used by several Clients at a time.
type Authenticator interface {
	// scheme is its name in WWW-Authenticate and Authorization.
	scheme() string
	// grant returns what a request to host is sent with.
	grant(ctx context.Context, host string) (*grant, error)
	// conversation authenticates a connection; nil: it is each request that is
	// authenticated.
	conversation() reconnect.Conversation
}

// A grant is what one request is sent with.
type grant struct {
	authorization string   // the header; "": the Conversation does what is needed
	password      hidden   // for a Conversation
	unused        bool     // by it: the connection was authenticated already
	secrets       []string // not to be shown
	over          func(o outcome, challenge string)
}

// An outcome is what the service made of a grant.
type outcome int

const (
	unanswered outcome = iota // it did not say, or not clearly
	accepted
	refused
)

// outcome takes nothing but an answer for one: errors may come from whatever
// stands before the service.
func (g *grant) outcome(status int) outcome {
	switch {
	case status == http.StatusUnauthorized:
		return refused
	case status == http.StatusOK && !g.unused:
		return accepted
	default:
		return unanswered
	}
}

// hidden keeps a secret where fmt does not reach: see internal/service.
type hidden func() string

// minHidden: who takes all of a shorter text out of an error tells what it is by
// what is missing.
const minHidden = 6

// present makes a text of the service fit to be shown: without what it was sent.
func (g *grant) present(text string, limit int) string {
	for _, secret := range g.secrets {
		if len(secret) >= minHidden {
			text = strings.ReplaceAll(text, secret, "[secret]")
		}
	}
	return service.Presentable(text, "", limit)
}

// nobody is what is sent to whoever has not yet asked for credentials.
func nobody() *grant { return &grant{over: func(outcome, string) {}} }

type grantKey struct{}

// authorize returns r with what g has for it.
func (g *grant) authorize(r *http.Request) *http.Request {
	if g.authorization == "" {
		return r.WithContext(context.WithValue(r.Context(), grantKey{}, g))
	}
	r.Header.Set("Authorization", g.authorization)
	return r
}

// notOffered is the error of an answer that offers other schemes; nil if it
// offers this one, or none: then it is not the service's own.
func notOffered(header http.Header, scheme string, present func(string, int) string) error {
	offered := service.Schemes(header.Values("WWW-Authenticate"))
	if len(offered) == 0 || slices.ContainsFunc(offered, func(name string) bool { return strings.EqualFold(name, scheme) }) {
		return nil
	}
	return fmt.Errorf("%w: the server takes %s here, and not %s", auth.ErrMisconfigured, present(strings.Join(offered, ", "), maxCode), scheme)
}

// OnlineScope is the delegated permission for Exchange Online.
const OnlineScope = "https://outlook.office365.com/EWS.AccessAsUser.All"

// Bearer asks provider for a token for each request. No scopes mean
// [OnlineScope]; app-only tokens need https://outlook.office365.com/.default,
// and Exchange Server what its administrator says. A token that the service has
// refused is not sent again: provider is asked for another, naming that one.
func Bearer(provider auth.Provider, scopes ...string) Authenticator {
	if len(scopes) == 0 {
		scopes = []string{OnlineScope}
	}
	return &bearer{tokens: service.Tokens{Provider: provider}, scopes: scopes}
}

type bearer struct {
	tokens service.Tokens
	scopes []string
}

func (b *bearer) scheme() string { return "Bearer" }

func (b *bearer) conversation() reconnect.Conversation { return nil }

func (b *bearer) grant(ctx context.Context, _ string) (*grant, error) {
	token, err := b.tokens.Get(ctx, b.scopes)
	if err != nil {
		return nil, err
	}
	return &grant{authorization: "Bearer " + token, secrets: []string{token}, over: func(o outcome, challenge string) {
		if o == refused {
			b.tokens.Refuse(token, challenge)
		}
	}}, nil
}
