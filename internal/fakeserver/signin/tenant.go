package signin

import (
	"fmt"
	"slices"
	"strings"
)

// authority is the tenant part of a URL.
type authority struct {
	name   string // as in the URL
	tenant string // the tenant's GUID; "" where the account decides: common and organizations
}

// directories returns all tenants: the one of the options first, and the one of personal accounts last.
func directories(o *Options) []Tenant {
	all := []Tenant{{ID: o.Tenant}}
	add := func(t Tenant) {
		t.ID = strings.ToLower(t.ID)
		i := slices.IndexFunc(all, func(have Tenant) bool { return have.ID == t.ID })
		if i < 0 {
			all = append(all, Tenant{ID: t.ID})
			i = len(all) - 1
		}
		if t.Domain != "" {
			all[i].Domain = t.Domain
		}
		all[i].Guests = append(all[i].Guests, t.Guests...)
	}
	for _, t := range o.Tenants {
		add(t)
	}
	for _, a := range o.Accounts {
		add(Tenant{ID: a.TenantID})
	}
	add(Tenant{ID: PersonalTenant})
	return all
}

// authority finds out what the tenant part of a URL stands for.
func (s *Server) authority(name string) (authority, *failure) {
	switch strings.ToLower(name) {
	case "common", "organizations":
		return authority{name: name}, nil
	case "consumers":
		return authority{name, PersonalTenant}, nil
	}
	for _, t := range s.tenants {
		if strings.EqualFold(name, t.ID) || t.Domain != "" && strings.EqualFold(name, t.Domain) || s.domainOf(t.ID, name) {
			return authority{name, t.ID}, nil
		}
	}
	return authority{}, fail(90002, "invalid_request", fmt.Sprintf(
		"Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", name))
}

// domainOf says whether name is the domain of an account at home in a tenant. Those of personal accounts name no tenant.
func (s *Server) domainOf(tenant, name string) bool {
	return tenant != PersonalTenant && slices.ContainsFunc(s.opts.Accounts, func(a Account) bool {
		_, domain, ok := strings.Cut(a.User, "@")
		return ok && a.TenantID == tenant && strings.EqualFold(domain, name)
	})
}

// realm returns the tenant in which an account gets tokens from an authority, or why it gets none.
func (s *Server) realm(at authority, a Account) (string, *failure) {
	personal := a.TenantID == PersonalTenant
	switch {
	case at.tenant == "" && personal && strings.EqualFold(at.name, "organizations"):
		return "", denied(500200, "User account '{EmailHidden}' is a personal Microsoft account. Personal Microsoft accounts are not supported for this application unless explicitly invited to an organization. Try signing out and signing back in with an organizational account.")
	case at.tenant == "" || at.tenant == a.TenantID:
		return a.TenantID, nil
	case s.guest(at.tenant, a.User):
		return at.tenant, nil
	case personal:
		return "", denied(50020, s.stranger("live.com", at.tenant))
	}
	// Also for a work account at "consumers", which the real service does not let type its address there: our choice.
	return "", denied(90072, s.stranger("https://sts.windows.net/"+a.TenantID+"/", at.tenant))
}

// denied is a refusal of an account: invalid_grant at the token endpoint, access_denied at a redirect URI.
func denied(aadsts int, text string) *failure {
	f := fail(aadsts, "invalid_grant", text)
	f.redirect = "access_denied"
	return f
}

func (s *Server) stranger(provider, tenant string) string {
	return fmt.Sprintf("User account '{EmailHidden}' from identity provider '%s' does not exist in tenant '%s' and cannot access the application '%s' in that tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different Azure Active Directory user account.",
		provider, tenant, s.opts.ClientID)
}

func (s *Server) guest(tenant, user string) bool {
	return slices.ContainsFunc(s.tenants, func(t Tenant) bool {
		return t.ID == tenant && slices.ContainsFunc(t.Guests, func(g string) bool { return strings.EqualFold(g, user) })
	})
}

// objectID is the id of an account's object in a tenant. A guest has another one there than at home.
func objectID(a Account, tenant string) string {
	if a.TenantID == tenant {
		return a.ObjectID
	}
	return guidOf(a.User + " in " + tenant)
}
