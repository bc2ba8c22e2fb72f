package tokencache

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// The benchmarks compare what a call costs with 1 to 10,000 accounts, of tokens as long as Entra ID's:
//
//	go test -run '^$' -bench . ./tokencache

const (
	benchClient = "0f5d9a3e-8a47-4f0c-9c35-51b6a7d2e8c4"
	benchTenant = "8e3b6d1c-5f0a-4c77-9b9e-2d7c1f4a6e01"
	benchHost   = "login.contoso.test"
	benchScope  = "https://outlook.office.com/Mail.Read"
)

var benchSizes = []int{1, 100, 1000, 10_000}

func homeAccount(i int) string { return fmt.Sprintf("%032x.%s", i, benchTenant) }

// benchAccount is an account as MSAL serializes it.
func benchAccount(i int) map[string]map[string]map[string]string {
	home, now := homeAccount(i), time.Now()
	base := func(kind, secret string) map[string]string {
		return map[string]string{"home_account_id": home, "environment": benchHost, "client_id": benchClient, "credential_type": kind, "secret": secret}
	}
	access, refresh, id := base("AccessToken", token(i, 2000)), base("RefreshToken", token(i, 1200)), base("IdToken", idToken(`{"filler":"`+token(i, 750)+`"}`)+"."+token(i, 64))
	access["realm"], id["realm"] = benchTenant, benchTenant
	access["target"], access["token_type"] = benchScope, "Bearer"
	access["cached_at"] = fmt.Sprint(now.Unix() - 1)
	access["expires_on"] = fmt.Sprint(now.Add(24 * time.Hour).Unix())
	access["extended_expires_on"] = access["expires_on"]
	account := map[string]string{"home_account_id": home, "environment": benchHost, "realm": benchTenant, "local_account_id": home[:32],
		"authority_type": "MSSTS", "username": fmt.Sprintf("user%d@contoso.test", i)}
	key := func(parts ...string) string { return strings.ToLower(strings.Join(parts, "-")) }
	return map[string]map[string]map[string]string{
		"AccessToken":  {key(home, benchHost, "AccessToken", benchClient, benchTenant, benchScope): access},
		"RefreshToken": {key(home, benchHost, "RefreshToken", benchClient, ""): refresh},
		"IdToken":      {key(home, benchHost, "IdToken", benchClient, benchTenant): id},
		"Account":      {key(home, benchHost, benchTenant): account},
		"AppMetadata":  {key("AppMetaData", benchHost, benchClient): {"client_id": benchClient, "environment": benchHost}},
	}
}

// token is size characters that do not repeat.
func token(seed, size int) string {
	random := make([]byte, size)
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(size), byte(size >> 8)})
	_, _ = source.Read(random)
	return base64.RawURLEncoding.EncodeToString(random)[:size]
}

// benchCache is n accounts, from the first, in one cache.
func benchCache(b *testing.B, first, n int) []byte {
	b.Helper()
	all := map[string]map[string]map[string]string{}
	for i := range n {
		for name, section := range benchAccount(first + i) {
			if all[name] == nil {
				all[name] = map[string]map[string]string{}
			}
			maps.Copy(all[name], section)
		}
	}
	raw, err := json.Marshal(all)
	must(b, err)
	return raw
}

// noNetwork is for calls that must do with the cache.
type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the benchmark went to the network")
}

func benchMSAL(b *testing.B, accessor cache.ExportReplace) public.Client {
	b.Helper()
	c, err := public.New(benchClient, public.WithAuthority("https://"+benchHost+"/"+benchTenant), public.WithInstanceDiscovery(false),
		public.WithHTTPClient(&http.Client{Transport: noNetwork{}}), public.WithCache(accessor))
	must(b, err)
	return c
}

// benchSilent gets the token of one account.
func benchSilent(b *testing.B, c public.Client, i int) {
	b.Helper()
	who := public.Account{HomeAccountID: homeAccount(i), Environment: benchHost, Realm: benchTenant}
	result, err := c.AcquireTokenSilent(context.Background(), []string{benchScope}, public.WithSilentAccount(who))
	if err != nil || len(result.AccessToken) != 2000 {
		b.Fatalf("a token of %d bytes: %v", len(result.AccessToken), err)
	}
}

