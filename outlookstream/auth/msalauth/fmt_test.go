package msalauth_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

func TestAProviderShowsNoSecretToFmt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.signIn(mail...)
		token := w.token(auth.Request{Scopes: mail})
		w.token(auth.Request{Scopes: mail, Rejected: token.Value})
		type holder struct{ inside any }
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			for _, v := range []any{w.Provider, holder{w.Provider}, &holder{w.Provider}, w.Client, holder{w.Client}} {
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

// printed is v as everything prints it that programs print with.
func printed(v any) string {
	var b bytes.Buffer
	type holder struct {
		inside any
		Inside any
	}
	for _, v := range []any{v, &v, holder{v, v}, &holder{v, v}, []any{v}, map[string]any{"v": v}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%08b"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		if content, err := json.Marshal(v); err == nil {
			b.Write(content)
		} else {
			b.WriteString(err.Error())
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
			slog.New(handler).Info("x", "v", v)
		}
	}
	return b.String()
}

func TestNothingOfThePackageShowsASecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(t, nil), storeDir(t)
		store := openStore(t, dir)
		client := w.client(store)
		account := w.signInTo(client, "")
		w.tokenOf(client.Provider(""), auth.Request{})
		w.signIn()
		old := w.tokenOf(w, auth.Request{})
		w.reject(50076, "refresh_token")
		refused := w.fails(auth.Request{Rejected: old.Value}) // so that there are claims
		w.server.Lift("")
		w.tokenOf(w, auth.Request{})
		stored, err := msalauth.Stored(store)
		if err != nil {
			t.Fatal(err)
		}
		key := rsaKey(t)
		cert := certificateOf(t, key)
		w.server.AddCertificate(cert)
		certs := []*x509.Certificate{cert}
		const vault = "the-vault's-own-secret"
		credentials := []msalauth.Credential{
			msalauth.Secret(w.server.ClientSecret()), msalauth.Certificate(certs, key),
			certificateFile(pfxOf(t, key, cert, vault), vault),
			msalauth.Assertion(func(context.Context, msalauth.AssertionRequest) (string, error) { return vault, nil }),
		}
		values := []any{
			w.Client, client, w.Provider, client.Provider(account.ID), account, &account, stored, w.only(), refused,
			msalauth.Options{ClientID: "c", Store: store, HTTPClient: &http.Client{Transport: w.net}},
			msalauth.BrowserOptions{Username: user}, msalauth.AssertionRequest{ClientID: "c"},
		}
		for i, credential := range credentials {
			app := w.confidential(credential)
			if i < 3 {
				w.tokenOf(app, auth.Request{})
			}
			values = append(values, credential, app, msalauth.ConfidentialOptions{ClientID: "c", Credential: credential})
		}
		secrets := append(w.server.Secrets(), vault, key.D.String(), key.D.Text(16), key.Primes[0].String(), base64.StdEncoding.EncodeToString(key.D.Bytes())[:40])
		for _, v := range values {
			text := printed(v)
			for _, secret := range secrets {
				for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), strings.Trim(fmt.Sprint([]byte(secret)), "[]"), base64.StdEncoding.EncodeToString([]byte(secret))} {
					if strings.Contains(text, form) {
						t.Fatalf("%T shows a secret", v)
					}
				}
			}
		}
	})
}
