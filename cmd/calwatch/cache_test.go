package main

import (
	"crypto/rand"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/calwatch/calwatch/tokencache"
)

func TestTheCommandLineDecidesWhereTheKeyIs(t *testing.T) {
	byDefault := defaultKeys(runtime.GOOS)
	for _, test := range []struct{ environ, args, want string }{
		{"", "", byDefault},
		{"", "--cache-dir x", byDefault},
		{"", "--cache-key-file x", "file"},
		{"", "--cache-key keyring,file", "keyring,file"},
		{"", "--cache-key keyring --cache-key file", "keyring,file"},
		{"", "--cache-key credential,file --cache-key-file x", "credential,file"},
		{"", "--cache-key credential --cache-key-file x", "does not name file"},
		{"", "--cache-key none", "none"},
		{"CACHE_KEY=keyring", "", "keyring"},
		{"CACHE_KEY_FILE=x", "", "file"},
		{"CACHE_KEY=keyring", "--cache-key-file x", "file"},
		{"CACHE_KEY_FILE=x", "--cache-key keyring", "keyring"},
		{"CACHE_KEY=keyring CACHE_KEY_FILE=x", "", "does not name file"},
		{"CACHE_KEY=keyring", "--cache-key none", "none"},
	} {
		t.Run(test.environ+" "+test.args, func(t *testing.T) {
			var environ []string
			for variable := range strings.FieldsSeq(test.environ) {
				environ = append(environ, "CALWATCH_"+variable)
			}
			f := &flags{cmd: new(cobra.Command)}
			var c cacheFlags
			c.register(f)
			if err := f.cmd.ParseFlags(strings.Fields(test.args)); err != nil {
				t.Fatal(err)
			}
			if err := f.fromEnvironment(environ); err != nil {
				t.Fatal(err)
			}
			names, err := c.keyNames()
			got := strings.Join(names, ",")
			if err != nil {
				got = err.Error()
			}
			if !strings.HasSuffix(got, test.want) {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestEverySystemHasAKeySourceOfItsOwn(t *testing.T) {
	for system, want := range map[string]string{
		"linux": "credential,file", "freebsd": "credential,file", "darwin": "keychain,file", "windows": "dpapi",
	} {
		if got := defaultKeys(system); got != want {
			t.Errorf("%s: %s, want %s", system, got, want)
		}
	}
}

func TestTheDefaultPlacesAreThoseOfTheUser(t *testing.T) {
	for _, set := range []string{"", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		t.Run(set, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"HOME", "LOCALAPPDATA", "APPDATA", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
				value := filepath.Join(dir, name)
				if strings.HasPrefix(name, "XDG") && name != set {
					value = ""
				}
				t.Setenv(name, value)
			}
			cache, err := cacheHome(os.Environ())
			if want, _ := os.UserCacheDir(); err != nil || cache != want {
				t.Errorf("cache: %s, %v, want %s", cache, err, want)
			}
			config, err := configHome(os.Environ())
			if want, _ := os.UserConfigDir(); err != nil || config != want {
				t.Errorf("configuration: %s, %v, want %s", config, err, want)
			}
			if want, _ := tokencache.DefaultDir("calwatch"); tokensIn(t, os.Environ()) != want {
				t.Errorf("tokens: %s, want %s", tokensIn(t, os.Environ()), want)
			}
		})
	}
	if _, err := cacheHome(nil); err == nil {
		t.Error("there is a place without a home")
	}
}

// unwritable is an environment where nothing can be kept, even by root.
func unwritable(t *testing.T) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, "")
	return []string{"HOME=" + file, "LOCALAPPDATA=" + file, "APPDATA=" + file}
}

func TestWhereNothingCanBeKeptTheWatchGoesOnInMemoryAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	for name, test := range map[string]struct {
		environ  []string
		warnings int
		why      string
	}{
		"no home":        {nil, 1, "set"},
		"no directory":   {unwritable(t), 1, "file"},
		"none is wanted": {append(home(t), "CALWATCH_CACHE_KEY=none"), 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := f.call(t, test.environ, append(f.application()[:4:4], "--auth", "device-code")...)
			if err := f.SignIn().Approve(userCode(t, c.stderr), ""); err != nil {
				t.Fatal(err)
			}
			c.stdout.wait(t, `"reason":"started"`)
			c.stop()
			c.end(t, exitDone)
			if n := strings.Count(c.stderr.String(), "in memory only"); n != test.warnings {
				t.Errorf("%d warnings, want %d:\n%s", n, test.warnings, c.stderr)
			}
			if test.warnings > 0 {
				c.stderr.wait(t, "level=WARN", "in memory only", test.why, "--cache-dir", "--cache-key-file", "--cache-key none")
			}
		})
	}
}

