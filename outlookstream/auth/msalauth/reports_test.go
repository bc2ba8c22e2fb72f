package msalauth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

func TestTokensThatCannotBeStoredAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		before := slog.Default()
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		defer slog.SetDefault(before)
		w, dir := newWorld(t, nil), storeDir(t)
		client, err := msalauth.New(msalauth.Options{
			ClientID: w.server.ClientID(), Authority: "https://" + host + "/common", HTTPClient: &http.Client{Transport: w.net}, Store: openStore(t, dir),
		})
		if err != nil {
			t.Fatal(err)
		}
		w.signInTo(client, "")
		old := w.tokenOf(client.Provider(""), auth.Request{})
		path := files(t, dir)[0]
		w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
			if resp != nil && r.Method == http.MethodPost {
				return resp, errors.Join(os.Remove(path), os.MkdirAll(filepath.Join(path, "x"), 0o700))
			}
			return resp, nil
		})
		w.tokenOf(client.Provider(""), auth.Request{Rejected: old.Value})
		if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=WARN") || !strings.Contains(text, user) || !strings.Contains(text, "stay in memory") {
			t.Errorf("logged: %s", text)
		}
		w.saw(errors.New(log.String()))
	})
}

func TestAMessageIsMadeUpWhereThereIsNone(t *testing.T) {
	w := newWorld(t, nil)
	w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if resp == nil && strings.HasSuffix(r.URL.Path, "/devicecode") {
			return reply(200, `{"user_code":"ABC","device_code":"d","verification_uri":"http://127.0.0.1:8080/device","expires_in":900,"interval":5}`), nil
		}
		return resp, nil
	})
	seen := errors.New("seen")
	_, err := w.SignInDeviceCode(t.Context(), mail, func(_ context.Context, c msalauth.DeviceCode) error {
		if c.Message != "To sign in, open http://127.0.0.1:8080/device and enter the code ABC." {
			t.Errorf("shown: %q", c.Message)
		}
		return seen
	})
	if !errors.Is(err, seen) {
		t.Errorf("got %v", w.saw(err))
	}
}

// What the authority wants to be shown may be long, or no text at all.
func TestALongMessageIsCut(t *testing.T) {
	w := newWorld(t, nil)
	w.net.set(func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if resp == nil && strings.HasSuffix(r.URL.Path, "/devicecode") {
			return reply(200, `{"user_code":"ABC","device_code":"d","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":5,"message":"`+strings.Repeat("ü\\n", 5000)+`"}`), nil
		}
		return resp, nil
	})
	seen := errors.New("seen")
	_, err := w.SignInDeviceCode(t.Context(), mail, func(_ context.Context, c msalauth.DeviceCode) error {
		if n := len([]rune(c.Message)); n > 1000 || n < 900 || strings.Contains(c.Message, "\n") {
			t.Errorf("%d characters are shown", n)
		}
		return seen
	})
	if !errors.Is(err, seen) {
		t.Errorf("got %v", w.saw(err))
	}
}

func TestTheFirstAnswerOfTheBrowserCounts(t *testing.T) {
	w := newWorld(t, nil)
	account, err := w.SignInBrowser(t.Context(), mail, nil, func(_ context.Context, address string) error {
		action, form := w.visit(address)
		status, page := post(t, action, form)
		if status != http.StatusOK || !strings.Contains(page, "has arrived") || strings.Contains(page, form.Get("code")) {
			t.Errorf("status %d, page %q", status, page)
		}
		form.Set("code", "another")
		post(t, action, form)
		form.Del("code")
		form.Set("error", "access_denied")
		post(t, action, form)
		return nil
	})
	if err != nil || account.Username != user {
		t.Errorf("%+v, %v", account, w.saw(err))
	}
}

func TestThePageOfTheReceiverIsKeptByNobody(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.SignInBrowser(t.Context(), mail, nil, func(_ context.Context, address string) error {
		action, form := w.visit(address)
		resp, err := http.PostForm(action, form)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Content-Type": "text/html; charset=utf-8",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("policy %q", csp)
		}
		return nil
	})
	if err != nil {
		t.Error(w.saw(err))
	}
}
