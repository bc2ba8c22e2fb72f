package msalauth

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/calwatch/calwatch/tokencache"
)

// msalMargin is how long before its end MSAL takes an access token for expired.
const msalMargin = 5 * time.Minute

var (
	errUnreadable = errors.New("not a cache of MSAL's")
	errNobody     = errors.New("there is no account in the cache")
)

// memory is the cache behind a MSAL client that makes one call.
type memory struct {
	held
	loaded  bool
	changed bool // MSAL has written to it
}

// Replace implements cache.ExportReplace.
func (m *memory) Replace(_ context.Context, client cache.Unmarshaler, _ cache.ReplaceHints) error {
	if m.loaded || m.bytes() == nil {
		return nil // MSAL asks again before it writes; what it has in its own memory is the same
	}
	m.loaded = true
	if client.Unmarshal(m.bytes()) != nil { // its error may quote what it is about
		return errUnreadable
	}
	return nil
}

// Export implements cache.ExportReplace.
func (m *memory) Export(_ context.Context, client cache.Marshaler, _ cache.ExportHints) error {
	data, err := client.Marshal()
	if err != nil {
		return errUnreadable
	}
	m.set(data)
	m.loaded, m.changed = true, true
	return nil
}

// sections are those of MSAL's cache that are looked into.
type sections struct {
	AccessToken map[string]json.RawMessage
	Account     map[string]json.RawMessage
}

// looked is what a call of MSAL needs to know of the cache.
type looked struct {
	who     public.Account // whose it is
	data    []byte         // the cache, less the access tokens that MSAL must not find
	refused bool           // the refused one was among them
	tokens  int            // how many access tokens are left
}

// look looks into a cache. The access tokens that MSAL must not find are the refused one, for which MSAL has no call of its own, and
// those it takes for invalid, because it takes the first that matches, valid or not.
func look(data []byte, rejected string, now time.Time) (found looked, err error) {
	var s sections
	if json.Unmarshal(data, &s) != nil {
		return looked{}, errUnreadable
	}
	if found.who, err = s.who(); err != nil {
		return looked{}, err
	}
	drop := map[string]bool{}
	for key, raw := range s.AccessToken {
		var t struct {
			Secret    string          `json:"secret"`
			CachedAt  json.RawMessage `json:"cached_at"`
			ExpiresOn json.RawMessage `json:"expires_on"`
		}
		if json.Unmarshal(raw, &t) != nil {
			return looked{}, errUnreadable
		}
		isRefused := rejected != "" && t.Secret == rejected
		found.refused = found.refused || isRefused
		if isRefused || !validAt(now, t.CachedAt, t.ExpiresOn) {
			drop[key] = true
		}
	}
	found.data, found.tokens = data, len(s.AccessToken)-len(drop)
	if len(drop) > 0 {
		found.data, err = without(data, drop)
	}
	return found, err
}

// without returns the cache less some access tokens. Everything else is passed on as it is: the format is shared with MSAL in
// other languages and may have more in it than MSAL for Go knows.
func without(data []byte, drop map[string]bool) ([]byte, error) {
	var all, tokens map[string]json.RawMessage
	if json.Unmarshal(data, &all) != nil || json.Unmarshal(all["AccessToken"], &tokens) != nil {
		return nil, errUnreadable
	}
	maps.DeleteFunc(tokens, func(key string, _ json.RawMessage) bool { return drop[key] })
	var err error
	if all["AccessToken"], err = json.Marshal(tokens); err != nil {
		return nil, errUnreadable
	}
	if data, err = json.Marshal(all); err != nil {
		return nil, errUnreadable
	}
	return data, nil
}

// validAt says whether MSAL takes a token for valid: not those that are about to expire, nor those that were cached later than
// now, by a clock that has been put back since. A time that cannot be read is left to MSAL.
func validAt(now time.Time, cachedAt, expiresOn json.RawMessage) bool {
	cached, known := unix(cachedAt)
	if known && cached.After(now) {
		return false
	}
	end, known := unix(expiresOn)
	return !known || now.Add(msalMargin).Before(end)
}

// unix reads seconds since 1970, which are a string in the format, but MSAL takes a number too.
func unix(raw json.RawMessage) (time.Time, bool) {
	seconds, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	return time.Unix(seconds, 0), err == nil
}

// who returns the account that the cache is about, as MSAL wants it to be named. The error is errNobody if there is none.
func (s sections) who() (public.Account, error) {
	for _, key := range slices.Sorted(maps.Keys(s.Account)) {
		var who public.Account
		if json.Unmarshal(s.Account[key], &who) == nil && who.HomeAccountID != "" {
			return who, nil
		}
	}
	return public.Account{}, errNobody
}

// aboutIn says who the cache is about.
func (c config) aboutIn(data []byte) (Account, error) {
	var s sections
	if json.Unmarshal(data, &s) != nil {
		return Account{}, errUnreadable
	}
	who, err := s.who()
	if err != nil {
		return Account{}, err
	}
	info, _ := tokencache.Describe(who.HomeAccountID, data)
	return accountOf(who.HomeAccountID, c.authority, info), nil
}
