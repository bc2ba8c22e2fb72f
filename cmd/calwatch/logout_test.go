package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// filesIn lists what a directory holds, except for locks, which are empty and
// stay.
func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Size() > 0 {
			names = append(names, entry.Name())
		}
	}
	return names
}

func TestLogoutLeavesNoTraceOfTheAccount(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	dir := tokensIn(t, environ)
	f.login(t, environ, "room1@contoso.test")
	before := filesIn(t, dir)
	f.login(t, environ, "alex@contoso.test")
	f.login(t, environ, "alex@contoso.test", "--tenant", f.SignIn().Tenant()) // and for a second authority
	if n := len(filesIn(t, dir)); n != len(before)+2 {
		t.Fatalf("there are %d files", n)
	}

	c := call(t, environ, "logout", "ALEX@contoso.test")
	c.end(t, exitDone)
	c.stderr.wait(t, "Signed out alex@contoso.test", f.SignIn().ClientID())
	c.stderr.wait(t, "stay good until they expire", "a watch that is running")
	if n := strings.Count(c.stderr.String(), "Signed out"); n != 2 {
		t.Errorf("it says %d times that somebody is signed out, want 2", n)
	}
	if got := filesIn(t, dir); strings.Join(got, " ") != strings.Join(before, " ") {
		t.Errorf("the files are %q, want %q", got, before)
	}
	f.noSecretsIn(t, strings.TrimPrefix(environ[0], "HOME="), "alex@contoso.test")

	c = call(t, environ, "logout") // the only one that is left
	c.end(t, exitDone)
	c.stderr.wait(t, "Signed out room1@contoso.test")
	call(t, environ, "logout").end(t, exitDone)
	f.call(t, environ).end(t, exitSignIn)
}

func TestLogoutOfAllLeavesNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "room1@contoso.test")
	f.login(t, environ, "alex@contoso.test")
	dir := tokensIn(t, environ)
	// What was set aside, and what a writer that was killed has left.
	name := filepath.Base(accountFile(t, dir))
	if err := os.WriteFile(filepath.Join(dir, name+".bad"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := call(t, environ, "logout", "--all")
	c.end(t, exitDone)
	c.stderr.wait(t, "Signed out alex@contoso.test")
	c.stderr.wait(t, "Signed out room1@contoso.test")
	if got := filesIn(t, dir); len(got) > 0 {
		t.Errorf("there are still %q", got)
	}
	c = call(t, environ, "accounts")
	c.end(t, exitDone)
	c.stderr.wait(t, "Nobody is signed in")
	f.login(t, environ, "")
}

func TestLogoutByMistake(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "room1@contoso.test")
	f.login(t, environ, "alex@contoso.test")
	files := filesIn(t, tokensIn(t, environ))
	for name, test := range map[string]struct {
		args []string
		says []string
	}{
		"several":        {nil, []string{"several accounts", "--all", "alex@contoso.test", "room1@contoso.test"}},
		"nobody like it": {[]string{"kim@contoso.test"}, []string{"kim@contoso.test is not signed in; there are: alex@contoso.test"}},
		"one and all":    {[]string{"--all", "alex@contoso.test"}, []string{"do not go together"}},
		"two":            {[]string{"alex@contoso.test", "room1@contoso.test"}, []string{"at most 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := call(t, environ, append([]string{"logout"}, test.args...)...)
			c.end(t, exitUsage)
			c.stderr.wait(t, append(test.says, "calwatch: ")...)
		})
	}
	if got := filesIn(t, tokensIn(t, environ)); strings.Join(got, " ") != strings.Join(files, " ") {
		t.Errorf("the files are %q, want %q", got, files)
	}
}

func TestAWatchThatRunsEndsAfterTheLogoutWithItsToken(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	c := f.call(t, environ)
	c.stdout.wait(t, `"reason":"started"`)
	call(t, environ, "logout").end(t, exitDone)
	f.change(t, fakeserver.Change{ChangeType: "Created", ID: "1"})
	c.stdout.wait(t, `"id":"1"`)
	f.SignIn().ExpireTokens()
	f.arm(t, fakeserver.Fault{On: "stream", Do: "cut"})
	c.end(t, exitSignIn)
	c.stderr.wait(t, "calwatch: ", "run: calwatch login --account alex@contoso.test")
	if n := len(filesIn(t, tokensIn(t, environ))); n != 1 {
		t.Errorf("the watch has brought the account back: %d files", n)
	}
}
