package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

func TestLoginKeepsWhoSignedIn(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	c := f.login(t, environ, "")
	c.stderr.wait(t, "Signed in as alex@contoso.test (tenant "+f.SignIn().Tenant()+"). Kept in "+tokensIn(t, environ),
		"encrypted with key file ")
	if c.stdout.String() != "" {
		t.Errorf("standard output has %q", c.stdout)
	}
	if n := f.noSecretsIn(t, strings.TrimPrefix(environ[0], "HOME="), "alex@contoso.test"); n < 3 {
		t.Errorf("there are %d files, want the key, its check and the account's", n)
	}
	if runtime.GOOS != "windows" { // whose permissions are not in the mode
		info, err := os.Stat(tokensIn(t, environ))
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the directory is open to others: %v, %v", info.Mode(), err)
		}
	}
}

func TestLoginSignsInForWhatIsToBeWatched(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{"me/messages", "me/contacts"}, []string{"https://outlook.office.com/mail.read", "https://outlook.office.com/contacts.read"}},
		{[]string{"--scope", "https://outlook.office.com/Calendars.Read.Shared"}, []string{"https://outlook.office.com/calendars.read.shared"}},
	} {
		environ := home(t)
		f.login(t, environ, "", test.args...)
		c := call(t, environ, "accounts")
		c.end(t, exitDone)
		if !containsAll(strings.ToLower(c.stdout.String()), test.want) {
			t.Errorf("%q: %s", test.args, c.stdout)
		}
	}
}

func TestLoginThatIsInterruptedSaysNothingButThatNobodyIsSignedIn(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c := call(t, home(t), append([]string{"login"}, f.application()...)...)
	userCode(t, c.stderr)
	prompt := c.stderr.String()
	begin := time.Now()
	c.stop()
	c.end(t, exitSignIn)
	if took := time.Since(begin); took > time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if got := c.stderr.String(); got != prompt {
		t.Errorf("it says %q", strings.TrimPrefix(got, prompt))
	}
}

func TestLoginThatIsDeclined(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c := call(t, home(t), append([]string{"login"}, f.application()...)...)
	if err := f.SignIn().Deny(userCode(t, c.stderr)); err != nil {
		t.Fatal(err)
	}
	c.end(t, exitSignIn)
	c.stderr.wait(t, "calwatch: the sign-in was declined in the browser: run calwatch login again\n")
}

func TestLoginTriesAgainWhileTheSignInServiceIsDown(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	f.arm(t, fakeserver.Fault{On: "devicecode", Do: "status", Status: 503, Times: -1})
	c := call(t, home(t), append([]string{"login", "--log-level", "info"}, f.application()...)...)
	c.stderr.wait(t, "signing in again", "delay=", "503")
	f.Disarm()
	if err := f.SignIn().Approve(userCode(t, c.stderr), ""); err != nil {
		t.Fatal(err)
	}
	c.end(t, exitDone)
}

func TestLoginWhereNothingCanBeKeptWouldBeForNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	for _, test := range []struct {
		environ []string
		says    []string
	}{
		{append(home(t), "CALWATCH_CACHE_KEY=none"), []string{"--cache-key is none", "leave it out"}},
		{nil, []string{"not set", "--cache-dir", "--cache-key-file"}},
	} {
		c := call(t, test.environ, append([]string{"login"}, f.application()...)...)
		c.end(t, exitFailure)
		c.stderr.wait(t, append(test.says, "calwatch: ", "for nothing")...)
	}
	if n := f.prompts(); n != 0 {
		t.Errorf("somebody was prompted %d times", n)
	}
}

func TestLoginAgainNeedsOnlyTheAccount(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	for _, args := range [][]string{{"--account", "Alex@contoso.test"}, nil} {
		c := call(t, environ, append([]string{"login", "--ca-file", f.caFile}, args...)...)
		if err := f.SignIn().Approve(userCode(t, c.stderr), ""); err != nil {
			t.Fatal(err)
		}
		c.end(t, exitDone)
		c.stderr.wait(t, "Signed in as alex@contoso.test")
	}
}