// benchStore is a Store of n accounts. What is measured is not the filling, which therefore waits for no disk.
func benchStore(b *testing.B, n int) *Store {
	b.Helper()
	s, err := Open(newDir(b), fixedKey(theKey))
	must(b, err)
	b.Cleanup(func() { _ = s.Close() })
	for i := range n {
		name := s.sealer.name(homeAccount(i))
		file := s.sealer.sealRecord(name, record{homeAccount(i), benchCache(b, i, 1)})
		writeAll(b, s.path(name), file)
	}
	return s
}

// plainFile is the accessor of MSAL's examples: one file for all.
type plainFile string

func (f plainFile) Replace(_ context.Context, client cache.Unmarshaler, _ cache.ReplaceHints) error {
	content, err := os.ReadFile(string(f))
	return errors.Join(err, client.Unmarshal(content))
}

func (f plainFile) Export(_ context.Context, client cache.Marshaler, _ cache.ExportHints) error {
	content, err := client.Marshal()
	return errors.Join(err, os.WriteFile(string(f), content, 0o600))
}

// loadedOnce is a cache in memory.
type loadedOnce struct{ content []byte }

func (l *loadedOnce) Replace(_ context.Context, client cache.Unmarshaler, _ cache.ReplaceHints) error {
	content := l.content
	if l.content = nil; content == nil {
		return nil
	}
	return client.Unmarshal(content)
}

func (l *loadedOnce) Export(context.Context, cache.Marshaler, cache.ExportHints) error { return nil }

// BenchmarkSilent is a call of MSAL's that finds a token in its cache, for another account each time.
func BenchmarkSilent(b *testing.B) {
	kinds := []struct {
		name    string
		prepare func(b *testing.B, n int) (silent func(i int))
	}{
		{"file each", func(b *testing.B, n int) func(int) {
			s := benchStore(b, n)
			return func(i int) { benchSilent(b, benchMSAL(b, s.Account(homeAccount(i))), i) }
		}},
		{"one plain file", func(b *testing.B, n int) func(int) {
			path := filepath.Join(b.TempDir(), "cache")
			writeAll(b, path, benchCache(b, 0, n))
			c := benchMSAL(b, plainFile(path))
			return func(i int) { benchSilent(b, c, i) }
		}},
		{"memory only", func(b *testing.B, n int) func(int) {
			c := benchMSAL(b, &loadedOnce{benchCache(b, 0, n)})
			benchSilent(b, c, 0)
			return func(i int) { benchSilent(b, c, i) }
		}},
	}
	for _, kind := range kinds {
		for _, n := range benchSizes {
			b.Run(fmt.Sprintf("%s/accounts=%d", kind.name, n), func(b *testing.B) {
				silent := kind.prepare(b, n)
				random := rand.New(rand.NewPCG(1, 2))
				b.ReportAllocs()
				for b.Loop() {
					silent(random.IntN(n))
				}
			})
		}
	}
}

// BenchmarkRenewal is what the store adds to a renewal: waiting for nobody, loading, and storing another access token safely.
func BenchmarkRenewal(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("accounts=%d", n), func(b *testing.B) {
			s := benchStore(b, n)
			random := rand.New(rand.NewPCG(1, 2))
			b.ReportAllocs()
			for round := 0; b.Loop(); round++ {
				i := random.IntN(n)
				release, err := s.Exclusive(context.Background(), homeAccount(i))
				must(b, err)
				accessor, p := s.Account(homeAccount(i)), new(plain)
				err = accessor.Replace(context.Background(), p, cache.ReplaceHints{})
				p.content = benchRenewed(b, p.content, round)
				must(b, errors.Join(err, accessor.Export(context.Background(), p, exportHints)))
				release()
			}
		})
	}
}

// benchRenewed is a cache with another access token. To make one out of JSON would cost as much as to store it.
func benchRenewed(b *testing.B, content []byte, round int) []byte {
	b.Helper()
	const field = `"cached_at":"`
	renewed := bytes.Clone(content)
	_, after, ok := bytes.Cut(renewed, []byte(field))
	if !ok {
		b.Fatal("there is no access token")
	}
	copy(after, fmt.Sprintf("%010d", round))
	return renewed
}

// BenchmarkUnchanged is the look at a file that has not changed: a client that stays needs no more of it.
func BenchmarkUnchanged(b *testing.B) {
	accessor, p := benchStore(b, 1).Account(homeAccount(0)), new(plain)
	b.ReportAllocs()
	for b.Loop() {
		must(b, accessor.Replace(context.Background(), p, cache.ReplaceHints{}))
	}
	if p.loads != 1 {
		b.Errorf("loaded %d times", p.loads)
	}
}
