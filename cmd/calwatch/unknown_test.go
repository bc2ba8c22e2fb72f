package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// with returns an environment in which a variable has another value.
func with(environ []string, variable, value string) []string {
	return append(slices.Clone(environ), variable+"="+value)
}

// Somebody is signed in, and that cannot be seen: "nobody" would be a lie, after
// which the tokens stay.
func TestWhatCannotBeReadIsNotNobody(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	byDefault := "file"
	if runtime.GOOS == "linux" {
		byDefault = "" // which is not what somebody has asked for
	}
	type place struct{ environ []string }
	keyOf := func(t *testing.T, p *place) string {
		config, err := configHome(p.environ)
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(config, "calwatch", keyFileName)
	}
	remove := func(t *testing.T, path string) {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, spoil := range map[string]func(t *testing.T, p *place){
		"the key is gone": func(t *testing.T, p *place) { remove(t, keyOf(t, p)) },
		"the key is another": func(t *testing.T, p *place) {
			writeFile(t, keyOf(t, p), strings.Repeat("x", 32))
		},
		"the key is no file": func(t *testing.T, p *place) {
			remove(t, keyOf(t, p))
			if err := os.Mkdir(keyOf(t, p), 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"the key has no place": func(t *testing.T, p *place) {
			dir := tokensIn(t, p.environ)
			p.environ = []string{"CALWATCH_CACHE_DIR=" + dir, "CALWATCH_CACHE_KEY=" + byDefault}
		},
		"no key is wanted": func(t *testing.T, p *place) { p.environ = with(p.environ, "CALWATCH_CACHE_KEY", "none") },
	} {
		t.Run(name, func(t *testing.T) {
			p := &place{with(home(t), "CALWATCH_CACHE_KEY", byDefault)}
			f.login(t, p.environ, "")
			dir := tokensIn(t, p.environ)
			spoil(t, p)
			for _, args := range [][]string{{"accounts"}, {"logout"}, {"logout", "alex@contoso.test"}} {
				c := call(t, p.environ, args...)
				c.end(t, exitFailure)
				c.stderr.wait(t, "calwatch: the token cache in "+dir+" cannot be read, so it is not known who is signed in: ")
				if strings.Contains(c.stderr.String(), "Nobody is") {
					t.Errorf("%q: %s", args, c.stderr)
				}
			}
			c := call(t, p.environ, "logout", "--all") // which needs no key
			c.end(t, exitDone)
			c.stderr.wait(t, "Signed out everybody in "+dir)
			if got := filesIn(t, dir); len(got) > 0 {
				t.Errorf("there are still %q", got)
			}
		})
	}
}

func TestTheCacheOfAServiceLookedAtWithoutItsCredential(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ, credentials := home(t), t.TempDir()
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	writeFile(t, filepath.Join(credentials, credentialName), string(secret))
	environ = with(environ, "CALWATCH_CACHE_KEY", "credential")
	login := spawn(t, with(environ, "CREDENTIALS_DIRECTORY", credentials), append([]string{"login"}, f.application()...)...)
	if err := f.SignIn().Approve(userCode(t, login.stderr), ""); err != nil {
		t.Fatal(err)
	}
	login.end(t, exitDone)
	for _, command := range []string{"accounts", "logout"} {
		c := call(t, environ, command)
		c.end(t, exitFailure)
		c.stderr.wait(t, "calwatch: ", "not known who is signed in", "CREDENTIALS_DIRECTORY")
	}
}

func TestAHomeThatIsRelativeIsNone(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // where other variables count
	}
	for _, environ := range [][]string{{"HOME=rel"}, {"HOME=/x", "XDG_CACHE_HOME=rel", "XDG_CONFIG_HOME=rel"}} {
		if runtime.GOOS == "darwin" && len(environ) > 1 {
			continue
		}
		if _, err := cacheHome(environ); err == nil || !strings.Contains(err.Error(), "no absolute path") {
			t.Errorf("%q: %v", environ, err)
		}
		if _, err := configHome(environ); err == nil {
			t.Errorf("%q: there is a place for the key", environ)
		}
		c := call(t, environ, "accounts")
		c.end(t, exitFailure)
		c.stderr.wait(t, "calwatch: it is not known who is signed in", "no absolute path")
	}
}

func TestAFileThatCannotBeReadIsNotNobody(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	file := accountFile(t, tokensIn(t, environ))
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"accounts", "logout"} {
		c := call(t, environ, command)
		c.end(t, exitFailure)
		c.stderr.wait(t, "calwatch: ", file)
		if strings.Contains(c.stderr.String(), "Nobody is") {
			t.Errorf("%s: %s", command, c.stderr)
		}
	}
}

func TestTheHelpSaysWhoseAuthorityIsTheDefault(t *testing.T) {
	c := call(t, nil, "watch", "--help")
	c.end(t, exitDone)
	c.stdout.wait(t, "--authority", "(default that of the account that is signed in, or https://login.microsoftonline.com/common)")
}

func TestLogoutLeavesNothingThatWasDamaged(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	for name, test := range map[string]struct {
		left bool // somebody else, whose file is whole
		args []string
	}{
		"of the only one": {false, []string{"logout"}},
		"of another":      {true, []string{"logout", "room1@contoso.test"}},
		"of all":          {true, []string{"logout", "--all"}},
	} {
		t.Run(name, func(t *testing.T) {
			environ := home(t)
			f.login(t, environ, "alex@contoso.test")
			dir := tokensIn(t, environ)
			if err := os.WriteFile(accountFile(t, dir), []byte("damaged"), 0o600); err != nil {
				t.Fatal(err)
			}
			if test.left {
				f.login(t, environ, "room1@contoso.test")
			}
			call(t, environ, test.args...).end(t, exitDone)
			for _, name := range filesIn(t, dir) {
				if strings.HasSuffix(name, ".bad") {
					t.Errorf("there is still %s", name)
				}
			}
		})
	}
}
