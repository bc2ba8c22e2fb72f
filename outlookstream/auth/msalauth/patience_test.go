package msalauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

func TestWhoIsToldOfAFailureMayUseTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		var c *msalauth.Client
		called := 0
		var err error
		c, err = msalauth.New(msalauth.Options{
			ClientID: w.server.ClientID(), Authority: "https://" + host + "/common", HTTPClient: &http.Client{Transport: w.net}, Store: openStore(t, dir),
			OnStoreError: func(err error) {
				if called++; called > 1 {
					return
				}
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
				defer cancel()
				if err := c.Close(ctx); ctx.Err() != nil || err == nil || !strings.Contains(err.Error(), "lost with this process") {
					t.Errorf("Close from the handler: %v", err)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		account := w.signInTo(c, "")
		away := dir + ".away"
		w.net.set(spoiling(dir, away))
		time.Sleep(2 * time.Hour) // synctest: virtual
		start := time.Now()
		w.tokenOf(c.Provider(account.ID), auth.Request{})
		if took := time.Since(start); took > time.Second || called == 0 {
			t.Errorf("after %s, %d reports", took, called)
		}
	})
}

func TestAHangingConfigurationStopsNobodyWhoHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := &signin.Options{}
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
		w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp == nil && r.Method == http.MethodGet { // documents hang, tokens work
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return resp, nil
		})
		start := time.Now()
		var failed atomic.Int32
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				if _, err := w.Client.Provider(accounts[i].ID).Token(t.Context(), auth.Request{Scopes: mail}); err != nil {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		if failed.Load() > 0 {
			t.Errorf("%d of %d failed after %s, though the token endpoint works and the document is known", failed.Load(), n, time.Since(start))
		}
	})
}

// Another process may hold the lock for long, which other accounts share.
func TestASignInIsNotThrownAwayBecauseOthersAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		c := w.client(openStore(t, dir))
		account := w.signInTo(c, "")
		w.server.Revoke(account.Username)
		other := openStore(t, dir)
		stored, err := msalauth.Stored(other)
		if err != nil || len(stored) != 1 {
			t.Fatal(err)
		}
		release, err := other.Exclusive(t.Context(), stored[0].ClientID+" "+stored[0].Authority+" "+stored[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if _, err := c.SignInDeviceCode(t.Context(), mail, w.approve); err != nil {
			t.Errorf("the person has signed in, but: %v", err)
		}
	})
}

func TestCloseStoresWhatItCanThoughOneAccountHangs(t *testing.T) {
	for range 4 { // the accounts come in any order
		synctest.Test(t, func(t *testing.T) {
			opts := &signin.Options{Accounts: []signin.Account{{User: "a@contoso.test"}, {User: "b@contoso.test"}, {User: "c@contoso.test"}}}
			w, dir := newWorld(t, opts), storeDir(t)
			c := w.client(openStore(t, dir))
			var accounts []msalauth.Account
			for _, a := range opts.Accounts {
				accounts = append(accounts, w.signInTo(c, a.User))
			}
			away := dir + ".away"
			w.net.set(spoiling(dir, away))
			time.Sleep(2 * time.Hour) // synctest: virtual
			for _, a := range accounts[1:] {
				w.tokenOf(c.Provider(a.ID), auth.Request{}) // not stored
				if err := errors.Join(mend(dir, away), os.RemoveAll(away)); err != nil {
					t.Fatal(err)
				}
			}
			w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
				if resp == nil && r.Method == http.MethodPost {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				return resp, nil
			})
			go c.Provider(accounts[0].ID).Token(t.Context(), auth.Request{Scopes: mail}) // hangs
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			err := c.Close(ctx)
			w.net.set(nil)
			time.Sleep(2 * time.Hour) // synctest: virtual
			for _, a := range accounts[1:] {
				if _, err2 := w.client(openStore(t, dir)).Provider(a.ID).Token(t.Context(), auth.Request{Scopes: mail}); err2 != nil {
					t.Errorf("Close: %v; %s has lost its refresh token: %v", err, a.Username, err2)
				}
			}
		})
		if t.Failed() {
			return
		}
	}
}

func TestAGoodTokenIsHandedOutDespiteALongRenewalElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, &signin.Options{TokenLifetime: 4 * time.Hour}), storeDir(t)
		c := w.client(openStore(t, dir))
		account := w.signInTo(c, "")
		time.Sleep(3 * time.Hour) // synctest: virtual; an hour is left, but the advice is to renew from half its life on
		other := openStore(t, dir)
		stored, err := msalauth.Stored(other)
		if err != nil || len(stored) != 1 {
			t.Fatal(err)
		}
		release, err := other.Exclusive(t.Context(), stored[0].ClientID+" "+stored[0].Authority+" "+stored[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		start := time.Now()
		if _, err := w.client(openStore(t, dir)).Provider(account.ID).Token(t.Context(), auth.Request{Scopes: mail}); err != nil {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestAClosedClientSignsNobodyIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		if err := w.Client.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := w.Client.SignInDeviceCode(t.Context(), mail, w.approve)
		if err == nil {
			t.Error("a closed client signs people in")
		}
	})
}

func TestSpacesAroundANameDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		a := w.signInTo(w.Client, "")
		for _, who := range []string{" " + a.Username, a.Username + "\n", a.ID + " ", " "} {
			if _, err := w.Client.Provider(who).Token(t.Context(), auth.Request{Scopes: mail}); err != nil {
				t.Errorf("%q: %s %v", who, kindOf(err), err)
			}
		}
	})
}

func TestWhatIsStoredLateDoesNotUndoASignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		c := w.client(openStore(t, dir))
		account := w.signInTo(c, "")
		p := c.Provider(account.ID)
		w.tokenOf(p, auth.Request{})
		away := dir + ".away"
		w.net.set(spoiling(dir, away))
		time.Sleep(2 * time.Hour)    // synctest: virtual
		w.tokenOf(p, auth.Request{}) // renewed, not stored
		w.net.set(nil)
		if err := mend(dir, away); err != nil { // there is room on the disk again
			t.Fatal(err)
		}
		w.server.Revoke(account.Username) // a new password: all is revoked
		other := w.client(openStore(t, dir))
		w.signInTo(other, "")     // and the person signs in again, in another process
		time.Sleep(2 * time.Hour) // synctest: virtual
		if _, err := p.Token(t.Context(), auth.Request{Scopes: mail}); err != nil {
			t.Errorf("first process: %v", w.saw(err))
		}
		if _, err := w.client(openStore(t, dir)).Provider("").Token(t.Context(), auth.Request{Scopes: mail}); err != nil {
			t.Errorf("a new process: %v", w.saw(err))
		}
	})
}
