package msalauth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// classify makes an error for the caller of what MSAL returned: interaction required, misconfigured, or, unmarked,
// transient. Of err itself nothing gets into it, for MSAL's errors can contain tokens.
func (e *exchange) classify(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	requests, a := e.state()
	switch {
	case errors.Is(err, errSealed):
		return errSealed
	case err.Error() == "no token found":
		// MSAL has no type for it: there is no refresh token, because the authority gave none.
		return fmt.Errorf("msalauth: the token has expired and cannot be renewed: %w", &auth.InteractionError{})
	case requests == 0:
		return bad("MSAL refused the request without sending it: check the tenant, which must not be a general one such as \"organizations\", the scopes and the claims")
	case a.refused:
		return bad(fmt.Sprintf("the authority directs sign-in requests to %s, where they are not sent: check the authority's address", clean(a.host)))
	case a.fault != "":
		return fmt.Errorf("msalauth: the sign-in service %s cannot be reached: %s", a.host, a.fault)
	case a.code != "" && !overloaded(a.status):
		return a.refusal()
	case overloaded(a.status):
		return fmt.Errorf("msalauth: the sign-in service %s is overloaded or failing (%s): try again later", a.host, a.details())
	case a.status == 200 && strings.HasPrefix(err.Error(), "token response failed because declined scopes are present"):
		return fmt.Errorf("msalauth: not all permissions asked for were granted: %w", &auth.InteractionError{Code: "consent_required"})
	case a.config && a.object:
		return bad(fmt.Sprintf("%s does not answer as an authority that MSAL trusts (%s): check the authority's address", a.host, a.details()))
	case a.config && a.status == 404:
		return bad(fmt.Sprintf("%s is no authority (%s): check the authority's address", a.host, a.details()))
	default:
		return fmt.Errorf("msalauth: the sign-in service %s sent an answer that cannot be used (%s)", a.host, a.details())
	}
}

// refusal sorts the authority's error codes (RFC 6749, RFC 8628, OpenID Connect, and Entra's own).
func (a answer) refusal() error {
	switch a.code {
	case "invalid_grant", "interaction_required", "login_required", "consent_required", "account_selection_required":
		ie := &auth.InteractionError{Code: a.code, SubCode: a.subcode, Claims: a.claims}
		if a.aadsts != 0 {
			return fmt.Errorf("msalauth: AADSTS%d: %w", a.aadsts, ie)
		}
		return ie
	case "authorization_declined", "access_denied":
		return fmt.Errorf("msalauth: the sign-in was declined: %w", &auth.InteractionError{Code: a.code})
	case "expired_token", "bad_verification_code", "code_expired":
		return fmt.Errorf("msalauth: the device code expired before anybody approved it: %w", &auth.InteractionError{Code: a.code})
	case "temporarily_unavailable", "server_error", "authorization_pending", "slow_down":
		return fmt.Errorf("msalauth: the sign-in service %s is overloaded or failing (%s): try again later", a.host, a.details())
	}
	return bad(fmt.Sprintf("the sign-in service %s refused the request (%s)%s", a.host, a.details(), advice(a.aadsts)))
}

// details lists status and codes.
func (a answer) details() string {
	parts := []string{fmt.Sprintf("status %d", a.status)}
	if a.code != "" {
		parts = append(parts, a.code)
	}
	if a.subcode != "" {
		parts = append(parts, a.subcode)
	}
	if a.aadsts != 0 {
		parts = append(parts, fmt.Sprintf("AADSTS%d", a.aadsts))
	}
	return strings.Join(parts, ", ")
}

// advice says what to do about the commonest mistakes.
func advice(aadsts int) string {
	switch aadsts {
	case 700016:
		return ": the application is not known there: check the client id and the tenant"
	case 90002:
		return ": there is no such tenant: check the tenant's id or domain"
	case 7000218:
		return ": the app registration must allow public client flows"
	case 70011, 28000, 650053, 65005:
		return ": check the scopes"
	}
	return ": check the client id, the tenant and the scopes"
}
