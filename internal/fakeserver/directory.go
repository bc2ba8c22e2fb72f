package fakeserver

import (
	"strings"
	"unicode"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// directory knows the mailboxes. There may be thousands, and each request names one or two.
type directory struct {
	tenant   string
	accounts []signin.Account
	names    map[string]int // folded name to the first account that has it
}

func newDirectory(tenant string, accounts []signin.Account) *directory {
	d := &directory{tenant: tenant, accounts: accounts, names: make(map[string]int, 3*len(accounts))}
	for i, a := range accounts {
		for _, name := range []string{a.User, a.ObjectID, a.ObjectID + "@" + tenant} {
			if _, taken := d.names[folded(name)]; !taken {
				d.names[folded(name)] = i
			}
		}
	}
	return d
}

// folded is the same for names that strings.EqualFold takes for equal, and for no others.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
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
	i, ok := d.names[folded(name)]
	if !ok {
		return signin.Account{}, false
	}
	return d.accounts[i], true
}

// segment is how the service names a mailbox in its own URLs.
func (d *directory) segment(a signin.Account) string {
	return "Users('" + a.ObjectID + "@" + d.tenant + "')"
}
