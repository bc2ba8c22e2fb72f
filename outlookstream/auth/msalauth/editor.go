package msalauth

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
)

// editor takes a refused access token out of MSAL's cache, for which MSAL has no call of its own. It is the cache accessor
// that MSAL calls before it looks for a token, and is used by one call at a time.
type editor struct {
	drop string // the secret of the access token to take out, or ""
}

var errSealed = errors.New("msalauth: MSAL's cache cannot be edited")

// Replace implements cache.ExportReplace. Nothing is stored outside MSAL's memory, so there is nothing to load.
func (e *editor) Replace(_ context.Context, c cache.Unmarshaler, _ cache.ReplaceHints) error {
	if e.drop == "" {
		return nil
	}
	full, ok := c.(cache.Serializer)
	if !ok {
		return errSealed
	}
	before, err := full.Marshal()
	if err != nil {
		return errSealed
	}
	after, err := without(before, e.drop)
	if err != nil {
		return errSealed
	}
	if after != nil {
		if err := full.Unmarshal(after); err != nil {
			return errSealed
		}
	}
	e.drop = ""
	return nil
}

// Export implements cache.ExportReplace.
func (e *editor) Export(context.Context, cache.Marshaler, cache.ExportHints) error { return nil }

// without returns the cache's JSON less the access tokens with that secret, or nil if there are none. Everything else is
// passed on as it is: the format is shared with MSAL in other languages and may have more in it than MSAL for Go knows.
func without(data []byte, secret string) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	var tokens map[string]json.RawMessage
	if raw, ok := all["AccessToken"]; ok {
		if err := json.Unmarshal(raw, &tokens); err != nil {
			return nil, err
		}
	}
	found := false
	for key, raw := range tokens {
		var t struct {
			Secret string `json:"secret"`
		}
		if err := json.Unmarshal(raw, &t); err != nil {
			return nil, err
		}
		if t.Secret == secret {
			delete(tokens, key)
			found = true
		}
	}
	if !found {
		return nil, nil
	}
	raw, err := json.Marshal(tokens)
	if err != nil {
		return nil, err
	}
	all["AccessToken"] = raw
	return json.Marshal(all)
}
