package msalauth_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

const nbf = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`

// slow makes every request for a token take a while.
func slow() *signin.Options {
	return &signin.Options{Fault: func(on, _ string) (*signin.Response, bool) {
		return &signin.Response{Delay: 200 * time.Millisecond}, on == "token"
	}}
}

// herd calls many at once.
func herd(n int, call func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { call(i) })
	}
	wg.Wait()
}

// oneByOne says whether each refresh token was redeemed once, and never two of an account at the same time.
func (w *world) oneByOne(requests int) {
	w.t.Helper()
	if got := w.server.Grants()["refresh_token"]; got != requests {
		w.t.Errorf("%d requests for a refresh, want %d", got, requests)
	}
	if peak := w.server.PeakRequests(user); requests > 0 && peak != 1 {
		w.t.Errorf("%d requests for one account at once", peak)
	}
	for _, r := range w.server.Requests() {
		if r.Code != 0 {
			w.t.Errorf("AADSTS%d: a refresh token was used twice", r.Code)
		}
	}
	w.server.ForgetRequests()
}

func TestFiveHundredCallersOnAnExpiredToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, slow())
		w.signIn()
		p := w.Client.Provider(user)
		for range 3 {
			w.server.ForgetRequests()
			time.Sleep(2 * time.Hour) // synctest: virtual
			herd(500, func(int) { w.tokenOf(p, auth.Request{}) })
			w.oneByOne(1)
		}
	})
}

func TestTwoHundredRefusalsAtOnce(t *testing.T) {
	for name, claims := range map[string]string{"plain": "", "with claims": nbf} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, slow())
			w.signIn()
			for range 3 {
				old := w.token(auth.Request{})
				w.server.ForgetRequests()
				if claims == "" {
					w.server.ExpireToken(old.Value)
				} else {
					w.server.RequireClaims(user, claims)
				}
				herd(200, func(int) {
					if w.tokenOf(w, auth.Request{Rejected: old.Value, Claims: claims}).Value == old.Value {
						t.Errorf("%s: the refused token came again", name)
					}
				})
				w.oneByOne(1)
			}
		})
	}
}

// Renewals for many scopes redeem the same refresh token, which here is good for one use.
func TestManyScopesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, slow()), storeDir(t)
		// Two programs with an account each way: by name, by id, and the only one.
		account := w.signInTo(w.client(openStore(t, dir)), "")
		var providers []auth.Provider
		for range 2 {
			client := w.client(openStore(t, dir))
			for _, who := range []string{"", account.ID, user} {
				providers = append(providers, client.Provider(who))
			}
		}
		same := openStore(t, dir) // and two Clients that share a Store
		providers = append(providers, w.client(same).Provider(""), w.client(same).Provider(""))
		scopes := []string{"Mail.Read", "Calendars.Read", "Contacts.Read", "Tasks.Read"}
		for range 2 {
			time.Sleep(2 * time.Hour) // synctest: virtual
			w.server.ForgetRequests()
			herd(10*len(providers)*len(scopes), func(i int) {
				scope := "https://outlook.office.com/" + scopes[i/len(providers)%len(scopes)]
				w.tokenOf(providers[i%len(providers)], auth.Request{Scopes: []string{scope}})
			})
			w.oneByOne(len(scopes))
		}
	})
}

// A token that meets the claims is asked for by each program, as none knows what the others' tokens meet: but not at once.
func TestProgramsThatAreAskedForClaimsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, slow()), storeDir(t)
		w.signInTo(w.client(openStore(t, dir)), "")
		const programs = 5
		var providers []auth.Provider
		for range programs {
			providers = append(providers, w.client(openStore(t, dir)).Provider(""))
		}
		for range 3 {
			var old []string
			for _, p := range providers {
				old = append(old, w.tokenOf(p, auth.Request{}).Value)
			}
			w.server.ForgetRequests()
			w.server.RequireClaims(user, nbf)
			herd(10*programs, func(i int) {
				i %= programs
				if w.tokenOf(providers[i], auth.Request{Rejected: old[i], Claims: nbf}).Value == old[i] {
					t.Error("the refused token came again")
				}
			})
			w.oneByOne(programs)
		}
	})
}

func TestAccountsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := slow()
		const n = 20
		for i := range n {
			opts.Accounts = append(opts.Accounts, signin.Account{User: fmt.Sprintf("user%d@contoso.test", i)})
		}
		w := newWorld(t, opts)
		var accounts []msalauth.Account
		for _, a := range opts.Accounts {
			accounts = append(accounts, w.signInTo(w.Client, a.User))
		}
		time.Sleep(2 * time.Hour) // synctest: virtual
		start := time.Now()
		herd(n, func(i int) { w.tokenOf(w.Client.Provider(accounts[i].ID), auth.Request{}) })
		if took := time.Since(start); took != 200*time.Millisecond {
			t.Errorf("%d accounts took %s", n, took)
		}
	})
}