func TestACacheThatWasAskedForIsNotDoneWithout(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	writeFile(t, blocked, "")
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no directory": {[]string{"--cache-dir", filepath.Join(blocked, "tokens")}, blocked},
		"no key":       {[]string{"--cache-key", "dpapi,keychain", "--cache-dir", filepath.Join(dir, "tokens")}, "no key for the token cache"},
		"no key file":  {[]string{"--cache-key-file", filepath.Join(blocked, "key")}, blocked},
		"bad key file": {[]string{"--cache-key-file", blocked}, "no key"},
	} {
		if runtime.GOOS != "linux" && name == "no key" {
			continue // these have one
		}
		t.Run(name, func(t *testing.T) {
			c := f.call(t, home(t), append(append(f.application()[:4:4], "--auth", "device-code"), test.args...)...)
			c.end(t, exitFailure)
			c.stderr.wait(t, "calwatch: ", test.says)
		})
	}
	if n := f.prompts(); n != 0 {
		t.Errorf("somebody was prompted %d times", n)
	}
}

func TestACacheThatOthersCanReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // whose permissions are not in the mode
	}
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	if err := os.Chmod(tokensIn(t, environ), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"watch", "accounts", "logout"} {
		c := call(t, environ, command)
		c.end(t, exitFailure)
		c.stderr.wait(t, "calwatch: ", tokensIn(t, environ), "chmod", "not safe to use")
	}
}

func TestADamagedFileIsWarnedOfOnceAndItsAccountSignsInAgain(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	file := accountFile(t, tokensIn(t, environ))
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := f.call(t, environ)
	c.end(t, exitSignIn)
	if n := strings.Count(c.stderr.String(), "level=WARN"); n != 1 {
		t.Errorf("%d warnings, want 1:\n%s", n, c.stderr)
	}
	c.stderr.wait(t, "level=WARN", "damaged file", filepath.Base(file))
}

// A unit of systemd gets the key in a file of its own, which it may read by an
// ACL that shows as a permission of the group.
func TestTheKeyMayBeACredentialOfSystemd(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ, credentials := home(t), t.TempDir()
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	writeFile(t, filepath.Join(credentials, credentialName), base64.StdEncoding.EncodeToString(secret))
	if err := os.Chmod(filepath.Join(credentials, credentialName), 0o440); err != nil {
		t.Fatal(err)
	}
	environ = append(environ, "CALWATCH_CACHE_KEY=credential,file", "CREDENTIALS_DIRECTORY="+credentials)
	login := spawn(t, environ, append([]string{"login"}, f.application()...)...)
	if err := f.SignIn().Approve(userCode(t, login.stderr), ""); err != nil {
		t.Fatal(err)
	}
	login.end(t, exitDone)
	login.stderr.wait(t, "encrypted with systemd credential "+credentialName)
	watch := spawn(t, environ, "watch", "--endpoint", f.endpoint.API(), "--ca-file", f.caFile)
	watch.stdout.wait(t, `"reason":"started"`)
	watch.terminate(t)

	without := spawn(t, environ[:len(environ)-1], "accounts")
	without.end(t, exitFailure)
	without.stderr.wait(t, "calwatch: ", "no key", "$CREDENTIALS_DIRECTORY is not set")
}

// accountFile returns the one file of an account: the largest there is.
func accountFile(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var largest fs.FileInfo
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if largest == nil || info.Size() > largest.Size() {
			largest = info
		}
	}
	return filepath.Join(dir, largest.Name())
}
