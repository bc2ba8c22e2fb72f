package fakeserver

import (
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// directory knows the mailboxes.
type directory struct {
	tenant   string
	accounts []signin.Account
}

// find takes an address, an object id, the service's own "objectid@tenant", or "" and "me" for the first account.
func (d *directory) find(name string) (signin.Account, bool) {
	if name == "" || strings.EqualFold(name, "me") {
		return d.accounts[0], true
	}
	return d.named(name)
}

// named is find for names in URLs and headers, where "" and "me" are nobody.
func (d *directory) named(name string) (signin.Account, bool) {
	for _, a := range d.accounts {
		if strings.EqualFold(name, a.User) || strings.EqualFold(name, a.ObjectID) ||
			strings.EqualFold(name, a.ObjectID+"@"+d.tenant) {
			return a, true
		}
	}
	return signin.Account{}, false
}

// segment is how the service names a mailbox in its own URLs.
func (d *directory) segment(a signin.Account) string {
	return "Users('" + a.ObjectID + "@" + d.tenant + "')"
}
