package msalauth_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/tokencache"
)

func TestSigningInWhileATokenIsRenewed(t *testing.T) {
	both(t, func(t *testing.T, w *world, client *msalauth.Client, store *tokencache.Store) {
		renewing := map[string]*msalauth.Client{"the same program": client}
		if store != nil {
			renewing["another program"] = w.client(openStore(t, store.Dir()))
		}
		for name, other := range renewing {
			p := other.Provider("")
			old := w.tokenOf(p, auth.Request{})
			letGo := w.hold()
			renewed := started(renewal(t, p, old.Value))
			w.server.Revoke(user) // what the renewal brings is of no use when it arrives
			in := started(func() error {
				_, err := client.SignInDeviceCode(t.Context(), mail, w.approve)
				return err
			})
			time.Sleep(10 * time.Second) // synctest: virtual; polling
			if _, ended := in(); ended {
				t.Errorf("%s: the sign-in did not wait", name)
			}
			letGo()
			if err, ended := renewed(); err != nil || !ended {
				t.Errorf("%s: the renewal: %v, %v", name, w.saw(err), ended)
			}
			time.Sleep(time.Second) // synctest: virtual; a lock of another program is looked at again and again
			if err, ended := in(); err != nil || !ended {
				t.Fatalf("%s: the sign-in: %v, %v", name, w.saw(err), ended)
			}
			w.net.set(nil)
			// Each of these fails if anything is left of the revoked sign-in.
			w.tokenOf(client.Provider(""), auth.Request{})
			if store != nil {
				w.tokenOf(w.client(openStore(t, store.Dir())).Provider(""), auth.Request{})
			}
			for range 2 {
				time.Sleep(2 * time.Hour) // synctest: virtual
				w.tokenOf(client.Provider(""), auth.Request{})
				w.tokenOf(p, auth.Request{})
			}
		}
	})
}

// Until a sign-in is stored, for which it may have to wait for another program, nothing else happens to the account.
func TestSigningOutWhileASignInIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		client := w.client(openStore(t, dir))
		account := w.signInTo(client, "")
		release, err := openStore(t, dir).Exclusive(t.Context(), w.key(account))
		if err != nil {
			t.Fatal(err)
		}
		in := started(func() error {
			_, err := client.SignInDeviceCode(t.Context(), mail, w.approve)
			return err
		})
		time.Sleep(10 * time.Second) // synctest: virtual; polling
		out := started(func() error { return client.SignOut(t.Context(), account.ID) })
		for name, call := range map[string]func() (error, bool){"signing in": in, "signing out": out} {
			if _, ended := call(); ended {
				t.Errorf("%s did not wait", name)
			}
		}
		release()
		time.Sleep(time.Second) // synctest: virtual; a lock of another program is looked at again and again
		for name, call := range map[string]func() (error, bool){"signing in": in, "signing out": out} {
			if err, ended := call(); err != nil || !ended {
				t.Errorf("%s: %v, %v", name, w.saw(err), ended)
			}
		}
		if stored, err := msalauth.Stored(openStore(t, dir)); err != nil || len(stored) != 0 {
			t.Errorf("%d accounts are left, %v", len(stored), err)
		}
	})
}

// A token that is stored is to be had while another program renews another one.
func TestAStoredTokenIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		account := w.signInTo(w.client(openStore(t, dir)), "")
		release, err := openStore(t, dir).Exclusive(t.Context(), w.key(account))
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		start := time.Now()
		w.tokenOf(w.client(openStore(t, dir)).Provider(""), auth.Request{})
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %s", waited)
		}
	})
}

// Somebody signs in while the account signs out: then it has signed in.
func TestSigningInWhileSigningOut(t *testing.T) {
	both(t, func(t *testing.T, w *world, client *msalauth.Client, store *tokencache.Store) {
		p := client.Provider("")
		old := w.tokenOf(p, auth.Request{})
		letGo := w.hold()
		renewed := started(renewal(t, p, old.Value))
		out := started(func() error { return client.SignOut(t.Context(), "") })
		in := started(func() error {
			_, err := client.SignInDeviceCode(t.Context(), mail, w.approve)
			return err
		})
		time.Sleep(10 * time.Second) // synctest: virtual; polling
		letGo()
		for name, call := range map[string]func() (error, bool){"the renewal": renewed, "signing out": out, "signing in": in} {
			if err, ended := call(); err != nil || !ended {
				t.Errorf("%s: %v, %v", name, w.saw(err), ended)
			}
		}
		w.net.set(nil)
		w.tokenOf(p, auth.Request{})
		if accounts, err := client.Accounts(t.Context()); err != nil || len(accounts) != 1 {
			t.Errorf("%v, %v", accounts, w.saw(err))
		}
		if store != nil {
			w.tokenOf(w.client(store).Provider(""), auth.Request{})
		}
	})
}

func TestSignInsOfOneAccountAtOnce(t *testing.T) {
	both(t, func(t *testing.T, w *world, client *msalauth.Client, store *tokencache.Store) {
		herd(8, func(int) {
			if _, err := client.SignInDeviceCode(t.Context(), mail, w.approve); err != nil {
				t.Error(w.saw(err))
			}
		})
		if accounts, err := client.Accounts(t.Context()); err != nil || len(accounts) != 1 {
			t.Errorf("%v, %v", accounts, w.saw(err))
		}
		for range 3 {
			w.tokenOf(client.Provider(""), auth.Request{})
			if store != nil {
				w.tokenOf(w.client(store).Provider(""), auth.Request{})
			}
			time.Sleep(2 * time.Hour) // synctest: virtual
		}
	})
}

// A sign-in forgets what was refused before, as its tokens are others.
func TestASignInReplacesWhatWasKept(t *testing.T) {
	both(t, func(t *testing.T, w *world, client *msalauth.Client, store *tokencache.Store) {
		p := client.Provider("")
		wide := []string{mail[0], "https://outlook.office.com/Tasks.Read"}
		before := map[string]bool{w.tokenOf(p, auth.Request{}).Value: true, w.tokenOf(p, auth.Request{Scopes: wide}).Value: true}
		w.server.Revoke(user)
		w.signInTo(client, "")
		for _, scopes := range [][]string{mail, wide} {
			if token := w.tokenOf(p, auth.Request{Scopes: scopes}); before[token.Value] {
				t.Error("a token of the sign-in before is used")
			}
			if store != nil {
				w.tokenOf(w.client(store).Provider(""), auth.Request{Scopes: scopes})
			}
		}
	})
}
