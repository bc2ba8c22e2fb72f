package main

import "github.com/calwatch/calwatch/outlookstream/ews"

// authenticator returns the way in which a password is shown to the service.
func (l *login) authenticator() ews.Authenticator {
	if l.method == authBasic {
		return ews.Basic(l.username, l.password)
	}
	return ews.NTLM(l.username, l.password)
}
