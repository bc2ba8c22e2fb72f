package outlookstream

import (
	"errors"
	"fmt"
	"slices"
)

// Scopes returns the permissions that [Client.Watch] asks the auth.Provider for
// to watch these resources, so that a program can have somebody sign in for them
// beforehand: Options.Scopes, or else the read permission of each resource's
// type. It makes no request. Its errors are what Watch would end with at once:
// a resource that cannot be watched, or [ErrScopesNeeded].
func (c *Client) Scopes(resources ...Resource) ([]string, error) {
	if len(resources) == 0 {
		return nil, errors.New("outlookstream: Watch needs at least one Resource")
	}
	for _, r := range resources {
		if err := r.validate(); err != nil {
			return nil, err
		}
	}
	return c.opts.scopesFor(resources)
}

// scopesFor returns the permissions for watching resources.
func (o *Options) scopesFor(resources []Resource) ([]string, error) {
	if len(o.Scopes) > 0 {
		return slices.Clone(o.Scopes), nil // a provider may sort them in place
	}
	var scopes []string
	for _, r := range resources {
		scope := r.scope()
		if scope == "" {
			return nil, fmt.Errorf("outlookstream: resource %q: %w: set Options.Scopes", r.Path, ErrScopesNeeded)
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	slices.Sort(scopes)
	return scopes, nil
}
