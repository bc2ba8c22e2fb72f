package msalauth

import (
	"context"
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

// classify makes an error for the caller of what MSAL returned: interaction required, misconfigured, or, unmarked,
// transient. Of err itself nothing gets into it, for MSAL's errors can contain tokens. account is whose token it was to be, or "".
func (c config) classify(ctx context.Context, e *exchange, err error, account string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	requests, a := e.state()
	if a.refused || a.fault == "" && a.Code == "" && !a.Overloaded() {
		c.documents.forget()
	}
	switch {
	case err.Error() == "no token found":
		// MSAL has no type for it: there is no refresh token, because the authority gave none.
		return fmt.Errorf("msalauth: the token has expired and cannot be renewed: %w", &auth.InteractionError{Account: account})
	case requests == 0:
		return bad("MSAL refused the request without sending it: check the tenant, which must not be a general one such as \"organizations\", the scopes and the claims")
	case a.refused:
		return bad(fmt.Sprintf("the authority directs sign-in requests to %s, where they are not sent: check the authority's address", entra.Printable(a.Host)))
	case a.untrusted != nil:
		// No retry changes that, and a program that goes on trying hides it.
		return fmt.Errorf("%w: the sign-in service %s cannot be trusted: %w", auth.ErrMisconfigured, a.Host, a.untrusted)
	case a.fault != "":
		return fmt.Errorf("msalauth: the sign-in service %s cannot be reached: %s", a.Host, a.fault)
	case a.Code != "" || a.Overloaded():
		return c.application(account).Classify(a.Answer)
	case a.Status == 200 && strings.HasPrefix(err.Error(), "token response failed because declined scopes are present"):
		return fmt.Errorf("msalauth: not all permissions asked for were granted: %w", &auth.InteractionError{Account: account, Code: "consent_required"})
	case a.config && a.Object:
		return bad(fmt.Sprintf("%s does not answer as an authority that MSAL trusts (%s): check the authority's address", a.Host, a.Details()))
	case a.config && a.Status == 404:
		return bad(fmt.Sprintf("%s is no authority (%s): check the authority's address", a.Host, a.Details()))
	default:
		return c.application(account).Classify(a.Answer)
	}
}

func (c config) application(account string) entra.Application {
	return entra.Application{
		Adapter: "msalauth", ClientID: c.clientID, Host: c.host, Tenant: c.tenant, Account: account, Confidential: c.confidential,
	}
}
