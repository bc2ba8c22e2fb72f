package msalauth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/tokencache"
)

// storeKey is a KeySource.
type storeKey struct{}

func (storeKey) Key() (tokencache.Key, error) {
	return tokencache.NewKey(bytes.Repeat([]byte{7}, 32), "the test's key")
}

// openStore opens a Store as another process would.
func openStore(t *testing.T, dir string) *tokencache.Store {
	t.Helper()
	store, err := tokencache.Open(dir, storeKey{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func storeDir(t *testing.T) string { return filepath.Join(t.TempDir(), "cache") }

// tokenOf asks p for a token that must come, and be a good one.
func (w *world) tokenOf(p auth.Provider, r auth.Request) auth.Token {
	w.t.Helper()
	if len(r.Scopes) == 0 {
		r.Scopes = mail
	}
	token, err := p.Token(w.t.Context(), r)
	if err != nil || !w.accepted(token) {
		w.t.Errorf("no good token: %v", w.saw(err))
	}
	return token
}

// signInTo signs the first account in to a Client.
func (w *world) signInTo(c *msalauth.Client, user string) msalauth.Account {
	w.t.Helper()
	account, err := c.SignInDeviceCode(w.t.Context(), mail, func(_ context.Context, code msalauth.DeviceCode) error {
		return w.server.Approve(code.UserCode, user)
	})
	if err != nil {
		w.t.Fatal(w.saw(err))
	}
	return account
}

func TestASignInOutlivesTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		account := w.signInTo(w.client(openStore(t, dir)), "")
		w.net.posts()
		for _, who := range []string{"", account.ID, "alex@contoso.test", "ALEX@contoso.test"} {
			later := w.client(openStore(t, dir)).Provider(who)
			w.tokenOf(later, auth.Request{})
		}
		if n := w.net.posts(); n != 0 {
			t.Errorf("%d requests for a token that is stored", n)
		}
		time.Sleep(2 * time.Hour) // synctest: virtual
		later := w.client(openStore(t, dir)).Provider("")
		w.tokenOf(later, auth.Request{})
		if n := w.net.posts(); n != 1 {
			t.Errorf("%d requests for a token that has expired, want 1", n)
		}
		var none auth.Provider = w.client(openStore(t, dir)).Provider("kim@contoso.test")
		_, err := none.Token(t.Context(), auth.Request{Scopes: mail})
		if ie, ok := errors.AsType[*auth.InteractionError](err); !ok || ie.Account != "kim@contoso.test" {
			t.Errorf("somebody else: %v", w.saw(err))
		}
		none = w.client(openStore(t, dir)).Provider("no-such.id")
		_, err = none.Token(t.Context(), auth.Request{Scopes: mail})
		if ie, ok := errors.AsType[*auth.InteractionError](err); !ok || ie.Account != "no-such.id" {
			t.Errorf("an id that is not there: %v", w.saw(err))
		}
	})
}

func TestProcessesShareOneRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The fake authority ends a sign-in whose refresh token is redeemed twice.
		w, dir := newWorld(t, &signin.Options{Fault: func(on, _ string) (*signin.Response, bool) {
			return &signin.Response{Delay: 200 * time.Millisecond}, on == "token"
		}}), storeDir(t)
		w.signInTo(w.client(openStore(t, dir)), "")
		var processes []auth.Provider
		for range 8 {
			processes = append(processes, w.client(openStore(t, dir)).Provider(""))
		}
		for round := range 10 {
			time.Sleep(2 * time.Hour) // synctest: virtual
			w.net.posts()
			var refused auth.Token
			for _, reject := range []bool{false, true} {
				var wg sync.WaitGroup
				for _, p := range processes {
					for range 5 {
						wg.Go(func() {
							r := auth.Request{}
							if reject {
								r.Rejected = refused.Value
							}
							if token := w.tokenOf(p, r); reject && token.Value == refused.Value {
								t.Error("the refused token came again")
							}
						})
					}
				}
				wg.Wait()
				if n := w.net.posts(); n != 1 {
					t.Fatalf("round %d: %d requests of 8 processes for one token", round, n)
				}
				refused = w.tokenOf(processes[0], auth.Request{})
				w.server.ExpireToken(refused.Value)
				if reject {
					break
				}
			}
		}
	})
}

func TestARefusedTokenDoesNotComeBackAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		client := w.client(openStore(t, dir))
		w.signInTo(client, "")
		p := client.Provider("")
		old := w.tokenOf(p, auth.Request{})
		w.net.set(down) // so that it is not replaced
		if _, err := p.Token(t.Context(), auth.Request{Scopes: mail, Rejected: old.Value}); !isTransient(err) {
			t.Errorf("got %v", w.saw(err))
		}
		w.net.set(nil)
		if next := w.tokenOf(w.client(openStore(t, dir)).Provider(""), auth.Request{}); next.Value == old.Value {
			t.Error("it came back")
		}
	})
}

func TestSignOutLeavesNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		empty := listing(t, dir)
		client, other := w.client(openStore(t, dir)), w.client(openStore(t, dir))
		account := w.signInTo(client, "")
		running := other.Provider(account.ID)
		w.tokenOf(running, auth.Request{})
		if err := w.client(openStore(t, dir)).SignOut(t.Context(), "alex@contoso.test"); err != nil {
			t.Fatal(err)
		}
		for name := range listing(t, dir) {
			if _, ok := empty[name]; !ok && !strings.HasPrefix(name, "lock-") && !strings.HasPrefix(name, "renew-") && !strings.HasPrefix(name, "lock-renew") && name != "key-check" {
				t.Errorf("%s is left", name)
			}
		}
		if stored, err := msalauth.Stored(openStore(t, dir)); err != nil || len(stored) != 0 {
			t.Errorf("%d accounts are left, %v", len(stored), err)
		}
		time.Sleep(2 * time.Hour) // synctest: virtual; what it has in memory has expired
		if _, err := running.Token(t.Context(), auth.Request{Scopes: mail}); !errors.Is(err, auth.ErrInteractionRequired) {
			t.Errorf("a process that runs goes on: %v", w.saw(err))
		}
		w.signInTo(client, "")
		w.tokenOf(running, auth.Request{})
	})
}

func listing(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		found[e.Name()] = info.Size()
	}
	return found
}

func TestSecretsAreNowhereInTheClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		client := w.client(openStore(t, dir))
		w.signInTo(client, "")
		for range 5 {
			old := w.tokenOf(client.Provider(""), auth.Request{})
			w.tokenOf(client.Provider(""), auth.Request{Rejected: old.Value})
		}
		for name := range listing(t, dir) {
			content, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range w.server.Secrets() {
				if bytes.Contains(content, []byte(secret[:min(len(secret), 30)])) {
					t.Errorf("%s contains a secret in the clear", name)
				}
			}
			if bytes.Contains(content, []byte("contoso")) || strings.Contains(name, "contoso") {
				t.Errorf("%s names the account", name)
			}
		}
	})
}

func TestAccountsOfApplicationsAreKeptApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, &signin.Options{Accounts: []signin.Account{{User: "alex@contoso.test"}, {User: "kim@contoso.test"}}}), storeDir(t)
		client := w.client(openStore(t, dir))
		kim, alex := w.signInTo(client, "kim@contoso.test"), w.signInTo(client, "alex@contoso.test")
		other, err := msalauth.New(msalauth.Options{ClientID: "5e0a6c8e-0000-4000-8000-000000000000", Authority: "https://" + host + "/common", Store: openStore(t, dir)})
		if err != nil {
			t.Fatal(err)
		}
		if accounts, err := other.Accounts(t.Context()); err != nil || len(accounts) != 0 {
			t.Errorf("another application has %v, %v", accounts, err)
		}
		accounts, err := client.Accounts(t.Context())
		if err != nil || len(accounts) != 2 || accounts[0].ID != alex.ID || accounts[1].ID != kim.ID {
			t.Errorf("got %v, %v", accounts, err)
		}
		for name, account := range map[string]msalauth.Account{"alex@contoso.test": alex, "kim@contoso.test": kim} {
			for _, who := range []string{name, account.ID} {
				token := w.tokenOf(client.Provider(who), auth.Request{})
				if got, _, _ := w.server.Check(token.Value); got != name {
					t.Errorf("%s: the token is %s's", who, got)
				}
			}
		}
		_, err = client.Provider("").Token(t.Context(), auth.Request{Scopes: mail})
		if !errors.Is(err, auth.ErrMisconfigured) || !strings.Contains(err.Error(), alex.ID) || !strings.Contains(err.Error(), "kim@contoso.test") {
			t.Errorf("two accounts: %v", w.saw(err))
		}
		stored, err := msalauth.Stored(openStore(t, dir))
		if err != nil || len(stored) != 2 || stored[0].ClientID != w.server.ClientID() || stored[0].Authority != "https://"+host+"/common" || stored[0].ID != alex.ID {
			t.Errorf("stored: %+v, %v", stored, err)
		}
	})
}

func TestACacheThatMSALCannotReadNeedsASignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		store := openStore(t, dir)
		client := w.client(store)
		account := w.signInTo(client, "")
		key := fmt.Sprintf("%s https://%s/common %s", w.server.ClientID(), host, account.ID)
		accessor := store.Account(key)
		fake := &plainCache{}
		if err := accessor.Replace(t.Context(), fake, cache.ReplaceHints{}); err != nil {
			t.Fatal(err)
		}
		for _, content := range []string{
			`{"Account":{"a":{"home_account_id":"` + account.ID + `"}},"AccessToken":{"a":3}}`,
			`{"Account":{"a":{"home_account_id":"` + account.ID + `"}},"RefreshToken":{"a":[]}}`,
			`{"Account":[]}`,
		} {
			fake.data = []byte(content)
			if err := accessor.Export(t.Context(), fake, cache.ExportHints{}); err != nil {
				t.Fatal(err)
			}
			_, err := w.client(openStore(t, dir)).Provider(account.ID).Token(t.Context(), auth.Request{Scopes: mail})
			if !errors.Is(err, auth.ErrInteractionRequired) {
				t.Errorf("%s: %v", content, w.saw(err))
			}
		}
		w.signInTo(client, "")
		w.tokenOf(w.client(openStore(t, dir)).Provider(account.ID), auth.Request{})
	})
}

// plainCache is what a MSAL client keeps its cache in, for a Store.
type plainCache struct{ data []byte }

func (p *plainCache) Marshal() ([]byte, error)    { return p.data, nil }
func (p *plainCache) Unmarshal(data []byte) error { p.data = data; return nil }
