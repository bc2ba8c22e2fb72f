package auth

import (
	"cmp"
	"errors"
	"strings"
)

var (
	// ErrInteractionRequired says that only a person can go on, by signing in. Permanent until they do.
	ErrInteractionRequired = errors.New("auth: sign-in needed")
	// ErrRejected says that the server refused the token and the provider has no other to offer. Permanent.
	ErrRejected = errors.New("auth: the server refused the token and there is no other")
	// ErrMisconfigured says that signing in cannot work as configured: an unknown client id, a wrong tenant, an empty
	// token. Permanent until somebody changes the configuration.
	ErrMisconfigured = errors.New("auth: signing in cannot work as configured")
)

// InteractionError says who has to sign in, why, and what to do. errors.Is finds ErrInteractionRequired in it.
type InteractionError struct {
	// Account is the address, or else the id, of the account that has to sign in, or "" if none is known.
	Account string
	// Code is the authority's error code, for example "invalid_grant", or "" when it was not asked because nobody has
	// signed in yet.
	Code string
	// SubCode is the authority's finer reason, for example "basic_action" or "consent_required", or "".
	SubCode string
	// Claims has to be passed to the interactive sign-in, or is "".
	Claims string
	// Advice is a sentence on what to do, without a full stop, or "": then it is to sign in again.
	Advice string
}

// Error says who, the two codes, and what to do.
func (e *InteractionError) Error() string {
	var b strings.Builder
	b.WriteString(ErrInteractionRequired.Error())
	if e.Account != "" {
		b.WriteString(" for " + e.Account)
	}
	switch {
	case e.Code != "" && e.SubCode != "":
		b.WriteString(" (" + e.Code + ", " + e.SubCode + ")")
	case e.Code != "" || e.SubCode != "":
		b.WriteString(" (" + e.Code + e.SubCode + ")")
	}
	b.WriteString(": ")
	b.WriteString(cmp.Or(e.Advice, "sign in again"))
	return b.String()
}

// Is reports whether target is ErrInteractionRequired.
func (e *InteractionError) Is(target error) bool { return target == ErrInteractionRequired }
