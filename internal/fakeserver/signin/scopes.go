package signin

import (
	"fmt"
	"slices"
	"strings"
)

const (
	outlookResource = "https://outlook.office.com"
	graphResource   = "https://graph.microsoft.com" // of scopes written without a resource
)

// request is what a client asked a token for.
type request struct {
	resource string
	scopes   []string // without the resource, sorted
	echo     []string // as the client wrote them, for the answer
	openid   bool
	offline  bool
	dflt     bool // .default alone
}

// allScopes are the permissions of a token that was not asked for particular ones.
func allScopes() []string {
	return []string{"Calendars.ReadWrite", "Contacts.ReadWrite", "EWS.AccessAsUser.All", "Mail.ReadWrite", "Tasks.ReadWrite"}
}

// knownScope says whether the Outlook resource has a permission. Names are compared without regard to case, as the real
// service does.
func knownScope(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "ews.accessasuser.all", "imap.accessasuser.all", "smtp.send", "user.read", "user_impersonation",
		"mailboxsettings.read", "mailboxsettings.readwrite", "mail.send", "mail.send.shared":
		return true
	}
	kind, access, _ := strings.Cut(name, ".")
	return slices.Contains([]string{"calendars", "contacts", "mail", "tasks"}, kind) &&
		slices.Contains([]string{"read", "readwrite", "read.shared", "readwrite.shared"}, access)
}

// parseScopes reads the scope parameter of a request for delegated or, with .default, other permissions.
func parseScopes(scope string) (request, *failure) {
	var r request
	for s := range strings.FieldsSeq(scope) {
		switch strings.ToLower(s) {
		case "openid":
			r.openid = true
			r.echo = append(r.echo, s)
			continue
		case "offline_access":
			r.offline = true
			continue // not echoed: it is no permission of the token
		case "profile", "email":
			r.echo = append(r.echo, s)
			continue
		}
		resource, name := splitScope(s)
		if r.resource != "" && r.resource != resource {
			return r, fail(28000, "invalid_request", fmt.Sprintf(
				"Provided value for the input parameter scope is not valid because it contains more than one resource. Scope %s is not valid.", s))
		}
		r.resource = resource
		switch {
		case name == ".default":
			r.dflt = true
			r.scopes = append(r.scopes, allScopes()...)
		case name == "" || resource == outlookResource && !knownScope(name):
			return r, fail(70011, "invalid_scope", fmt.Sprintf(
				"The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope %s is not valid.", s))
		default:
			r.scopes = append(r.scopes, name)
		}
		r.echo = append(r.echo, s)
	}
	if r.dflt && len(r.scopes) > len(allScopes()) {
		return r, fail(70011, "invalid_scope", ".default scope can't be combined with resource-specific scopes.")
	}
	if r.resource == "" {
		r.resource = graphResource
	}
	slices.Sort(r.scopes)
	r.scopes = slices.Compact(r.scopes)
	return r, nil
}

// splitScope separates the resource from the permission. The two host names of the one resource are the same.
func splitScope(scope string) (resource, name string) {
	for _, r := range []string{outlookResource, "https://outlook.office365.com"} {
		if name, ok := strings.CutPrefix(scope, r+"/"); ok {
			return outlookResource, strings.TrimPrefix(name, "/") // ".../" + "/.default" is how some write it
		}
	}
	if i := strings.LastIndexByte(scope, '/'); i >= 0 {
		return scope[:i], scope[i+1:]
	}
	return graphResource, scope
}

// shortScopes cuts the resource off and sorts.
func shortScopes(scopes []string) []string {
	var short []string
	for _, s := range scopes {
		_, name := splitScope(s)
		short = append(short, name)
	}
	slices.Sort(short)
	return slices.Compact(short)
}
