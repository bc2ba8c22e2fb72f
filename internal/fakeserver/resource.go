package fakeserver

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// collection is what a subscription watches: a mailbox's events, messages, contacts or tasks, all or those of one folder.
type collection struct {
	owner string // address
	path  string // canonical, for example "mailfolders('inbox')/messages"
}

// target is a parsed Resource.
type target struct {
	collection
	account    signin.Account
	kind       itemKind
	filter     filter
	selected   []string // $select and $expand, in this order
	hasOptions bool
}

// itemKind says what a collection is of.
type itemKind struct {
	entity string // "Event", as in #Microsoft.OutlookServices.Event
	set    string // "Events", as in item URLs
	scope  string // what reading it needs, "calendars", as in calendars.read
}

var itemKinds = map[string]itemKind{
	"events":   {"Event", "Events", "calendars"},
	"messages": {"Message", "Messages", "mail"},
	"contacts": {"Contact", "Contacts", "contacts"},
	"tasks":    {"Task", "Tasks", "tasks"},
}

// folderKinds are the kinds of folder, and what is in them.
var folderKinds = map[string]string{
	"calendars":      "events",
	"mailfolders":    "messages",
	"contactfolders": "contacts",
	"taskfolders":    "tasks",
}

// wellKnownFolders are names, compared without regard to case. All other keys are ids, of which every letter counts.
var wellKnownFolders = []string{"inbox", "drafts", "sentitems", "deleteditems", "junkemail", "archive", "outbox"}

// parseResource reads a Resource: relative to the API's root, or absolute, in which case only the path counts, as the
// service goes by two host names.
func (d *directory) parseResource(raw string, me signin.Account) (target, *apiError) {
	bad := func(why string) (target, *apiError) {
		return target{}, failf(http.StatusBadRequest, codeBadValue, "The value of 'Resource' is not valid: %s.", why)
	}
	path, query, hasQuery := strings.Cut(raw, "?")
	if scheme, rest, ok := strings.Cut(path, "://"); ok {
		if !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
			return bad("the scheme is neither https nor http")
		}
		host, rest, _ := strings.Cut(rest, "/")
		if u, err := url.Parse(scheme + "://" + host); err != nil || u.Hostname() == "" || u.User != nil {
			return bad("the URL names no host")
		}
		if path, ok = cutRoot("/" + rest); !ok {
			return bad("the URL is not one of this API")
		}
	}
	segments, ok := splitPath(path)
	if !ok {
		return bad("the path cannot be parsed")
	}
	account, rest, failure := d.cutMailbox(segments, me)
	if failure != nil {
		return target{}, failure
	}
	t := target{account: account, collection: collection{owner: account.User}, hasOptions: hasQuery}
	if t.path, t.kind, failure = parseCollection(rest); failure != nil {
		return target{}, failure
	}
	if failure := t.parseOptions(query); failure != nil {
		return target{}, failure
	}
	return t, nil
}

func parseCollection(path []segment) (string, itemKind, *apiError) {
	if len(path) == 0 {
		return "", itemKind{}, failf(http.StatusBadRequest, codeParseURI, "A mailbox itself cannot be subscribed to.")
	}
	last := path[0]
	prefix := ""
	if child, ok := folderKinds[path[0].name]; ok {
		key, rest, ok := cutKey(path)
		if !ok || len(rest) == 0 {
			return "", itemKind{}, failf(http.StatusBadRequest, codeParseURI,
				"Folders of '%s' cannot be subscribed to, only their %s.", path[0].text, child)
		}
		if rest[0].name != child {
			return "", itemKind{}, noSegment(http.StatusBadRequest, rest[0])
		}
		for _, name := range wellKnownFolders {
			if strings.EqualFold(name, key) {
				key = name
			}
		}
		prefix = path[0].name + "('" + strings.ReplaceAll(key, "'", "''") + "')/"
		last, path = rest[0], rest
	}
	kind, ok := itemKinds[last.name]
	switch {
	case !ok:
		return "", itemKind{}, noSegment(http.StatusBadRequest, last)
	case last.hasKey:
		return "", itemKind{}, failf(http.StatusBadRequest, codeParseURI, "A single item cannot be subscribed to, only a collection.")
	case len(path) > 1:
		return "", itemKind{}, noSegment(http.StatusBadRequest, path[1])
	}
	return prefix + last.name, kind, nil
}

// parseOptions reads the query of a Resource. Clients are known to leave spaces and line breaks in it unescaped.
func (t *target) parseOptions(query string) *apiError {
	seen := make(map[string]bool)
	for option := range strings.SplitSeq(query, "&") {
		if option == "" {
			continue
		}
		name, raw, _ := strings.Cut(option, "=")
		name = strings.ToLower(strings.TrimSpace(unescape(name)))
		value, err := url.QueryUnescape(raw)
		if err != nil {
			return failf(http.StatusBadRequest, codeBadQuery, "The query option '%s' is not escaped properly.", name)
		}
		if seen[name] {
			return failf(http.StatusBadRequest, codeBadQuery, "The query option '%s' is given more than once.", name)
		}
		seen[name] = true
		switch name {
		case "$filter":
			if t.filter, err = parseFilter(value); err != nil {
				return failf(http.StatusBadRequest, codeBadFilter, "The query filter cannot be understood: %s.", err)
			}
		case "$select", "$expand":
			names, ok := propertyNames(value)
			if !ok {
				return failf(http.StatusBadRequest, codeBadQuery, "The value of '%s' is not a list of properties.", name)
			}
			t.selected = append(t.selected, names...)
		default:
			return failf(http.StatusBadRequest, codeBadQuery, "The query option '%s' cannot be used in a subscription.", name)
		}
	}
	return nil
}

func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// propertyNames splits a list at the commas that are outside of parentheses and quotes, and takes each part's name.
func propertyNames(list string) ([]string, bool) {
	var names []string
	depth, quoted, start := 0, false, 0
	add := func(part string) bool {
		name, _, _ := strings.Cut(part, "(")
		name = strings.TrimSpace(name)
		names = append(names, name)
		return name != "" && !strings.ContainsAny(name, " \t\r\n'")
	}
	for i, r := range list {
		switch {
		case r == '\'':
			quoted = !quoted
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			if !add(list[start:i]) {
				return nil, false
			}
			start = i + 1
		}
	}
	if !add(list[start:]) || depth != 0 || quoted {
		return nil, false
	}
	return names, true
}