func TestLoginOfSomebodyElseThanWasMeant(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	mistake := func() *called {
		t.Helper()
		c := call(t, environ, append([]string{"login", "--account", "alex@contoso.test"}, f.application()...)...)
		if err := f.SignIn().Approve(userCode(t, c.stderr), "room1@contoso.test"); err != nil {
			t.Fatal(err)
		}
		c.end(t, exitFailure)
		return c
	}
	mistake().stderr.wait(t, "calwatch: room1@contoso.test has signed in, and not alex@contoso.test, who was to: that was forgotten again\n")
	accounts := call(t, environ, "accounts")
	accounts.end(t, exitDone)
	if got := accounts.stdout.String(); got != "" {
		t.Errorf("somebody is signed in: %s", got)
	}

	f.login(t, environ, "room1@contoso.test")
	mistake().stderr.wait(t, "calwatch: room1@contoso.test has signed in", "room1@contoso.test stays signed in, as before\n")
	call(t, environ, "accounts").stdout.wait(t, "room1@contoso.test")
}

// Whoever reads the log need not read it twice.
func TestLoginSaysOnceWhoHasSignedIn(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c := f.login(t, home(t), "")
	if n := strings.Count(c.stderr.String(), "alex@contoso.test"); n != 1 {
		t.Errorf("it says so %d times:\n%s", n, c.stderr)
	}
}

func TestLoginByMistake(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	ssh := []string{"SSH_CONNECTION=192.0.2.1 1 192.0.2.2 22"}
	for name, test := range map[string]struct {
		environ []string
		args    []string
		says    string
	}{
		"no application":         {nil, nil, "--client-id is missing: register an application"},
		"both ways":              {nil, []string{"--browser", "--device-code"}, "both set"},
		"both ways by variables": {[]string{"CALWATCH_BROWSER=1", "CALWATCH_DEVICE_CODE=1"}, nil, "both set"},
		"a browser through SSH":  {ssh, []string{"--browser"}, "SSH session"},
		"no clipboard":           {nil, []string{"--clipboard"}, "--clipboard: standard error is no terminal"},
		"no permission known":    {nil, []string{"me/nonsense"}, "cannot tell which permission it needs: name it with --scope\n"},
		"no key of that name":    {nil, []string{"--cache-key", "credential,magic"}, `"magic" is not one of`},
		"none and another key":   {nil, []string{"--cache-key", "none,file"}, "none goes with no other"},
		"a key file for nothing": {nil, []string{"--cache-key", "keyring", "--cache-key-file", "x"}, "does not name file"},
		"no such authority":      {nil, []string{"--client-id", "x", "--authority", "http://login.example.test"}, "https://host/tenant"},
	} {
		t.Run(name, func(t *testing.T) {
			c := call(t, append(home(t), test.environ...), append([]string{"login", "--ca-file", f.caFile}, test.args...)...)
			c.end(t, exitUsage)
			c.stderr.wait(t, "calwatch: ", test.says)
		})
	}
	if n := f.prompts(); n != 0 {
		t.Errorf("somebody was prompted %d times", n)
	}
}

func TestLoginCannotMixApplicationsUp(t *testing.T) {
	t.Parallel()
	f, g := newFake(t, nil), newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	g.login(t, environ, "")
	c := call(t, environ, "login")
	c.end(t, exitUsage)
	c.stderr.wait(t, "--client-id is missing", f.endpoint.Authority(), g.endpoint.Authority())
}

func TestTheCacheOfAnotherKeyIsNotTouched(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	other := filepath.Join(t.TempDir(), "other.key")
	for _, command := range []string{"login", "watch", "accounts", "logout"} {
		args := []string{command, "--cache-key-file", other, "--cache-dir", tokensIn(t, environ)}
		if command == "login" || command == "watch" {
			args = append(args, f.application()...)
		} else {
			writeFile(t, other, strings.Repeat("x", 32)) // these make none
		}
		c := call(t, environ, args...)
		c.end(t, exitFailure)
		c.stderr.wait(t, "calwatch: ", "written with another key", tokensIn(t, environ), other)
	}
	call(t, environ, "logout", "alex@contoso.test").end(t, exitDone)
}

func TestASignInThatCouldNotBeKeptIsAFailure(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // where a directory that is open cannot be removed
	}
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	c := call(t, environ, append([]string{"login"}, f.application()...)...)
	code := userCode(t, c.stderr)
	if err := os.RemoveAll(tokensIn(t, environ)); err != nil {
		t.Fatal(err)
	}
	if err := f.SignIn().Approve(code, ""); err != nil {
		t.Fatal(err)
	}
	c.end(t, exitFailure)
	c.stderr.wait(t, "calwatch: alex@contoso.test has signed in, but nothing was kept: see to "+tokensIn(t, environ), "and sign in again\n")
	if strings.Contains(c.stderr.String(), "Signed in as") {
		t.Errorf("it says that it is kept:\n%s", c.stderr)
	}
	f.noSecrets(t, c)
}
