package tokencache

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
)

// theKey is the secret of the tests.
var theKey = []byte("0123456789abcdef0123456789ABCDEF")

func fixedKey(secret []byte) KeySource {
	return keySourceFunc(func() (Key, error) { return NewKey(secret, "the test") })
}

// openTest opens a store; a damaged file fails the test unless damaged is given.
func openTest(t testing.TB, dir string, damaged func(error)) *Store {
	t.Helper()
	if damaged == nil {
		damaged = func(err error) { t.Errorf("unexpected report: %v", err) }
	}
	s, err := Open(dir, fixedKey(theKey), OnDamaged(damaged))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// newDir is a directory that does not exist yet, since Open wants to make it.
func newDir(t testing.TB) string { return filepath.Join(t.TempDir(), "tokens") }

// A client plays MSAL: it keeps the contract in memory, and loads and stores it as MSAL does, under a lock of its own.
type client struct {
	accessor cache.ExportReplace
	calls    sync.RWMutex // MSAL's: shared for reading calls, exclusive for writing ones

	mu       sync.Mutex
	sections map[string]map[string]any
	parsed   int
}

func newClient(accessor cache.ExportReplace) *client { return &client{accessor: accessor} }

func (c *client) Marshal() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return json.Marshal(c.sections)
}

func (c *client) Unmarshal(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parsed++
	c.sections = nil
	return json.Unmarshal(b, &c.sections)
}

// load is what a silent call begins with.
func (c *client) load(ctx context.Context) error {
	c.calls.RLock()
	defer c.calls.RUnlock()
	return c.accessor.Replace(ctx, c, cache.ReplaceHints{PartitionKey: "ignored"})
}

// change is what every call that writes does.
func (c *client) change(ctx context.Context, change func(sections map[string]map[string]any)) error {
	c.calls.Lock()
	defer c.calls.Unlock()
	if err := c.accessor.Replace(ctx, c, cache.ReplaceHints{}); err != nil {
		return err
	}
	c.edit(change)
	return c.accessor.Export(ctx, c, cache.ExportHints{PartitionKey: "ignored"})
}

// edit changes the memory only.
func (c *client) edit(change func(sections map[string]map[string]any)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sections == nil {
		c.sections = map[string]map[string]any{}
	}
	change(c.sections)
}

// signIn stores what a sign-in for one more scope brings.
func (c *client) signIn(ctx context.Context, scope string) error {
	return c.change(ctx, func(sections map[string]map[string]any) { addTokens(sections, scope) })
}

func addTokens(sections map[string]map[string]any, scope string) {
	for name, entry := range map[string]map[string]any{
		"AccessToken":  {"secret": "secret-at-" + scope, "target": scope, "expires_on": fmt.Sprint(time.Now().Add(time.Hour).Unix())},
		"RefreshToken": {"secret": "secret-rt-" + scope},
		"Account":      {"username": "alex@contoso.test", "realm": "tenant", "environment": "login.test"},
	} {
		if sections[name] == nil {
			sections[name] = map[string]any{}
		}
		key := "key-" + scope
		if name == "Account" {
			key = "account" // the same one, whatever the scope
		}
		sections[name][key] = entry
	}
}

// has returns the entries of a section of the memory.
func (c *client) has(section string) map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.sections[section])
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// files returns the names in the directory for which keep is true.
func files(t testing.TB, dir string, keep func(string) bool) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, e := range entries {
		if keep(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

// notLock is true for the files that are not locks.
func notLock(name string) bool {
	return !strings.HasPrefix(name, lockPrefix) && !strings.HasPrefix(name, renewPrefix)
}

func readAll(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return content
}

func writeAll(t testing.TB, path string, content []byte) {
	t.Helper()
	must(t, os.WriteFile(path, content, 0o600))
}

func makeDir(t testing.TB, path string) {
	t.Helper()
	must(t, os.MkdirAll(path, 0o700))
}

// hasNoSecret fails if text shows a token or the key.
func hasNoSecret(t testing.TB, what, text string) {
	t.Helper()
	for _, secret := range []string{"secret-", string(theKey), base64.StdEncoding.EncodeToString(theKey), fmt.Sprintf("%x", theKey), strings.Trim(fmt.Sprint(theKey), "[]"), fmt.Sprintf("%x", "secret-"), strings.Trim(fmt.Sprint([]byte("secret-")), "[]")} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
			t.Errorf("%s shows a secret", what)
		}
	}
}

// wantError checks which error it is, that its text says what to do, and that it shows no secret.
func wantError(t testing.TB, err, is error, says ...string) {
	t.Helper()
	if err == nil || is != nil && !errors.Is(err, is) {
		t.Fatalf("got error %v, want one that is %v", err, is)
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	hasNoSecret(t, "the error", err.Error())
}

var exportHints = cache.ExportHints{}
