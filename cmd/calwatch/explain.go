package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// explained makes one line of an error that says that somebody has to sign in:
// who, why, and what to run for it. The whole error is for --log-level debug.
func (s *session) explained(err error, who, command string) error {
	ie, ok := errors.AsType[*auth.InteractionError](err)
	if !ok || errors.Is(err, auth.ErrMisconfigured) {
		return err
	}
	s.log.Debug("somebody has to sign in", "err", err)
	switch ie.Code {
	case "authorization_declined", "access_denied":
		if ie.Advice == "" {
			return &signInNeeded{"the sign-in was declined in the browser: run calwatch login again"}
		}
	case "expired_token", "bad_verification_code", "code_expired":
		return &signInNeeded{"the device code expired before anybody approved it: run calwatch login again"}
	}
	return &signInNeeded{fmt.Sprintf("%s has to sign in again%s: run: %s", cmp.Or(who, "somebody"), reason(err, ie), withClaims(command, ie.Claims))}
}

// maxClaimsShown is more than the claims of a policy have.
const maxClaimsShown = 2000

// withClaims has "calwatch login" ask for what the sign-in service wants it to:
// without, a sign-in may be good for nothing.
func withClaims(command, claims string) string {
	if claims == "" || len(claims) > maxClaimsShown {
		return command
	}
	return command + " --claims " + quoted(claims)
}

var aadsts = regexp.MustCompile(`AADSTS[0-9]+`)

// reason says in parentheses why somebody has to sign in, as far as that is
// known. That it helps to sign in again is not repeated.
func reason(err error, ie *auth.InteractionError) string {
	var parts []string
	if code := cmp.Or(aadsts.FindString(err.Error()), ie.SubCode, ie.Code); code != "" {
		parts = append(parts, code)
	}
	const again = "sign in again"
	if advice := strings.TrimPrefix(strings.TrimSuffix(ie.Advice, ": "+again), again+": "); advice != "" && advice != again {
		parts = append(parts, advice)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ": ") + ")"
}
