package tokencache

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// AccountInfo says who is stored.
type AccountInfo struct {
	ID          string // as given to [Store.Account]
	Username    string // usually an address, as the identity provider said it; "" if it did not
	Name        string // of the person, for showing, from the id token; "" if it is not there
	TenantID    string // "realm" in MSAL's cache
	Environment string // the authority's host

	// Of the access token that expires last. None: no scopes, and the zero time.
	Scopes    []string
	ExpiresOn time.Time // may be over

	Renewable bool // there is a refresh token
}

// Accounts returns who is stored, sorted by ID. Accounts without any token, because they have signed out, are left out. It decrypts every
// file, so its price grows with their number. If some files cannot be read, it returns the others, and an error for those;
// damaged files are set aside and reported, and are no error.
func (s *Store) Accounts() ([]AccountInfo, error) {
	names, err := list(s.root)
	if err != nil {
		return nil, err
	}
	var infos []AccountInfo
	var errs []error
	for _, name := range names {
		if !isAccountFile(name) {
			continue
		}
		r, _, damage, err := s.load(context.Background(), name, nil)
		s.report(damage)
		if errors.Is(err, ErrWrongKey) { // so are all others
			return nil, err
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if r == nil {
			continue // removed, or set aside
		}
		if info, ok := Describe(r.ID, r.Cache); ok {
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(a, b AccountInfo) int { return cmp.Compare(a.ID, b.ID) })
	return infos, join(errs...)
}

// Describe says whom a cache is about, given as MSAL serializes it; id is what its account is called. It reports false if there is nothing to sign
// in with in it. If there are several entries for the account (one for each tenant it is a guest of), it takes the first by name.
func Describe(id string, cache []byte) (AccountInfo, bool) {
	var sections struct{ AccessToken, RefreshToken, IdToken, Account map[string]json.RawMessage }
	if json.Unmarshal(cache, &sections) != nil || len(sections.AccessToken)+len(sections.RefreshToken)+len(sections.Account) == 0 {
		return AccountInfo{}, false
	}
	info := AccountInfo{ID: id, Renewable: len(sections.RefreshToken) > 0}
	for account := range entries[accountEntry](sections.Account) {
		info.Username, info.Name, info.TenantID, info.Environment = account.Username, account.Name, account.Realm, account.Environment
		break
	}
	for token := range entries[idTokenEntry](sections.IdToken) {
		info.Name = cmp.Or(info.Name, token.name(info.TenantID))
	}
	for token := range entries[accessTokenEntry](sections.AccessToken) {
		if end, ok := token.end(); ok && end.After(info.ExpiresOn) {
			info.ExpiresOn, info.Scopes = end, strings.Fields(token.Target)
		}
	}
	return info, true
}

// name is the name of the person in a tenant, which MSAL keeps nowhere else.
func (t idTokenEntry) name(tenant string) string {
	parts := strings.Split(t.Secret, ".")
	if t.Realm != tenant || len(parts) < 2 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Name string `json:"name"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Name
}
