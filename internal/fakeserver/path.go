package fakeserver

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// apiRoot is in every URL of the API, in any case.
const apiRoot = "/api/beta/"

// cutRoot takes apiRoot off a path.
func cutRoot(path string) (string, bool) {
	if len(path) < len(apiRoot) || !strings.EqualFold(path[:len(apiRoot)], apiRoot) {
		return "", false
	}
	return path[len(apiRoot):], true
}

// segment is one step of a path: name, name('key'), or a bare key that stands on its own.
type segment struct {
	text   string // the whole, unescaped
	name   string // lower case
	key    string
	hasKey bool
}

// splitPath reads an escaped path. Names are compared without regard to case, as the service does.
func splitPath(escaped string) ([]segment, bool) {
	var path []segment
	for part := range strings.SplitSeq(escaped, "/") {
		text, err := url.PathUnescape(part)
		if err != nil || text == "" {
			return nil, false
		}
		s := segment{text: text, name: strings.ToLower(text)}
		if name, rest, ok := strings.Cut(text, "("); ok && name != "" {
			key, closed := strings.CutSuffix(rest, ")")
			if !closed || len(key) < 2 || key[0] != '\'' || key[len(key)-1] != '\'' {
				return nil, false
			}
			key = key[1 : len(key)-1]
			if strings.Contains(strings.ReplaceAll(key, "''", ""), "'") {
				return nil, false
			}
			s.name, s.key, s.hasKey = strings.ToLower(name), strings.ReplaceAll(key, "''", "'"), true
			if s.key == "" {
				return nil, false
			}
		}
		path = append(path, s)
	}
	return path, true
}

// cutKey takes name('key') or name/key off a path.
func cutKey(path []segment) (string, []segment, bool) {
	switch {
	case path[0].hasKey:
		return path[0].key, path[1:], true
	case len(path) > 1:
		return path[1].text, path[2:], true
	}
	return "", nil, false
}

// cutMailbox takes "me", "users/x" or "users('x')" off a path.
func (d *directory) cutMailbox(path []segment, me signin.Account) (signin.Account, []segment, *apiError) {
	switch {
	case len(path) > 0 && path[0].name == "me" && !path[0].hasKey:
		return me, path[1:], nil
	case len(path) > 0 && path[0].name == "users":
		name, rest, ok := cutKey(path)
		if !ok {
			return signin.Account{}, nil, failf(http.StatusBadRequest, codeParseURI, "The segment 'users' needs a user.")
		}
		account, ok := d.named(name)
		if !ok {
			return signin.Account{}, nil, failf(http.StatusNotFound, codeNoUser, "The requested user '%s' is invalid.", name)
		}
		return account, rest, nil
	case len(path) == 0:
		return signin.Account{}, nil, failf(http.StatusBadRequest, codeParseURI, "The path is empty.")
	}
	return signin.Account{}, nil, noSegment(http.StatusBadRequest, path[0])
}

func noSegment(status int, s segment) *apiError {
	return failf(status, codeParseURI, "Resource not found for the segment '%s'.", s.text)
}
