package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestWhatHasWorkedIsNotMisconfiguredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := fmt.Errorf("%w: half a file", auth.ErrMisconfigured)
		err := broken
		p := forgiving(auth.Func(func(context.Context, auth.Request) (auth.Token, error) { return auth.Token{Value: "x"}, err }))
		permanent := func() bool {
			_, err := p.Token(t.Context(), auth.Request{})
			return errors.Is(err, auth.ErrMisconfigured)
		}
		if !permanent() {
			t.Error("it never worked, and is waited for")
		}
		for range 2 {
			err = nil
			if _, err := p.Token(t.Context(), auth.Request{}); err != nil {
				t.Fatal(err)
			}
			err = broken
			for range 29 {
				if permanent() {
					t.Fatal("it is given up within the time that a file may take")
				}
				time.Sleep(time.Second) // synctest: virtual
			}
			time.Sleep(time.Second) // synctest: virtual
			if !permanent() {
				t.Error("it is tried again for ever")
			}
		}
	})
}

func TestASecretThatIsHalfWrittenWhenItIsReadAgainEndsNoWatch(t *testing.T) {
	t.Parallel()
	for name, half := range map[string]string{"half": "ha", "more than one line": "a\nb", "empty": ""} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, nil)
			file := filepath.Join(t.TempDir(), "secret")
			writeFile(t, file, f.SignIn().ClientSecret())
			c := f.call(t, nil, append(f.tenant(), "--client-secret-file", file, "--user", "room1@contoso.test")...)
			c.stdout.wait(t, `"reason":"started"`)
			writeFile(t, file, half)
			f.SignIn().ExpireTokens()
			f.ExpireSubscriptions()
			c.stderr.wait(t, "connecting again", "getting a token")
			writeFile(t, file, f.SignIn().AddSecret(""))
			c.stdout.wait(t, `"reason":"resubscribed"`)
			f.noSecrets(t, c)
		})
	}
}
