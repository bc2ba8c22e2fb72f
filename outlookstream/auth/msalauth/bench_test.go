package msalauth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/tokencache"
)

// BenchmarkToken shows what a token costs with 1 to 10,000 accounts, beside MSAL with one file for all of them, which it reads and
// parses at every call:
//
//	go test -run xxx -bench Token ./outlookstream/auth/msalauth
//
// "hit" is a token that is in memory, of all accounts in turn; "same", that of one of them, asked again and again; "cold", an
// account that was not used yet, whose file is read; "renewal", a refresh token redeemed at an authority that takes no time.
func BenchmarkToken(b *testing.B) {
	for _, n := range []int{1, 100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("accounts=%d", n), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "cache")
			seed(b, dir, n)
			providers := inUse(b, dir, n)
			b.Run("hit", func(b *testing.B) { benchmarkHit(b, providers) })
			b.Run("same", func(b *testing.B) { benchmarkHit(b, []auth.Provider{providers[n/2]}) })
			b.Run("cold", func(b *testing.B) { benchmarkCold(b, dir, n) })
			b.Run("renewal", func(b *testing.B) { benchmarkRenewal(b, dir, n) })
			file := filepath.Join(b.TempDir(), "one.json")
			if err := os.WriteFile(file, contentOf(n), 0o600); err != nil {
				b.Fatal(err)
			}
			b.Run("one-file", func(b *testing.B) { benchmarkOneFile(b, file, n) })
			b.Run("one-file-renewal", func(b *testing.B) { benchmarkOneFile(b, file, n, public.WithClaims("{}")) })
		})
	}
}

const (
	benchClient    = signin.DefaultClientID
	benchAuthority = "https://" + host + "/contoso.test"
)

func idOf(i int) string {
	return fmt.Sprintf("%08d-0000-4000-8000-000000000000.%s", i, signin.DefaultTenant)
}

// sectionsOf returns MSAL's cache of one account, with tokens as long as real ones.
func sectionsOf(i int) map[string]map[string]any {
	id, now := idOf(i), time.Now()
	unix := func(t time.Time) string { return fmt.Sprint(t.Unix()) }
	common := func(more map[string]any) map[string]any {
		more["home_account_id"], more["environment"], more["client_id"] = id, host, benchClient
		return more
	}
	key := id + "-" + host
	return map[string]map[string]any{
		"AccessToken": {key + "-accesstoken-" + benchClient + "-contoso.test-" + mail[0]: common(map[string]any{
			"credential_type": "AccessToken", "realm": "contoso.test", "target": strings.ToLower(mail[0]), "secret": long(i, 2000),
			"cached_at": unix(now), "expires_on": unix(now.Add(time.Hour)), "extended_expires_on": unix(now.Add(time.Hour)),
		})},
		"RefreshToken": {key + "-refreshtoken-" + benchClient + "-": common(map[string]any{"credential_type": "RefreshToken", "secret": long(i, 1200)})},
		"IdToken":      {key + "-idtoken-" + benchClient + "-contoso.test-": common(map[string]any{"credential_type": "IdToken", "realm": "contoso.test", "secret": "e30.e30." + long(i, 1100)})},
		"AppMetadata":  {"appmetadata-" + host + "-" + benchClient: map[string]any{"client_id": benchClient, "environment": host, "family_id": ""}},
		"Account": {key + "-contoso.test": map[string]any{
			"home_account_id": id, "environment": host, "realm": "contoso.test", "local_account_id": id[:36], "authority_type": "MSSTS",
			"username": fmt.Sprintf("user%d@contoso.test", i),
		}},
	}
}

// long is a text of a given length that names the account.
func long(i, length int) string { return fmt.Sprintf("%08d", i) + strings.Repeat("x", length-8) }

// contentOf is the cache of n accounts in one.
func contentOf(n int) []byte {
	all := map[string]map[string]any{}
	for i := range n {
		for section, entries := range sectionsOf(i) {
			if all[section] == nil {
				all[section] = map[string]any{}
			}
			maps.Copy(all[section], entries)
		}
	}
	content, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return content
}

func seed(b *testing.B, dir string, n int) {
	store := benchStore(b, dir)
	for i := range n {
		content, err := json.Marshal(sectionsOf(i))
		if err != nil {
			b.Fatal(err)
		}
		accessor := store.Account(benchClient + " " + benchAuthority + " " + idOf(i))
		if err := accessor.Export(b.Context(), &plainCache{content}, cache.ExportHints{}); err != nil {
			b.Fatal(err)
		}
	}
}

