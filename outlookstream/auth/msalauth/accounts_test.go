package msalauth_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/tokencache"
)

// files are those of the accounts in a store.
func files(t *testing.T, dir string) (paths []string) {
	t.Helper()
	for name := range listing(t, dir) {
		if len(name) == 52 {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	slices.Sort(paths)
	return paths
}

func twoAccounts() *signin.Options {
	return &signin.Options{Accounts: []signin.Account{ // the ids in another order than the names
		{User: user, ObjectID: "ffffffff-0000-4000-8000-000000000000"}, {User: "kim@contoso.test", Name: "Kim", ObjectID: "00000000-0000-4000-8000-000000000000"},
	}}
}

func TestAccountsOfOtherProgramsAreNotTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		store := openStore(t, dir)
		account := w.signInTo(w.client(store), "")
		content := &plainCache{}
		if err := store.Account(w.key(account)).Replace(t.Context(), content, cache.ReplaceHints{}); err != nil {
			t.Fatal(err)
		}
		keys := []string{"kim@contoso.test", account.ID, "client " + account.ID, "three words here", "a b c d", w.server.ClientID() + " http://" + host + "/common x", " "}
		for _, key := range keys {
			if err := store.Account(key).Export(t.Context(), content, cache.ExportHints{}); err != nil {
				t.Fatal(err)
			}
		}
		stored, err := msalauth.Stored(store)
		if err != nil || len(stored) != 1 || stored[0].ID != account.ID || stored[0].ClientID != w.server.ClientID() || stored[0].Authority != "https://"+host+"/common" {
			t.Errorf("stored: %+v, %v", stored, err)
		}
		client := w.client(store)
		if accounts, err := client.Accounts(t.Context()); err != nil || len(accounts) != 1 {
			t.Errorf("accounts: %+v, %v", accounts, err)
		}
		w.tokenOf(client.Provider(""), auth.Request{})
		if err := client.SignOut(t.Context(), ""); err != nil {
			t.Error(w.saw(err))
		}
		if left, err := store.Accounts(); err != nil || len(left) != len(keys) {
			t.Errorf("%d accounts of other programs are left, %v", len(left), err)
		}
	})
}

func TestStoredAccountsAreSorted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, store := newWorld(t, twoAccounts()), openStore(t, storeDir(t))
		for _, name := range []string{"kim@contoso.test", user} {
			for _, tenant := range []string{"organizations", "common", w.server.Tenant()} {
				w.signInTo(w.clientAt(tenant, store), name)
			}
		}
		stored, err := msalauth.Stored(store)
		if err != nil || len(stored) != 6 {
			t.Fatalf("%+v, %v", stored, err)
		}
		for i, s := range stored {
			if want := []string{user, "kim@contoso.test"}[i/3]; s.Username != want || s.TenantID != w.server.Tenant() || !slices.Contains(s.Scopes, mail[0]) || !s.ExpiresOn.After(time.Now()) {
				t.Errorf("%d: %+v", i, s)
			}
		}
	})
}

func TestADamagedFileCostsOneSignInAndIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, twoAccounts()), storeDir(t)
		client := w.client(openStore(t, dir))
		accounts := map[string]msalauth.Account{user: w.signInTo(client, user)}
		hurt := files(t, dir)[0]
		accounts["kim@contoso.test"] = w.signInTo(client, "kim@contoso.test")
		if err := os.WriteFile(hurt, []byte("not what was written"), 0o600); err != nil {
			t.Fatal(err)
		}
		var reports []error
		store, err := tokencache.Open(dir, storeKey{}, tokencache.OnDamaged(func(err error) { reports = append(reports, w.saw(err)) }))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		later := w.client(store)
		for range 2 {
			left, err := later.Accounts(t.Context())
			if err != nil || len(left) != 1 || left[0].ID != accounts["kim@contoso.test"].ID {
				t.Errorf("%+v, %v", left, err)
			}
		}
		if len(reports) != 1 || !errors.Is(reports[0], tokencache.ErrDamaged) {
			t.Errorf("reported: %v", reports)
		}
		w.tokenOf(later.Provider("kim@contoso.test"), auth.Request{})
		for _, who := range []string{user, accounts[user].ID} {
			if _, err := later.Provider(who).Token(t.Context(), auth.Request{Scopes: mail}); kindOf(w.saw(err)) != interaction || !strings.Contains(err.Error(), who) {
				t.Errorf("the damaged one: %v", err)
			}
		}
		w.signInTo(later, user)
		w.tokenOf(later.Provider(user), auth.Request{})
	})
}

func TestAFileThatOthersCouldReadIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, twoAccounts()), storeDir(t)
		client := w.client(openStore(t, dir))
		alex := w.signInTo(client, user)
		open := files(t, dir)[0]
		kim := w.signInTo(client, "kim@contoso.test")
		if err := os.Chmod(open, 0o644); err != nil {
			t.Fatal(err)
		}
		later := w.client(openStore(t, dir))
		unsafe := func(what string, err error) {
			t.Helper()
			if !errors.Is(w.saw(err), tokencache.ErrUnsafe) || !isTransient(err) || !strings.Contains(err.Error(), "chmod") {
				t.Errorf("%s: %v", what, err)
			}
		}
		left, err := later.Accounts(t.Context())
		unsafe("the list", err)
		if len(left) != 1 || left[0].ID != kim.ID {
			t.Errorf("the others: %+v", left)
		}
		stored, err := msalauth.Stored(openStore(t, dir))
		unsafe("the stored ones", err)
		if len(stored) != 1 || stored[0].ID != kim.ID {
			t.Errorf("the others: %+v", stored)
		}
		_, err = later.Provider(alex.ID).Token(t.Context(), auth.Request{Scopes: mail})
		unsafe("a token", err)
		_, err = later.Provider(user).Token(t.Context(), auth.Request{Scopes: mail})
		unsafe("a token by name", err)
		// The one that can be read is not the only one there is.
		_, err = later.Provider("").Token(t.Context(), auth.Request{Scopes: mail})
		unsafe("a token of the only account", err)
		unsafe("signing out the only account", later.SignOut(t.Context(), ""))
		w.tokenOf(later.Provider("kim@contoso.test"), auth.Request{})
		// Nor is it written to. Who signs in has signed in, and it is said what was not stored.
		w.texts = nil
		if _, err = later.SignInDeviceCode(t.Context(), mail, w.approve); err != nil {
			t.Fatal(w.saw(err))
		}
		if len(w.texts) != 2 || !strings.Contains(w.texts[0], "chmod") || !strings.Contains(w.texts[1], "could not be stored") {
			t.Errorf("reported: %q", w.texts)
		}
		w.tokenOf(later.Provider(alex.ID), auth.Request{})
		if err := os.Chmod(open, 0o600); err != nil {
			t.Fatal(err)
		}
		w.tokenOf(later.Provider(alex.ID), auth.Request{})
	})
}

func TestAnAccountInMemoryIsListedUntilItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		var reports []error
		client, err := msalauth.New(msalauth.Options{
			ClientID: w.server.ClientID(), Authority: "https://" + host + "/common", HTTPClient: &http.Client{Transport: w.net}, Store: openStore(t, dir),
			OnStoreError: func(err error) { reports = append(reports, w.saw(err)) },
		})
		if err != nil {
			t.Fatal(err)
		}
		account := w.signInTo(client, "")
		path := files(t, dir)[0]
		// Between reading and storing the place of its file is taken.
		w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp != nil && r.Method == http.MethodPost && len(reports) == 0 {
				return resp, errors.Join(os.Rename(path, path+"-away"), os.MkdirAll(filepath.Join(path, "x"), 0o700))
			}
			return resp, nil
		})
		p := client.Provider(account.ID)
		old := w.tokenOf(p, auth.Request{})
		next := w.tokenOf(p, auth.Request{Rejected: old.Value})
		if len(reports) != 1 || !strings.Contains(reports[0].Error(), user) || !strings.Contains(reports[0].Error(), "in memory") {
			t.Fatalf("reported: %v", reports)
		}
		if accounts, _ := client.Accounts(t.Context()); len(accounts) != 1 || accounts[0].ID != account.ID {
			t.Errorf("listed: %+v", accounts)
		}
		// What is in memory is newer than what is stored, and is used.
		same := auth.Request{Scopes: []string{strings.ToUpper(mail[0])}} // for MSAL
		if token := w.tokenOf(p, same); token.Value != next.Value {
			t.Error("not the token in memory")
		}
		w.net.set(nil)
		if err := errors.Join(os.RemoveAll(path), os.Rename(path+"-away", path)); err != nil {
			t.Fatal(err)
		}
		// As soon as it is possible, it is stored.
		same.Scopes[0] = strings.ToLower(mail[0])
		w.tokenOf(p, same)
		if token := w.tokenOf(w.client(openStore(t, dir)).Provider(""), auth.Request{}); token.Value != next.Value {
			t.Error("it was not stored when it could be")
		}
		time.Sleep(2 * time.Hour) // synctest: virtual
		w.tokenOf(p, auth.Request{})
		w.tokenOf(w.client(openStore(t, dir)).Provider(""), auth.Request{})
	})
}

func TestWhoIsMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, twoAccounts())
		w.signInTo(w.Client, user)
		p := w.Client.Provider("")
		w.tokenOf(p, auth.Request{})
		kim := w.signInTo(w.Client, "kim@contoso.test")
		w.tokenOf(p, auth.Request{}) // was found when it was the only one
		for _, who := range []string{"", "nobody@contoso.test"} {
			_, err := w.Client.Provider(who).Token(t.Context(), auth.Request{Scopes: mail})
			if err == nil || w.SignOut(t.Context(), who) == nil {
				t.Errorf("%q: %v", who, err)
			}
		}
		// After somebody has signed out, a Provider that was theirs is not somebody else's.
		if err := w.SignOut(t.Context(), user); err != nil {
			t.Fatal(w.saw(err))
		}
		if _, err := p.Token(t.Context(), auth.Request{Scopes: mail}); kindOf(w.saw(err)) != interaction {
			t.Errorf("the provider of who has signed out: %v", err)
		}
		if got, _, _ := w.server.Check(w.tokenOf(w.Client.Provider(""), auth.Request{}).Value); got != kim.Username {
			t.Errorf("the only account is %q", got)
		}
		if _, err := w.Client.Provider(user).Token(t.Context(), auth.Request{Scopes: mail}); kindOf(w.saw(err)) != interaction || !strings.Contains(err.Error(), user) {
			t.Errorf("who has signed out: %v", err)
		}
	})
}

// A program knows the accounts by their ids; its log is read by people.
func TestAnErrorNamesTheAccountAsPeopleDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		account := w.signInTo(w.client(openStore(t, dir)), "")
		w.server.Revoke(user)
		time.Sleep(2 * time.Hour) // synctest: virtual
		_, err := w.client(openStore(t, dir)).Provider(account.ID).Token(t.Context(), auth.Request{Scopes: mail})
		if ie, ok := errors.AsType[*auth.InteractionError](w.saw(err)); !ok || ie.Account != user || !strings.Contains(err.Error(), "for "+user) {
			t.Errorf("got %v", err)
		}
	})
}

// An authority that does not say who signed in is none that one can stay signed in at.
func TestASignInOfNobody(t *testing.T) {
	w := newWorld(t, nil)
	w.net.set(rewrite(200, func(body string) string { return strings.Replace(body, `"id_token"`, `"other"`, 1) }))
	if _, err := w.SignInDeviceCode(t.Context(), mail, w.approve); err == nil || !strings.Contains(err.Error(), "did not say who") {
		t.Errorf("got %v", w.saw(err))
	}
	if w.only().ID != "" {
		t.Error("somebody is signed in")
	}
}

func TestSignInsNeedAScope(t *testing.T) {
	w := newWorld(t, nil)
	if _, err := w.SignInDeviceCode(t.Context(), nil, w.approve); kindOf(err) != misconfigured {
		t.Errorf("got %v", err)
	}
	if _, err := w.SignInBrowser(t.Context(), nil, nil, func(context.Context, string) error { return nil }); kindOf(err) != misconfigured {
		t.Errorf("got %v", err)
	}
	if len(w.net.asked) != 0 {
		t.Errorf("asked %q", w.net.asked)
	}
}
