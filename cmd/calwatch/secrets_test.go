package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/internal/fakeserver/signin"
)

// All that can be said about tokens is said at debug level, while everything
// goes wrong with them that can: no secret that was ever issued, nor half of
// one, is in any output or in any file.
func TestAWholeLifeShowsNoSecret(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := append(home(t), "CALWATCH_LOG_LEVEL=debug")
	dir := strings.TrimPrefix(environ[0], "HOME=")
	// The second time, the tokens of the first are in the cache.
	runs := []*called{f.login(t, environ, ""), f.login(t, environ, "")}

	for _, fault := range []fakeserver.Fault{
		{On: "token", Do: "html"}, {On: "token", Do: "reset"}, {On: "token", Do: "status", Status: 503}, {On: "configuration", Do: "html"},
	} {
		f.arm(t, fault)
		f.SignIn().ExpireTokens()
		watch := f.call(t, environ, "--count", "1")
		runs = append(runs, watch)
		watch.stdout.wait(t, `"reason":"started"`)
		f.change(t, fakeserver.Change{ChangeType: "Created"})
		watch.end(t, exitDone)
	}
	f.SignIn().RequireClaims("alex@contoso.test", `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`)
	watch := f.call(t, environ)
	runs = append(runs, watch)
	watch.stdout.wait(t, `"reason":"started"`)
	if err := f.SignIn().Reject(signin.Rejection{Code: 50076, On: "refresh_token"}); err != nil {
		t.Fatal(err)
	}
	f.SignIn().ExpireTokens()
	f.ExpireSubscriptions()
	watch.end(t, exitSignIn)

	secret := filepath.Join(t.TempDir(), "secret")
	writeFile(t, secret, f.SignIn().ClientSecret())
	application := append(f.tenant(), "--client-secret-file", secret, "--user", "room1@contoso.test")
	service := f.call(t, environ, append(application, "--count", "1")...)
	service.stdout.wait(t, `"reason":"started"`)
	f.change(t, fakeserver.Change{User: "room1@contoso.test", ChangeType: "Created"})
	service.end(t, exitDone)
	f.SignIn().ExpireSecret(f.SignIn().ClientSecret())
	refused := f.call(t, environ, application...)
	refused.end(t, exitFailure)
	refused.stderr.wait(t, "AADSTS7000222", "the client secret has expired: make a new one")

	accounts := call(t, environ, "accounts", "-o", "json")
	accounts.end(t, exitDone)
	f.SignIn().Revoke("alex@contoso.test")
	revoked := f.call(t, environ)
	revoked.end(t, exitSignIn)
	f.noHalves(t, dir, append(runs, service, refused, accounts, revoked)...)
	logout := call(t, environ, "logout")
	logout.end(t, exitDone)
	f.noHalves(t, dir, logout)
}

// noHalves looks for the first and the last half of every secret in everything
// that was printed, and in every file.
func (f *fake) noHalves(t *testing.T, dir string, runs ...*called) {
	t.Helper()
	var halves []string
	for _, secret := range f.SignIn().Secrets() {
		half := min(len(secret)/2, 40)
		// An unsigned part of a token is the same in all of them.
		halves = append(halves, secret[len(secret)-half:])
		if !strings.HasPrefix(secret, "eyJ") {
			halves = append(halves, secret[:half])
		}
	}
	if len(halves) < 30 {
		t.Fatalf("there were only %d secrets to look for", len(halves))
	}
	find := func(where, text string) {
		for _, half := range halves {
			if strings.Contains(text, half) {
				t.Errorf("%s: a secret", where)
			}
		}
	}
	for _, c := range runs {
		if c.stdout.String()+c.stderr.String() == "" {
			t.Error("a run printed nothing")
		}
		find("printed", c.stdout.String()+c.stderr.String())
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		find(path, string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