func benchStore(b *testing.B, dir string) *tokencache.Store {
	store, err := tokencache.Open(dir, storeKey{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	return store
}

// instant is an authority that takes no time and gives everybody a new token.
type instant struct{ issued atomic.Int64 }

func (a *instant) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		return reply(200, fmt.Sprintf(`{"issuer":"https://%s/x","authorization_endpoint":"https://%[1]s/a","token_endpoint":"https://%[1]s/t"}`, host)), nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	var i int
	if _, err := fmt.Sscanf(form.Get("refresh_token")[:8], "%d", &i); err != nil {
		return nil, err
	}
	uid, utid, _ := strings.Cut(idOf(i), ".")
	claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"oid":%q,"preferred_username":"user%d@contoso.test"}`, uid, i))
	info := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"uid":%q,"utid":%q}`, uid, utid))
	answer := fmt.Sprintf(`{"token_type":"Bearer","expires_in":3600,"scope":%q,"access_token":"%d-%s","refresh_token":%q,"id_token":"e30.%s.%s","client_info":%q}`,
		mail[0], a.issued.Add(1), long(i, 2000), long(i, 1200), claims, long(i, 1000), info)
	return reply(200, answer), nil
}

func benchClientOf(b *testing.B, store *tokencache.Store) *msalauth.Client {
	c, err := msalauth.New(msalauth.Options{ClientID: benchClient, Authority: benchAuthority, HTTPClient: &http.Client{Transport: &instant{}}, Store: store})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// inUse returns the providers of n accounts whose tokens are in memory.
func inUse(b *testing.B, dir string, n int) []auth.Provider {
	client := benchClientOf(b, benchStore(b, dir))
	providers := make([]auth.Provider, n)
	for i := range providers {
		providers[i] = client.Provider(idOf(i))
		mustToken(b, providers[i], auth.Request{Scopes: mail})
	}
	return providers
}

func benchmarkHit(b *testing.B, providers []auth.Provider) {
	r := auth.Request{Scopes: mail}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		mustToken(b, providers[i*7919%len(providers)], r)
		i++
	}
}

func benchmarkCold(b *testing.B, dir string, n int) {
	store := benchStore(b, dir)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		mustToken(b, benchClientOf(b, store).Provider(idOf(i*7919%n)), auth.Request{Scopes: mail})
		i++
	}
}

func benchmarkRenewal(b *testing.B, dir string, n int) {
	client := benchClientOf(b, benchStore(b, dir))
	last := make([]string, n)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		k := i * 7919 % n
		r := auth.Request{Scopes: mail, Rejected: last[k]}
		if last[k] == "" {
			r.Rejected = long(k, 2000) // what it was seeded with
		}
		token := mustToken(b, client.Provider(idOf(k)), r)
		if token.Value == r.Rejected {
			b.Fatal("not renewed")
		}
		last[k] = token.Value
		i++
	}
}

func mustToken(b *testing.B, p auth.Provider, r auth.Request) auth.Token {
	token, err := p.Token(b.Context(), r)
	if err != nil {
		b.Fatal(err)
	}
	return token
}

// oneFile is the usual accessor: all accounts in one file, in plain text.
type oneFile struct{ path string }

func (f oneFile) Replace(_ context.Context, c cache.Unmarshaler, _ cache.ReplaceHints) error {
	content, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	return c.Unmarshal(content)
}

func (f oneFile) Export(_ context.Context, c cache.Marshaler, _ cache.ExportHints) error {
	content, err := c.Marshal()
	if err != nil {
		return err
	}
	return os.WriteFile(f.path, content, 0o600)
}

func benchmarkOneFile(b *testing.B, file string, n int, opts ...public.AcquireSilentOption) {
	client, err := public.New(benchClient, public.WithAuthority(benchAuthority), public.WithInstanceDiscovery(false),
		public.WithHTTPClient(&http.Client{Transport: &instant{}}), public.WithCache(oneFile{file}))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		var who public.Account
		account, err := json.Marshal(sectionsOf(i * 7919 % n)["Account"][idOf(i*7919%n)+"-"+host+"-contoso.test"])
		if err != nil || json.NewDecoder(bytes.NewReader(account)).Decode(&who) != nil {
			b.Fatal("no account")
		}
		if _, err := client.AcquireTokenSilent(b.Context(), mail, append(opts, public.WithSilentAccount(who))...); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
