package exchange

import "slices"

// impersonate finds the mailbox that the request is about.
func (c *call) impersonate() (*failure, bool) {
	if c.impersonated != "" {
		m, ok := c.server.store.mailbox(c.impersonated)
		if !ok {
			return faulted(codeNonExistentMailbox), false
		}
		if !c.server.mayImpersonate(c.account, m.address) {
			return faulted(codeImpersonateUserDenied), false
		}
		c.mailbox = m
		return c.server.permanent(m.address), false
	}
	if c.account.Address == "" {
		// An application acts for somebody, always.
		return faultf("ErrorImpersonationRequired", "ExchangeImpersonation SOAP header must be present for this type of OAuth token."), false
	}
	m, ok := c.server.store.mailbox(c.account.Address)
	switch {
	case ok:
		c.mailbox = m
		return c.server.permanent(m.address), false
	case slices.Contains(byID, c.operation): // a service account needs no mailbox for what it has made
		return nil, false
	}
	return faulted(codeNonExistentMailbox), false
}
