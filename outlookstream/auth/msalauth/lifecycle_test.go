package msalauth_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/tokencache"
)

// hold keeps the authority's answers to refreshes on the way until they are let go, or nobody waits for them.
func (w *world) hold() (letGo func()) {
	gate := make(chan struct{})
	var refreshes sync.Map // *http.Request
	w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if resp == nil {
			if r.Method == http.MethodPost && formOf(w.t, r).Get("grant_type") == "refresh_token" {
				refreshes.Store(r, true)
			}
			return nil, nil
		}
		if _, ok := refreshes.LoadAndDelete(r); !ok {
			return resp, nil
		}
		select {
		case <-gate:
			return resp, nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	})
	return sync.OnceFunc(func() { close(gate) })
}

// both runs a test with accounts that are stored, and with accounts in memory.
func both(t *testing.T, test func(t *testing.T, w *world, client *msalauth.Client, store *tokencache.Store)) {
	for _, name := range []string{"memory", "store"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				var store *tokencache.Store
				if name == "store" {
					store = openStore(t, storeDir(t))
				}
				client := w.client(store)
				w.signInTo(client, "")
				test(t, w, client, store)
			})
		})
	}
}

// started runs a call, and returns once it waits for something.
func started(call func() error) (ended func() (error, bool)) {
	result := make(chan error, 1)
	go func() { result <- call() }()
	synctest.Wait()
	return func() (error, bool) {
		synctest.Wait()
		select {
		case err := <-result:
			return err, true
		default:
			return nil, false
		}
	}
}

func renewal(t *testing.T, p auth.Provider, rejected string) func() error {
	return func() error {
		_, err := p.Token(t.Context(), auth.Request{Scopes: mail, Rejected: rejected})
		return err
	}
}

func TestSigningOutWhileATokenIsRenewed(t *testing.T) {
	both(t, func(t *testing.T, w *world, client *msalauth.Client, store *tokencache.Store) {
		p := client.Provider("")
		old := w.tokenOf(p, auth.Request{})
		letGo := w.hold()
		renewed := started(renewal(t, p, old.Value))
		out := started(func() error { return client.SignOut(t.Context(), user) })
		if _, ended := out(); ended {
			t.Error("SignOut did not wait")
		}
		letGo()
		if err, ended := renewed(); err != nil || !ended {
			t.Errorf("the renewal that was under way: %v, %v", w.saw(err), ended)
		}
		if err, ended := out(); err != nil || !ended {
			t.Errorf("signing out: %v, %v", w.saw(err), ended)
		}
		w.net.set(nil)
		w.net.posts()
		if _, err := p.Token(t.Context(), auth.Request{Scopes: mail}); kindOf(w.saw(err)) != interaction {
			t.Errorf("the renewal brought the account back: %v", err)
		}
		if accounts, err := client.Accounts(t.Context()); err != nil || len(accounts) != 0 || w.net.posts() != 0 {
			t.Errorf("the renewal brought the account back: %v, %v", accounts, w.saw(err))
		}
		if store != nil {
			if stored, err := msalauth.Stored(store); err != nil || len(stored) != 0 {
				t.Errorf("the renewal brought the account back: %v, %v", stored, err)
			}
		}
	})
}

// Whoever waits for the renewal's end, when the account signs out, does not get a token of it.
func TestSigningOutBeforeARenewal(t *testing.T) {
	both(t, func(t *testing.T, w *world, client *msalauth.Client, _ *tokencache.Store) {
		p := client.Provider("")
		old := w.tokenOf(p, auth.Request{})
		letGo := w.hold()
		first := started(renewal(t, p, old.Value))
		out := started(func() error { return client.SignOut(t.Context(), "") })
		second := started(func() error {
			_, err := p.Token(t.Context(), auth.Request{Scopes: []string{"https://outlook.office.com/Tasks.Read"}})
			return err
		})
		letGo()
		for _, call := range []func() (error, bool){first, out} {
			if err, ended := call(); err != nil || !ended {
				t.Errorf("%v, %v", w.saw(err), ended)
			}
		}
		if err, ended := second(); kindOf(w.saw(err)) != interaction || !ended || !strings.Contains(err.Error(), "is signed out") {
			t.Errorf("a renewal after it: %v, %v", err, ended)
		}
	})
}

// Who waits for a renewal's end when the Client is closed does not begin another one.
func TestClosingBeforeARenewal(t *testing.T) {
	both(t, func(t *testing.T, w *world, client *msalauth.Client, _ *tokencache.Store) {
		p := client.Provider("")
		old := w.tokenOf(p, auth.Request{})
		letGo := w.hold()
		first := started(renewal(t, p, old.Value))
		second := started(func() error {
			_, err := p.Token(t.Context(), auth.Request{Scopes: []string{"https://outlook.office.com/Tasks.Read"}})
			return err
		})
		closing := started(func() error { return client.Close(t.Context()) })
		letGo()
		for _, call := range []func() (error, bool){first, closing} {
			if err, ended := call(); err != nil || !ended {
				t.Errorf("%v, %v", w.saw(err), ended)
			}
		}
		if err, ended := second(); kindOf(w.saw(err)) != misconfigured || !ended {
			t.Errorf("a renewal after it: %v, %v", err, ended)
		}
		if n := w.server.Grants()["refresh_token"]; n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestSigningOutWhileAnotherProgramRenews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		client, other := w.client(openStore(t, dir)), w.client(openStore(t, dir))
		w.signInTo(client, "")
		p := other.Provider("")
		old := w.tokenOf(p, auth.Request{})
		letGo := w.hold()
		renewed := started(renewal(t, p, old.Value))
		if err := client.SignOut(t.Context(), ""); err != nil {
			t.Fatal(w.saw(err))
		}
		letGo()
		if err, ended := renewed(); err != nil || !ended {
			t.Errorf("the renewal: %v, %v", w.saw(err), ended)
		}
		if stored, err := msalauth.Stored(openStore(t, dir)); err != nil || len(stored) != 0 {
			t.Errorf("the renewal brought the account back: %v, %v", stored, err)
		}
		if accounts, err := other.Accounts(t.Context()); err != nil || len(accounts) != 0 {
			t.Errorf("the other program lists it: %v, %v", accounts, err)
		}
		time.Sleep(2 * time.Hour) // synctest: virtual
		if _, err := p.Token(t.Context(), auth.Request{Scopes: mail}); kindOf(w.saw(err)) != interaction {
			t.Errorf("the other program goes on: %v", err)
		}
	})
}
