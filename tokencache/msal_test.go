package tokencache

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

var scopes = []string{"https://outlook.office.com/Mail.Read"}

// authority is an identity provider on loopback, and how MSAL reaches it.
type authority struct {
	*signin.Server
	http *httptest.Server
}

func newAuthority(t *testing.T, opts *signin.Options) *authority {
	opts.AutoApprove, opts.Interval = true, time.Second
	a := &authority{Server: signin.New(opts)}
	a.http = httptest.NewTLSServer(a.Server)
	t.Cleanup(a.http.Close)
	return a
}

// client is a fresh MSAL client, as a new process would have it.
func (a *authority) client(t *testing.T, s *Store) public.Client {
	t.Helper()
	c, err := public.New(a.ClientID(), public.WithAuthority(a.http.URL+"/"+a.Tenant()), public.WithInstanceDiscovery(false),
		public.WithHTTPClient(a.http.Client()), public.WithCache(s.Account("alex")))
	must(t, err)
	return c
}

func signInWithMSAL(t *testing.T, c public.Client) public.AuthResult {
	t.Helper()
	code, err := c.AcquireTokenByDeviceCode(t.Context(), scopes)
	must(t, err)
	result, err := code.AuthenticationResult(t.Context())
	must(t, err)
	return result
}

func silently(t *testing.T, c public.Client) public.AuthResult {
	t.Helper()
	accounts, err := c.Accounts(t.Context())
	must(t, err)
	if len(accounts) != 1 {
		t.Fatalf("%d accounts, want one", len(accounts))
	}
	result, err := c.AcquireTokenSilent(t.Context(), scopes, public.WithSilentAccount(accounts[0]))
	must(t, err)
	return result
}

func TestMSALRoundTrip(t *testing.T) {
	idp := newAuthority(t, &signin.Options{})
	dir := newDir(t)
	first := signInWithMSAL(t, idp.client(t, openTest(t, dir, nil)))

	s := openTest(t, dir, nil)
	second := silently(t, idp.client(t, s))
	if second.AccessToken == "" || second.AccessToken != first.AccessToken || idp.TokenRequests() != 1 {
		t.Errorf("the stored token was not used: %d token requests", idp.TokenRequests())
	}
	for _, name := range files(t, dir, func(string) bool { return true }) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		for _, secret := range idp.Secrets() {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s shows a token", name)
			}
		}
	}
}

// With one-time refresh tokens a client that missed what another one stored would sign the user out.
func TestMSALClientsShareOneTimeRefreshTokens(t *testing.T) {
	idp := newAuthority(t, &signin.Options{TokenLifetime: 200 * time.Second}) // at most 300 s: MSAL does not keep it
	dir := newDir(t)
	a, b := idp.client(t, openTest(t, dir, nil)), idp.client(t, openTest(t, dir, nil))
	signInWithMSAL(t, a)
	for range 3 {
		silently(t, a)
		silently(t, b)
	}
	if n := idp.TokenRequests(); n != 7 {
		t.Errorf("%d token requests, want a sign-in and six refreshes", n)
	}
}

func TestMSALSignOutIsSeenByOthersAndStays(t *testing.T) {
	idp := newAuthority(t, &signin.Options{})
	s := openTest(t, newDir(t), nil)
	a, b := idp.client(t, s), idp.client(t, s)
	signInWithMSAL(t, a)
	result := silently(t, b)
	must(t, a.RemoveAccount(t.Context(), result.Account))
	if accounts, err := b.Accounts(t.Context()); err != nil || len(accounts) != 0 {
		t.Errorf("the other client has %d accounts, %v", len(accounts), err)
	}
	if infos, err := s.Accounts(); err != nil || len(infos) != 0 {
		t.Errorf("stored: %v, %v", infos, err)
	}
}

func TestMSALSignInWorksOverADamagedFile(t *testing.T) {
	idp := newAuthority(t, &signin.Options{})
	reports := 0
	s := openTest(t, newDir(t), func(error) { reports++ })
	c := idp.client(t, s)
	signInWithMSAL(t, c)
	must(t, os.WriteFile(filepath.Join(s.root.Name(), s.sealer.name("alex")), []byte("{"), 0o600))
	if accounts, err := c.Accounts(t.Context()); err != nil || len(accounts) != 0 || reports != 1 {
		t.Errorf("%d accounts, %v, %d reports", len(accounts), err, reports)
	}
	signInWithMSAL(t, c)
	silently(t, idp.client(t, s))
}

// What MSAL reads and writes again without changing it must not count as a change of this client.
func TestMSALPassesOnWhatItDoesNotKnowWithoutChangingIt(t *testing.T) {
	idp := newAuthority(t, &signin.Options{})
	s := openTest(t, newDir(t), nil)
	signInWithMSAL(t, idp.client(t, s))
	name := s.sealer.name("alex")
	r, _, err := s.read(name, nil)
	must(t, err)
	var cache map[string]map[string]map[string]any
	must(t, json.Unmarshal(r.Cache, &cache))
	for _, section := range []string{"AccessToken", "RefreshToken", "IdToken", "Account", "AppMetadata"} {
		for _, entry := range cache[section] {
			entry["new_field"] = []any{1.5, "x", map[string]any{"y": nil}}
		}
		if len(cache[section]) != 1 {
			t.Errorf("section %s has %d entries, want one", section, len(cache[section]))
		}
	}
	cache["NewSection"] = map[string]map[string]any{"a": {"b": 12345678.0}}
	raw, err := json.Marshal(cache)
	must(t, err)
	file := s.sealer.sealRecord(name, record{"alex", raw})
	_, err = writeFile(s.root, name, file)
	must(t, err)

	other := s.Account("alex").(*accessor)
	c, err := public.New(idp.ClientID(), public.WithAuthority(idp.http.URL+"/"+idp.Tenant()), public.WithInstanceDiscovery(false),
		public.WithHTTPClient(idp.http.Client()), public.WithCache(other))
	must(t, err)
	result := silently(t, c)
	must(t, c.RemoveAccount(t.Context(), public.Account{HomeAccountID: "nobody", Environment: result.Account.Environment})) // Export, without a change
	after, _, err := s.read(name, nil)
	must(t, err)
	if !equal(after.Cache, raw) {
		var now map[string]any
		must(t, json.Unmarshal(after.Cache, &now))
		t.Errorf("the cache has changed; its sections are %v", slices.Sorted(maps.Keys(now)))
	}
}
