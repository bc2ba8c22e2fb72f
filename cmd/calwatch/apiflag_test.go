package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestFlagsOfTheOtherServiceAreRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	writeFile(t, file, "secret")
	none := filepath.Join(dir, "none")
	writeFile(t, none, "# nobody\n")
	watch := func(args ...string) []string {
		return append([]string{"watch", "--for", "1ns", "--token-file", file}, args...)
	}
	ews := func(args ...string) []string { return append(watch("--api", "ews"), args...) }
	password := func(args ...string) []string {
		return append([]string{"watch", "--for", "1ns", "--api", "ews"}, args...)
	}
	for _, test := range []struct {
		args    []string
		environ []string
		says    string // "": it is right
	}{
		{args: ews()},
		{args: ews("--mailbox", "a@contoso.com,b@contoso.com", "--mailbox", "c@contoso.com", "--folders", "calendar,inbox", "--ews-version", "Exchange2013", "--impersonate")},
		{args: ews("--folders", "all", "--connection-timeout", "30m")},
		{args: watch("--api", "soap"), says: `"soap" is not one of rest, ews`},

		{args: ews("--endpoint", "https://mail.contoso.com/api"), says: "--endpoint is for --api rest, and this is --api ews"},
		{args: ews("--keep-alive", "1s"), says: "--keep-alive is for --api rest"},
		{args: watch("--mailbox", "a@contoso.com"), says: "--mailbox is for --api ews, and this is --api rest"},
		{args: watch("--user-agent", "a"), says: "--user-agent is for --api ews"},
		{args: ews("--user-agent", "contoso-rooms/1.4 (x)")},
		{args: ews("--user-agent", "a\r\nX-Other: b"), says: "--user-agent: ews: Options.UserAgent has a control character"},
		{args: watch("--impersonate"), says: "--impersonate is for --api ews"},
		{args: watch("--username", "a"), says: "--username is for --api ews"},
		{args: ews("me/events"), says: "me/events: with --api ews, --mailbox and --mailbox-file name what is watched"},
		{args: watch("--auth", "basic", "--username", "a"), environ: []string{"CALWATCH_PASSWORD=x"}, says: "--username is for --api ews"},
		{args: watch("--auth", "ntlm"), environ: []string{"CALWATCH_PASSWORD=x"}, says: "--username is missing"},

		// A variable is no mistake where the command line says which service is meant.
		{args: ews(), environ: []string{"CALWATCH_ENDPOINT=https://mail.contoso.com/api"}},
		{args: watch("--api", "rest"), environ: []string{"CALWATCH_MAILBOX=a@contoso.com"}},
		{args: watch(), environ: []string{"CALWATCH_MAILBOX=a@contoso.com"}, says: "environment variable CALWATCH_MAILBOX is for --api ews, and this is --api rest: say with --api which is meant"},
		{args: watch(), environ: []string{"CALWATCH_API=ews", "CALWATCH_FILTER=x"}, says: "environment variable CALWATCH_FILTER is for --api rest"},
		{args: watch("--filter", "x"), environ: []string{"CALWATCH_API=ews"}, says: "--filter is for --api rest"},

		{args: ews("--ews-url", "http://mail.contoso.com/EWS/Exchange.asmx"), says: "--ews-url: ews: URL"},
		{args: ews("--ews-url", "https://mail.contoso.com/EWS", "--autodiscover", "--mailbox", "a@contoso.com"), says: "--ews-url and --autodiscover are both set"},
		{args: ews("--autodiscover", "--autodiscover-server", "http://mail.contoso.com", "--mailbox", "a@contoso.com"), says: "--autodiscover-server: ews: URL"},
		{args: ews("--autodiscover-server", "https://mail.contoso.com"), says: "--autodiscover-server is for --autodiscover"},
		{args: ews("--autodiscover"), says: "--autodiscover looks for mailboxes by their address"},
		{args: ews("--impersonate"), says: "--impersonate acts as a mailbox"},
		{args: ews("--mailbox", "nobody"), says: `--mailbox: ews: "nobody" is not an SMTP address`},
		{args: ews("--mailbox-file", filepath.Join(dir, "missing")), says: "--mailbox-file: stat "},
		{args: ews("--mailbox-file", none), says: "there is no address in it"},
		{args: ews("--folders", "Calendar!"), says: `--folders: "Calendar!" is not one of the names`},
		{args: ews("--folders", "all,inbox"), says: "--folders: all goes with no other"},
		{args: ews("--folders", "all", "--mailbox", "a@contoso.com"), says: "leave --mailbox out"},
		{args: ews("--connection-timeout", "31m"), says: "whole minutes from 1 to 30"},
		{args: ews("--connection-timeout", "-1m"), says: "--connection-timeout -1m0s: it cannot be negative"},
		{args: []string{"watch", "--api", "ews", "--tenant", "contoso.com", "--client-id", "x", "--client-secret-file", file, "--mailbox", "a@contoso.com"},
			says: "an application's tokens belong to nobody, so it has to act as somebody: add --impersonate"},
		{args: []string{"login", "--api", "ews", "--client-id", "x", "me/events"}, says: "me/events: with --api ews, one permission is for all"},

		{args: password("--auth", "ntlm", "--username", `CONTOSO\a`, "--password-file", file)},
		{args: password("--auth", "basic", "--username", "a"), environ: []string{"CALWATCH_PASSWORD=x"}},
		{args: password("--auth", "basic", "--username", "a", "--password-file", file), environ: []string{"CALWATCH_PASSWORD=x"}},
		{args: password("--auth", "basic", "--username", "a"), says: "--password-file is missing: name the file"},
		{args: password("--auth", "basic", "--password-file", file), says: "--username is missing"},
		{args: password("--username", "a", "--password-file", file), says: "--username is for --auth basic and ntlm: say which"},
		{args: password("--auth", "basic", "--username", "a", "--password-file", filepath.Join(dir, "missing")), says: "--password-file: stat "},
		{args: password("--auth", "basic", "--username", "a", "--password-command", "calwatch-does-not-exist"), says: "--password-command: exec"},
		{args: password("--auth", "basic", "--username", "a", "--password-file", file, "--password-command", "x"), says: "the password comes from --password-file and --password-command: say one"},
		{args: password("--auth", "basic", "--username", "a"), environ: []string{"CALWATCH_PASSWORD=x", "CALWATCH_PASSWORD_FILE=" + file}, says: "--password-file and $CALWATCH_PASSWORD: say one"},
		{args: ews("--password-file", file), says: "--password-file is for --auth basic and ntlm: say which"},
		{args: password(), environ: []string{"CALWATCH_USERNAME=a"}, says: "--username is for --auth basic and ntlm: say which"},
	} {
		t.Run(strings.Join(append(test.environ, test.args...), " "), func(t *testing.T) {
			c := call(t, test.environ, test.args...)
			if test.says == "" {
				c.end(t, exitDone)
				return
			}
			c.end(t, exitUsage)
			if !strings.Contains(c.stderr.String(), test.says) {
				t.Errorf("it does not say %q but:\n%s", test.says, c.stderr)
			}
			if c.stdout.String() != "" {
				t.Errorf("standard output has %q", c.stdout)
			}
		})
	}
}

func TestAPasswordIsNotPassedOn(t *testing.T) {
	others, password := withoutPassword([]string{"A=1", "CALWATCH_PASSWORD=old", "CALWATCH_PASSWORD=hunter2", "CALWATCH_PASSWORD_FILE=x"})
	if password == nil || password() != "hunter2" {
		t.Error("it is not the last one")
	}
	if got, want := strings.Join(others, " "), "A=1 CALWATCH_PASSWORD_FILE=x"; got != want {
		t.Errorf("what is passed on is %q", got)
	}
	if _, password := withoutPassword([]string{"CALWATCH_PASSWORD="}); password != nil {
		t.Error("an empty variable passes for a password")
	}
}
