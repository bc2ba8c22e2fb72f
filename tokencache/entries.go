package tokencache

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What this package looks at in the entries of MSAL's cache. The names are the format's.
type (
	accountEntry struct {
		Username    string `json:"username"`
		Name        string `json:"name"`
		Realm       string `json:"realm"` // the tenant
		Environment string `json:"environment"`
	}
	idTokenEntry struct {
		Secret string `json:"secret"`
		Realm  string `json:"realm"`
	}
	accessTokenEntry struct {
		Target    string          `json:"target"`     // scopes, separated by spaces
		ExpiresOn json.RawMessage `json:"expires_on"` // Unix seconds, as a string
	}
)

// end is when the token expires, if it says so.
func (t accessTokenEntry) end() (time.Time, bool) {
	seconds, err := strconv.ParseInt(strings.Trim(string(t.ExpiresOn), `"`), 10, 64)
	return time.Unix(seconds, 0), err == nil
}

// entries parses the entries of a section, in the order of their names, and leaves out those that are something else.
func entries[T any](section object) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, name := range slices.Sorted(maps.Keys(section)) {
			var entry T
			if json.Unmarshal(section[name], &entry) == nil && !yield(entry) {
				return
			}
		}
	}
}
