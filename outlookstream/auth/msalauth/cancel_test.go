package msalauth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestCallersLeaveAtEveryStage(t *testing.T) {
	cause := errors.New("had enough")
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		store := openStore(t, dir)
		client := w.client(store)
		account := w.signInTo(client, "")
		p := client.Provider("")
		old := w.tokenOf(p, auth.Request{})
		// leaves says that a call ends with its context, at once, and not before.
		leaves := func(stage string, call func(ctx context.Context) error) {
			t.Helper()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			ended := started(func() error { return call(ctx) })
			time.Sleep(5 * time.Second) // synctest: virtual
			if err, early := ended(); early {
				t.Errorf("%s: ended before: %v", stage, w.saw(err))
				return
			}
			at := time.Now()
			cancel(cause)
			if err, now := ended(); !errors.Is(err, cause) || !now || !time.Now().Equal(at) {
				t.Errorf("%s: %v, %v, after %s", stage, w.saw(err), now, time.Since(at))
			}
		}
		token := func(ctx context.Context) error {
			_, err := p.Token(ctx, auth.Request{Scopes: mail, Rejected: old.Value})
			return err
		}
		other := func(ctx context.Context) error {
			_, err := p.Token(ctx, auth.Request{Scopes: []string{"https://outlook.office.com/Tasks.Read"}})
			return err
		}
		in := func(ctx context.Context) error {
			_, err := client.SignInDeviceCode(ctx, mail, w.approve)
			return err
		}
		out := func(ctx context.Context) error { return client.SignOut(ctx, user) }

		letGo := w.hold()
		leaves("the network", token)
		leaves("waiting for somebody else's renewal", other)
		leaves("waiting for a renewal, to sign in", in)
		letGo()
		time.Sleep(2 * time.Minute) // synctest: virtual
		w.net.set(nil)

		release, err := openStore(t, dir).Exclusive(t.Context(), w.key(account))
		if err != nil {
			t.Fatal(err)
		}
		old = w.tokenOf(p, auth.Request{})
		leaves("waiting for another program", token)
		leaves("waiting for another program, to sign in", in)
		time.Sleep(2 * time.Minute) // synctest: virtual
		start := time.Now()
		patient := started(func() error { return token(t.Context()) })
		leaves("waiting for one who waits, to sign out", out)
		for {
			if err, ended := patient(); ended {
				if took := time.Since(start); !isTransient(w.saw(err)) || took != time.Minute {
					t.Errorf("the patient one: %v after %s", err, took)
				}
				break
			}
			time.Sleep(time.Second) // synctest: virtual
		}
		release()
		time.Sleep(2 * time.Minute) // synctest: virtual

		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		for name, call := range map[string]func(context.Context) error{
			"token": token, "signing in": in, "signing out": out,
			"list": func(ctx context.Context) error { _, err := client.Accounts(ctx); return err },
		} {
			if err := call(ctx); !errors.Is(err, cause) {
				t.Errorf("%s with a context that is over: %v", name, w.saw(err))
			}
		}
		// Nothing of all this has done any harm.
		w.tokenOf(p, auth.Request{})
		w.tokenOf(w.client(openStore(t, dir)).Provider(""), auth.Request{})
		// The bubble ends only when no goroutine is left.
	})
}
