package msalauth_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestAProviderShowsNoSecretToFmt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn(mail...)
		token := w.token(auth.Request{Scopes: mail})
		w.token(auth.Request{Scopes: mail, Rejected: token.Value})
		type holder struct{ inside any }
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			for _, v := range []any{w.Provider, holder{w.Provider}, &holder{w.Provider}} {
				text := fmt.Sprintf(verb, v)
				for _, secret := range w.server.Secrets() {
					if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
						t.Fatalf("%s of %T shows a secret", verb, v)
					}
				}
			}
		}
	})
}
