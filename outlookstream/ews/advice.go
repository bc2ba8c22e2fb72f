package ews

import (
	"net/http"
	"slices"
)

// advice is what a person can do about an error whose own words do not say so;
// "" if they do, or nobody can.
func (e *Error) advice() string {
	switch {
	case e.Code == "ErrorImpersonationRequired":
		return "the token is an application's, which has to act as a mailbox: set Options.Impersonate"
	case slices.Contains(impersonationDenials, e.Code):
		return "the account has no right to act as that mailbox (docs/ews.md, Permissions)"
	case e.Code == "ErrorAccessDenied", e.Code == "ErrorSubscriptionDelegateAccessNotSupported":
		return "the account needs Full Access to that mailbox, or the right to act as it with Options.Impersonate (docs/ews.md, Permissions)"
	case e.Code == "" && (e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed) && e.Op != opAutodiscover:
		return "is this the address of Exchange.asmx (Options.URL)?"
	}
	return ""
}

// impersonationDenials are the codes for a mailbox as which the account may not act.
var impersonationDenials = []string{"ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed"}
