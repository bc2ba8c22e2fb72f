package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

func TestAPasswordOpensExchange(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	writeFile(t, file, "  "+fakeserver.DefaultPassword+"\r\n")
	for name, test := range map[string]struct{ environ, args []string }{
		"basic, file":      {nil, []string{"--auth", "basic", "--password-file", file}},
		"ntlm, file":       {nil, []string{"--auth", "ntlm", "--password-file", file}},
		"basic, variable":  {[]string{"CALWATCH_PASSWORD=" + fakeserver.DefaultPassword}, []string{"--auth", "basic"}},
		"ntlm, variable":   {[]string{"CALWATCH_AUTH=ntlm", "CALWATCH_PASSWORD=" + fakeserver.DefaultPassword}, nil},
		"basic, command":   {commandEnviron(), []string{"--auth", "basic", "--password-command", commandLine("print", fakeserver.DefaultPassword)}},
		"ntlm, command":    {commandEnviron(), []string{"--auth", "ntlm", "--password-command", commandLine("print", fakeserver.DefaultPassword)}},
		"the command line": {[]string{"CALWATCH_PASSWORD=another"}, []string{"--auth", "ntlm", "--password-file", file}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, nil)
			c := f.exchange(t, test.environ, append(test.args, "--username", alex, "--count", "1", "--log-level", "debug")...)
			c.stdout.wait(t, `"reason":"started"`, `"me"`)
			f.change(t, fakeserver.Change{ChangeType: "Created"})
			c.end(t, exitDone)
			if strings.Contains(c.stdout.String()+c.stderr.String(), fakeserver.DefaultPassword) {
				t.Error("the password is shown")
			}
		})
	}
}

func TestAPasswordThatIsRefusedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"basic", "ntlm"} {
		f := newFake(t, nil)
		c := f.exchange(t, []string{"CALWATCH_PASSWORD=wrong-password"}, "--auth", method, "--username", alex, "--log-level", "debug")
		c.end(t, exitSignIn)
		c.stderr.wait(t, "calwatch: ", alex)
		for _, a := range f.Authentication().Accounts() {
			if a.User == alex && a.Wrong != 1 {
				t.Errorf("%s: %d wrong passwords were sent, want 1", method, a.Wrong)
			}
		}
		if strings.Contains(c.stderr.String(), "wrong-password") {
			t.Error("the password is shown")
		}
	}
}

func TestAPasswordThatIsNoneIsExplained(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "password")
	writeFile(t, file, "two\nlines")
	c := f.exchange(t, nil, "--auth", "basic", "--username", alex, "--password-file", file)
	c.end(t, exitFailure)
	c.stderr.wait(t, "calwatch: ", "password file: ", "more than one line")
	c = f.exchange(t, commandEnviron(), "--auth", "basic", "--username", alex, "--password-command", commandLine("flood"))
	c.end(t, exitFailure)
	c.stderr.wait(t, "calwatch: ", "password command ", errTooMuch.Error())
}

func TestAutodiscoverFindsTheMailboxes(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	args := []string{"watch", "--api", "ews", "--ca-file", f.caFile, "--autodiscover", "--autodiscover-server", f.endpoint.URL, "--impersonate",
		"--mailbox", alex, "--mailbox", room, "--mailbox", "nobody@contoso.test"}
	c := call(t, nil, append(args, "--token-file", f.tokenFile(t, ""))...)
	c.stdout.wait(t, `"reason":"started"`, alex)
	c.stdout.wait(t, `"reason":"started"`, room)
	c.stdout.wait(t, `"type":"ended"`, "nobody@contoso.test", `"reason":"unavailable"`)
	c.stop()
	c.end(t, exitDone)
	f.noSecrets(t, c)
}
