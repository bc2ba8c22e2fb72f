package outlookstream

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// A Resource is a collection of items to watch: a folder, a calendar, or all
// of a mailbox's messages, events, contacts or tasks.
type Resource struct {
	// Path names the collection below the endpoint: "me/events",
	// "me/mailfolders('inbox')/messages", "users/room1@contoso.com/events".
	// A leading "me" stands for Options.User. It may also be an absolute URL;
	// no request is made to it. Spaces are escaped, everything else is sent to
	// the service as it stands, followed by what Filter, Select and Expand say.
	Path string

	// Changes are the kinds of change to be told of; zero means all.
	Changes Changes

	// Filter is an OData $filter, such as "IsRead eq false". It changes what
	// the kinds mean: an item that begins to match is Created, one that no
	// longer matches is Deleted.
	Filter string

	// Select names properties that each notification brings along, in its
	// ResourceData: "Subject", "Start". Without it there is only the id.
	Select []string

	// Expand is an OData $expand.
	Expand string
}

// Changes is a set of kinds of change.
type Changes uint8

// The kinds of change that can be asked for. What the service has to say for
// itself (that it missed something, that it removed the subscription) is
// always told.
const (
	ChangeCreated Changes = 1 << iota
	ChangeUpdated
	ChangeDeleted

	allChanges = ChangeCreated | ChangeUpdated | ChangeDeleted
)

// String returns the set as the service writes it: "Created,Updated".
func (c Changes) String() string {
	if c == 0 {
		c = allChanges
	}
	var names []string
	for _, change := range []struct {
		bit  Changes
		name string
	}{{ChangeCreated, "Created"}, {ChangeUpdated, "Updated"}, {ChangeDeleted, "Deleted"}} {
		if c&change.bit != 0 {
			names = append(names, change.name)
		}
	}
	return strings.Join(names, ",")
}

func (r Resource) validate() error {
	switch {
	case strings.Trim(r.Path, "/") == "":
		return errors.New(`outlookstream: a Resource needs a Path, such as "me/events"`)
	case strings.ContainsFunc(r.Path, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return fmt.Errorf("outlookstream: resource %q: control characters in the Path", r.Path)
	case r.Changes&^allChanges != 0:
		return fmt.Errorf("outlookstream: resource %q: Changes has unknown bits: %#x", r.Path, uint8(r.Changes))
	}
	return nil
}

// url is the Resource member of a subscription: an absolute URL, as in the
// service's own documentation. user replaces a leading "me".
func (r Resource) url(endpoint *url.URL, user string) string {
	path := r.Path
	if !isAbsolute(path) {
		path = strings.Trim(path, "/")
		if first, rest, more := strings.Cut(path, "/"); more && strings.EqualFold(first, "me") {
			path = user + "/" + rest
		}
		path = endpoint.String() + "/" + path
	}
	path = strings.ReplaceAll(path, " ", "%20")

	var query []string
	add := func(name, value string) {
		if value != "" {
			// %20 and not "+": OData reads a plus sign as it stands.
			query = append(query, name+"="+strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
		}
	}
	add("$filter", r.Filter)
	add("$select", strings.Join(r.Select, ","))
	add("$expand", r.Expand)
	if len(query) == 0 {
		return path
	}
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return path + separator + strings.Join(query, "&")
}

func isAbsolute(path string) bool {
	scheme, _, found := strings.Cut(path, "://")
	return found && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// scopePrefix is the audience of tokens for this service; the service asks for
// the read permission of each type of item that is watched.
const scopePrefix = "https://outlook.office.com/"

// scope returns the permission that watching r needs, or "" if the Path does
// not show what kind of items it holds.
func (r Resource) scope() string {
	path, _, _ := strings.Cut(r.Path, "?")
	segments := strings.Split(strings.ToLower(strings.Trim(path, "/")), "/")
	switch segments[len(segments)-1] {
	case "messages":
		return scopePrefix + "mail.read"
	case "events", "calendarview":
		return scopePrefix + "calendars.read"
	case "contacts":
		return scopePrefix + "contacts.read"
	case "tasks":
		return scopePrefix + "tasks.read"
	default:
		return ""
	}
}
