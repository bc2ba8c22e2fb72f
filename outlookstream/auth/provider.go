package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
)

// Provider gives out tokens.
//
// Token must be safe for concurrent use, must return soon after ctx ends, and must never prompt: when only a person can go
// on it returns an *InteractionError. An error for which errors.Is finds none of ErrInteractionRequired, ErrRejected and
// ErrMisconfigured is taken as transient, and the call is repeated later. No error may contain a token or another secret.
type Provider interface {
	Token(ctx context.Context, r Request) (Token, error)
}

// Request says which token is wanted.
//
// Like Token it never shows its secret, which is Rejected, when it is printed, logged or marshalled.
type Request struct {
	// Scopes are the permissions the token must carry, for example "https://outlook.office.com/Calendars.Read". Their
	// order means nothing.
	Scopes []string
	// TenantID asks for a token of another directory than the provider's own. "" is the provider's own.
	TenantID string
	// Claims is the JSON of a claims challenge, already decoded from the header's base64, or "". A provider must not
	// answer it with a token it had before.
	Claims string
	// Rejected is the value of the token that the server has just refused, or "". A provider must not return that value
	// again; when it holds another one already, that one is the answer. So many callers that are refused with the same
	// token cause one refresh, not many, and nobody can throw away a token that is newer than the one it knows.
	Rejected string
}

// String describes the request without the rejected token.
func (r Request) String() string {
	return fmt.Sprintf("auth.Request{Scopes: [%s], TenantID: %q, Claims: %q, Rejected: %s}",
		strings.Join(r.Scopes, " "), r.TenantID, r.Claims, redact(r.Rejected))
}

// GoString is String: %#v shows no more than %v.
func (r Request) GoString() string { return r.String() }

// Format writes String whatever the verb.
func (r Request) Format(f fmt.State, _ rune) { fmt.Fprint(f, r.String()) }

// LogValue gives log/slog everything but the rejected token.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Any("scopes", r.Scopes),
		slog.String("tenantID", r.TenantID),
		slog.String("claims", r.Claims),
		slog.String("rejected", redact(r.Rejected)),
	)
}

// MarshalJSON writes everything but the rejected token.
func (r Request) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Scopes   []string `json:"scopes"`
		TenantID string   `json:"tenantID,omitempty"`
		Claims   string   `json:"claims,omitempty"`
		Rejected string   `json:"rejected"`
	}{r.Scopes, r.TenantID, r.Claims, redact(r.Rejected)})
}

// Func makes a Provider of a function. A nil Func answers ErrMisconfigured.
type Func func(ctx context.Context, r Request) (Token, error)

// Token calls f.
func (f Func) Token(ctx context.Context, r Request) (Token, error) {
	if f == nil {
		return Token{}, fmt.Errorf("%w: the auth.Func is nil", ErrMisconfigured)
	}
	return f(ctx, r)
}

// Static returns a Provider with one token of unknown life, for scripts and tests: an access token got elsewhere.
//
// It answers ErrMisconfigured when value is empty or cannot stand in a header, and ErrRejected, for it has no other
// answer, when the server has refused value or asks for claims.
func Static(value string) Provider {
	// A closure, not a struct: printing a Provider then shows an address instead of the token.
	return Func(func(ctx context.Context, r Request) (Token, error) {
		switch {
		case ctx.Err() != nil:
			return Token{}, context.Cause(ctx)
		case value == "":
			return Token{}, fmt.Errorf("%w: the static access token is empty: pass the token's value", ErrMisconfigured)
		case strings.ContainsFunc(value, notInHeader):
			return Token{}, fmt.Errorf("%w: the static access token contains white space or characters that no token has: "+
				"pass only what follows \"Bearer \", without a line end", ErrMisconfigured)
		case r.Rejected == value:
			return Token{}, fmt.Errorf("%w: the static access token is expired, revoked or lacks a permission: "+
				"get a new one, or use a provider that can refresh", ErrRejected)
		case r.Claims != "":
			return Token{}, fmt.Errorf("%w: the server asks for a token with more claims, which a static access token "+
				"cannot get: use a provider that can refresh", ErrRejected)
		}
		return Token{Value: value}, nil
	})
}

func notInHeader(r rune) bool { return r <= ' ' || r > '~' }
