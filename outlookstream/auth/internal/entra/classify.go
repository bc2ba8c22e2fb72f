package entra

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// An Application is who asked, as far as that is known.
type Application struct {
	Adapter      string // the package that says so, for example "msalauth"
	ClientID     string
	Host         string // the authority's
	Tenant       string
	Account      string // whose token it was to be, for showing; "" if that is not known
	Confidential bool   // it works for itself: there is no person who could sign in
}

// Classify makes an error of an answer that is no token: interaction required, misconfigured, or, unmarked, transient. The
// codes are those of RFC 6749, RFC 8628, OpenID Connect, and Entra's own.
func (app Application) Classify(a Answer) error {
	service := strings.TrimSpace("the sign-in service " + a.Host)
	switch {
	// 50196 is throttling, by another name: too many equal requests within minutes.
	case a.Overloaded(), a.AADSTS == 50196, a.Code == "temporarily_unavailable", a.Code == "server_error", a.Code == "authorization_pending", a.Code == "slow_down":
		return fmt.Errorf("%s: %s is overloaded or failing (%s): try again later", app.Adapter, service, a.Details())
	case a.Code == "":
		return fmt.Errorf("%s: %s sent an answer that cannot be used (%s)", app.Adapter, service, a.Details())
	}
	advice := app.advice(a.AADSTS, a.SubCode)
	if ie := (&auth.InteractionError{Account: app.Account, Code: a.Code, SubCode: a.SubCode, Claims: a.Claims, Advice: advice}); !app.Confidential {
		what := app.Adapter
		switch a.Code {
		case "invalid_grant", "interaction_required", "login_required", "consent_required", "account_selection_required":
		case "authorization_declined", "access_denied":
			what += ": the sign-in was declined"
			if a.AADSTS == 65004 { // by the person, who knows
				ie.Advice = ""
			}
		case "expired_token", "bad_verification_code", "code_expired":
			what += ": the device code expired before anybody approved it"
		default:
			what = ""
		}
		switch {
		case what != "" && a.AADSTS != 0:
			return fmt.Errorf("%s: AADSTS%d: %w", what, a.AADSTS, ie)
		case what != "":
			return fmt.Errorf("%s: %w", what, ie)
		}
	}
	return fmt.Errorf("%w: %s refused the request (%s): %s", auth.ErrMisconfigured, service, a.Details(),
		cmp.Or(advice, whatToCheck[a.Code], "check the client id, the tenant and the scopes"))
}

// whatToCheck is what the code alone tells.
var whatToCheck = map[string]string{
	"invalid_client":      "check the client id, its secret or certificate, and whether that has expired",
	"unauthorized_client": "check the client id and the tenant",
	"invalid_scope":       "check the scopes",
	"invalid_resource":    "check the scopes: the tenant does not know their resource",
}
