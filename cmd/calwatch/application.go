package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// applicationFlags say which application signs in where, and whom.
type applicationFlags struct {
	clientID  string
	authority string
	tenant    string
	account   string
}

func (a *applicationFlags) register(f *flags, account string) {
	set := f.cmd.Flags()
	set.StringVar(&a.clientID, "client-id", "", f.doc("client-id", "application (client) id of your app registration", "that of the account that is signed in"))
	set.StringVar(&a.authority, "authority", "", f.doc("authority", "base URL of the sign-in service", "that of the account that is signed in, or https://login.microsoftonline.com/common"))
	set.StringVar(&a.tenant, "tenant", "", f.doc("tenant", "directory to sign in to: its id or domain", "the authority's"))
	set.StringVar(&a.account, "account", "", f.doc("account", account, "the only one"))
}

// matching returns the stored accounts that the flags do not rule out.
func (a *applicationFlags) matching(stored []msalauth.StoredAccount) []msalauth.StoredAccount {
	return slices.DeleteFunc(slices.Clone(stored), func(s msalauth.StoredAccount) bool {
		return a.account != "" && !isCalled(s.Account, a.account) ||
			a.clientID != "" && !strings.EqualFold(s.ClientID, a.clientID) ||
			!a.isAuthority(s)
	})
}

// isCalled says whether who, a username or an id, is the account.
func isCalled(a msalauth.Account, who string) bool {
	return strings.EqualFold(a.Username, who) || a.ID == who
}

// isAuthority says whether an account has signed in where the flags say. It may
// have done so under another name of the same directory.
func (a *applicationFlags) isAuthority(s msalauth.StoredAccount) bool {
	host, tenant := splitAuthority(s.Authority)
	wantHost, wantTenant := splitAuthority(a.authority)
	if a.tenant != "" {
		wantTenant = a.tenant
	}
	return (wantHost == "" || wantHost == host) &&
		(wantTenant == "" || strings.EqualFold(wantTenant, tenant) || strings.EqualFold(wantTenant, s.TenantID))
}

// splitAuthority returns the parts of https://host/tenant.
func splitAuthority(authority string) (host, tenant string) {
	u, err := url.Parse(authority)
	if err != nil {
		return "", ""
	}
	return strings.ToLower(u.Host), strings.Trim(u.Path, "/")
}

// stored returns the one account to use, if there is one. That several could be
// meant is an error.
func (a *applicationFlags) stored(all []msalauth.StoredAccount) (account msalauth.StoredAccount, found bool, err error) {
	matching := a.matching(all)
	switch len(matching) {
	case 0:
		return account, false, nil
	case 1:
		return matching[0], true, nil
	}
	return account, false, usage(fmt.Errorf("several accounts are signed in: say with --account which is meant%s:%s",
		moreFlags(matching), listed(matching, false)))
}

// moreFlags names the flags besides --account that tell accounts apart.
func moreFlags(accounts []msalauth.StoredAccount) string {
	for i, a := range accounts {
		for _, b := range accounts[:i] {
			if strings.EqualFold(a.Username, b.Username) {
				return ", and with --client-id, --authority or --tenant at which application"
			}
		}
	}
	return ""
}

// listed names accounts in the rest of a sentence: by their usernames, and where
// those do not tell them apart, or everywhere, by what else does.
func listed(accounts []msalauth.StoredAccount, everywhere bool) string {
	namesakes := map[string]int{}
	for _, s := range accounts {
		namesakes[strings.ToLower(nameOf(s.Account))]++
	}
	var names []string
	for _, s := range accounts {
		name := nameOf(s.Account)
		if everywhere || namesakes[strings.ToLower(name)] > 1 {
			name += fmt.Sprintf(" (id %s, application %s at %s)", s.ID, s.ClientID, s.Authority)
		}
		names = append(names, name)
	}
	return " " + strings.Join(names, ", ")
}

// nameOf is what to call an account by.
func nameOf(a msalauth.Account) string {
	if a.Username != "" {
		return a.Username
	}
	return a.ID
}

var errNoClientID = errors.New("--client-id is missing: register an application in Microsoft Entra ID that allows " +
	"public client flows, and pass its application (client) id (see 'Set up sign-in' in the README)")

// options return where to sign in: where the account that is named has signed in
// before, or else what the flags say, or else where everybody else has.
func (a *applicationFlags) options(stored []msalauth.StoredAccount) (msalauth.Options, error) {
	known := a.matching(stored)
	switch {
	case a.account != "" && len(known) == 1:
		return applicationOf(known[0]), nil
	case a.clientID != "":
		return msalauth.Options{ClientID: a.clientID, Authority: a.authority, TenantID: a.tenant}, nil
	case len(known) == 0:
		anybody := *a
		anybody.account = ""
		known = anybody.matching(stored)
	}
	if len(known) == 0 {
		return msalauth.Options{}, usage(errNoClientID)
	}
	for _, other := range known[1:] {
		if other.ClientID != known[0].ClientID || other.Authority != known[0].Authority {
			return msalauth.Options{}, usage(fmt.Errorf("--client-id is missing: accounts of several applications are signed in:%s", listed(known, true)))
		}
	}
	return applicationOf(known[0]), nil
}

func applicationOf(s msalauth.StoredAccount) msalauth.Options {
	return msalauth.Options{ClientID: s.ClientID, Authority: s.Authority}
}
