package oauth2auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/oauth2auth"
)

func TestTokenSource(t *testing.T) {
	until := time.Now().Add(time.Hour)
	var asked []auth.Request
	p := auth.Func(func(ctx context.Context, r auth.Request) (auth.Token, error) {
		asked = append(asked, r)
		return auth.Token{Value: "t1", ExpiresOn: until}, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	src := oauth2auth.TokenSource(ctx, p, "a", "b")
	got, err := src.Token()
	if err != nil || got.AccessToken != "t1" || got.Type() != "Bearer" || !got.Expiry.Equal(until) || !got.Valid() {
		t.Errorf("got another token, or the error %v", err)
	}
	if len(asked) != 1 || !slices.Equal(asked[0].Scopes, []string{"a", "b"}) {
		t.Errorf("asked %v", asked)
	}
	cancel()
	if got, err := src.Token(); !errors.Is(err, context.Canceled) || got != nil {
		t.Errorf("got %v after the context's end", err)
	}
	if _, err := oauth2auth.TokenSource(t.Context(), nil).Token(); !errors.Is(err, auth.ErrMisconfigured) {
		t.Errorf("a nil provider gives %v", err)
	}
}

func TestAClientOfXOAuth2(t *testing.T) {
	w := newWorld(t, nil)
	var seen []string
	service := roundTripper(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r.Header.Get("Authorization"))
		return reply(200, ""), nil
	})
	p := w.provider(oauth2auth.Options{})
	client := oauth2.NewClient(contextWith(t.Context(), &http.Client{Transport: service}), oauth2auth.TokenSource(t.Context(), p, scopes...))
	for range 2 {
		if resp, err := client.Get("https://service.test/"); err != nil || resp.StatusCode != 200 {
			t.Fatal("the request failed")
		}
	}
	for _, header := range seen {
		if value, _ := strings.CutPrefix(header, "Bearer "); value != token(t, p, auth.Request{}).Value {
			t.Error("another token was sent")
		}
	}
	if len(seen) != 2 || len(w.net.asked()) != 1 {
		t.Errorf("%d requests with a token", len(seen))
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNothingPrintsASecret(t *testing.T) {
	w := newWorld(t, nil)
	fromConfig := w.provider(oauth2auth.Options{})
	first := token(t, fromConfig, auth.Request{})
	token(t, fromConfig, auth.Request{Rejected: first.Value})
	fromSource := oauth2auth.New(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: first.Value}))
	token(t, fromSource, auth.Request{})
	type holder struct{ inside any }
	for _, v := range []any{fromConfig, fromSource, oauth2auth.TokenSource(t.Context(), auth.Static(first.Value))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			for _, held := range []any{v, &v, holder{v}, &holder{v}} {
				text := fmt.Sprintf(verb, held)
				for _, secret := range w.server.Secrets() {
					if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
						t.Fatalf("%s of %T shows a secret", verb, v)
					}
				}
			}
		}
	}
}

func TestTheWarningAboutSaveShowsNoSecret(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	w := newWorld(t, nil)
	p := w.provider(oauth2auth.Options{Save: func(_ context.Context, refreshToken string) error {
		return fmt.Errorf("cannot write %q: disk full", refreshToken)
	}})
	token(t, p, auth.Request{})
	if text := log.String(); !strings.Contains(text, "disk full") || !strings.Contains(text, "REDACTED") {
		t.Errorf("the warning is %q", text)
	}
	for _, secret := range w.server.Secrets() {
		if strings.Contains(log.String(), secret) {
			t.Error("the warning shows a secret")
		}
	}
}
