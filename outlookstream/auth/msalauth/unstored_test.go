package msalauth_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestWhatCannotBeStoredIsKeptAndStoredLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		client := w.client(openStore(t, dir))
		account := w.signInTo(client, "")
		p := client.Provider(account.ID)
		w.tokenOf(p, auth.Request{})
		away := dir + ".away"
		w.net.set(spoiling(dir, away))
		for range 3 { // each time with a new refresh token, which is good once
			time.Sleep(2 * time.Hour) // synctest: virtual
			w.tokenOf(p, auth.Request{})
		}
		w.net.set(nil)
		if len(w.texts) == 0 || !strings.Contains(w.texts[0], "could not be stored; they stay in memory") || !strings.Contains(w.texts[0], "alex@contoso.test") {
			t.Errorf("reported: %q", w.texts)
		}
		if accounts, err := client.Accounts(t.Context()); err == nil && len(accounts) != 1 {
			t.Errorf("%d accounts", len(accounts))
		}
		if err := mend(dir, away); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour) // synctest: virtual
		w.tokenOf(p, auth.Request{})
		time.Sleep(2 * time.Hour) // synctest: virtual
		w.tokenOf(w.client(openStore(t, dir)).Provider(""), auth.Request{})
	})
}

// spoil lets every writing of an account fail, whoever runs the test, root included: there is a directory in the file's place
// that is not empty.
func spoil(dir, away string) error {
	if _, err := os.Stat(away); err == nil {
		return nil
	}
	if err := os.Mkdir(away, 0o700); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	for _, name := range names {
		if base := filepath.Base(name); len(base) == 52 { // an account's
			err = errors.Join(err, os.Rename(name, filepath.Join(away, base)), os.MkdirAll(filepath.Join(name, "x"), 0o700))
		}
	}
	return err
}

// spoiling does that at the next request for a token, when what is stored has been read.
func spoiling(dir, away string) func(*http.Request, *http.Response) (*http.Response, error) {
	return func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if resp == nil && r.Method == http.MethodPost {
			return nil, spoil(dir, away)
		}
		return resp, nil
	}
}

func mend(dir, away string) error {
	names, err := filepath.Glob(filepath.Join(away, "*"))
	for _, name := range names {
		place := filepath.Join(dir, filepath.Base(name))
		err = errors.Join(err, os.RemoveAll(place), os.Rename(name, place))
	}
	return err
}

// A disk that has become read-only: no lock can be taken any more, and nothing stored.
func TestWithoutLocksAProgramThatRunsGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		client := w.client(openStore(t, dir))
		account := w.signInTo(client, "")
		if names, err := filepath.Glob(filepath.Join(dir, "renew-*")); err != nil || len(names) == 0 {
			t.Fatalf("no locks, %v", err)
		} else {
			for _, name := range names {
				if err := errors.Join(os.Remove(name), os.Mkdir(name, 0o700)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 3 {
			time.Sleep(2 * time.Hour) // synctest: virtual
			w.tokenOf(client.Provider(account.ID), auth.Request{})
		}
		if len(w.texts) != 3 || !strings.Contains(w.texts[0], "without keeping other processes from it") {
			t.Errorf("reported: %q", w.texts)
		}
	})
}

func TestCloseWaitsForTheRenewalUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := false
		w, dir := newWorld(t, &signin.Options{Fault: func(on, _ string) (*signin.Response, bool) {
			return &signin.Response{Delay: 5 * time.Second}, slow && on == "token"
		}}), storeDir(t)
		client := w.client(openStore(t, dir))
		account := w.signInTo(client, "")
		p := client.Provider(account.ID)
		w.tokenOf(p, auth.Request{})
		time.Sleep(56 * time.Minute) // synctest: virtual; it is renewed in the background
		slow = true
		w.tokenOf(p, auth.Request{})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := client.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it did not wait: %v", err)
		}
		if err := client.Close(t.Context()); err != nil {
			t.Error(err)
		}
		for range 2 {
			if _, err := p.Token(t.Context(), auth.Request{Scopes: mail}); !errors.Is(err, auth.ErrMisconfigured) || !strings.Contains(err.Error(), "closed") {
				t.Errorf("a closed client gives tokens: %v", w.saw(err))
			}
		}
		if _, err := client.Provider("").Token(t.Context(), auth.Request{Scopes: mail}); !errors.Is(err, auth.ErrMisconfigured) {
			t.Errorf("to somebody who has asked for none before: %v", w.saw(err))
		}
		slow = false
		w.server.ExpireTokens()
		old := w.server.Accounts()[0]
		later := w.client(openStore(t, dir)).Provider(old.User)
		token, err := later.Token(t.Context(), auth.Request{Scopes: mail})
		if err != nil {
			t.Fatal(w.saw(err))
		}
		w.tokenOf(later, auth.Request{Rejected: token.Value}) // with the refresh token of the renewal that Close waited for
	})
}

func TestCloseStoresWhatCouldNotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		client := w.client(openStore(t, dir))
		account := w.signInTo(client, "")
		w.tokenOf(client.Provider(account.ID), auth.Request{})
		away := dir + ".away"
		w.net.set(spoiling(dir, away))
		time.Sleep(2 * time.Hour) // synctest: virtual
		w.tokenOf(client.Provider(account.ID), auth.Request{})
		w.net.set(nil)
		if err := mend(dir, away); err != nil {
			t.Fatal(err)
		}
		if err := client.Close(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Hour) // synctest: virtual
		w.tokenOf(w.client(openStore(t, dir)).Provider(""), auth.Request{})
	})
}
