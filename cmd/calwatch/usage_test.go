package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/outlookstream"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestWrongUsageIsExplained(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "token")
	watch := func(args ...string) []string { return append([]string{"watch", "--token-file", file}, args...) }
	for _, test := range []struct {
		args    []string
		environ []string
		says    string
		not     string
	}{
		{args: []string{"wotch"}, says: `unknown command "wotch"`},
		{args: []string{"watch", "--nope"}, says: "unknown flag: --nope"},
		{args: []string{"fakeserver", "extra"}, says: `unknown command "extra"`},
		{args: watch("-o", "xml"), says: `"xml" is not one of text, json`},
		{args: watch("--log-level", "loud"), says: `"loud" is not one of debug, info, warn, error`},
		{args: watch("--auth", "magic"), says: `"magic" is not one of device-code, browser, client-secret, client-certificate, managed-identity, azure-cli, token-file, token-command, basic, ntlm`},
		{args: watch("--changes", "created,moved"), says: `--changes: "moved" is not one of created, updated, deleted`},
		{args: watch("--keep-alive", "soon"), says: "keep-alive"},
		{args: watch("--keep-alive", "-1s"), says: "--keep-alive -1s: it cannot be negative"},
		{args: watch("--for", "-1s"), says: "--for -1s: it cannot be negative"},
		{args: watch("--count", "-1"), says: "--count -1: it cannot be negative"},
		{args: watch("--endpoint", "http://mail.example.test"), says: "--endpoint: "},
		{args: watch("--endpoint", "mail.example.test/api"), says: "--endpoint: "},
		{args: watch("--ca-file", "/does/not/exist"), says: "--ca-file: stat /does/not/exist"},
		{args: watch("--ca-file", file), says: "no certificate in PEM form"},
		{args: watch("--token-command", "x"), says: "say with --auth which is meant"},
		{args: watch("me/nonsense"), says: "--scope"},
		{args: watch("me/events", "me/nonsense"), says: "--scope"},
		{args: watch(""), says: "needs a Path", not: "--scope"},
		{args: []string{"watch", "--auth", "device-code"}, says: "--client-id is missing: register an application in Microsoft Entra ID"},
		{args: []string{"watch", "--auth", "device-code"}, says: "see 'Set up sign-in' in the README"},
		{args: []string{"watch", "--auth", "token-file"}, says: "--token-file is missing"},
		{args: []string{"watch", "--auth", "token-command"}, says: "--token-command is missing"},
		{args: []string{"watch", "--token-file", "/does/not/exist"}, says: "--token-file: stat /does/not/exist"},
		{args: []string{"watch", "--token-command", "calwatch-does-not-exist"}, says: "--token-command: exec"},
		{args: []string{"watch", "--token-command", "a 'b"}, says: "a quotation mark ' is not closed"},
		{args: []string{"watch", "--auth", "device-code", "--client-id", "x", "--authority", "http://login.example.test/common"}, says: "https://host/tenant"},
		{args: []string{"watch"}, environ: []string{"CALWATCH_COUNT=many"}, says: "environment variable CALWATCH_COUNT"},
		{args: []string{"demo", "--for", "-1s"}, says: "--for -1s: it cannot be negative"},
		{args: []string{"fakeserver", "--listen", "192.0.2.1:1"}, says: "only loopback addresses"},
		{args: []string{"fakeserver", "--max-connection", "-1s"}, says: "--max-connection -1s: it cannot be negative"},
		{args: []string{"fakeserver", "--ews-expiry", "-1s"}, says: "--ews-expiry -1s: it cannot be negative"},
		{args: []string{"fakeserver", "--rooms", "-1"}, says: "--rooms -1: it is a number from 1"},
		{args: []string{"version", "-o", "xml"}, says: `"xml" is not one of text, json`},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			c := call(t, test.environ, test.args...)
			c.end(t, exitUsage)
			if !strings.Contains(c.stderr.String(), test.says) {
				t.Errorf("it does not say %q but:\n%s", test.says, c.stderr)
			}
			if test.not != "" && strings.Contains(c.stderr.String(), test.not) {
				t.Errorf("it says %q:\n%s", test.not, c.stderr)
			}
			c.stderr.wait(t, "Run 'calwatch", "--help' for how it is used.")
			if c.stdout.String() != "" {
				t.Errorf("standard output has %q", c.stdout)
			}
		})
	}
}

func TestExitStatuses(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{auth.ErrMisconfigured, 1},
		{outlookstream.ErrRetired, 1},
		{usage(errors.New("x")), 2},
		{&auth.InteractionError{}, 3},
		{fmt.Errorf("x: %w", auth.ErrRejected), 3},
		{&outlookstream.Error{Status: 401}, 3},
		{&outlookstream.Error{Status: 403}, 4},
	} {
		if got := exitStatus(test.err); got != test.want {
			t.Errorf("%v: exit status %d, want %d", test.err, got, test.want)
		}
	}
}

func TestHelpNamesEveryVariable(t *testing.T) {
	for _, test := range []struct {
		args []string
		has  []string
	}{
		{nil, []string{"watch", "login", "logout", "accounts", "demo", "fakeserver", "version", "completion", "Exit status"}},
		{[]string{"watch", "--help"}, []string{"$CALWATCH_TOKEN_FILE", "$CALWATCH_CLIENT_ID", "$CALWATCH_OUTPUT", "device-code, browser, client-secret, ", "token-file, token-command", "me/messages", "$CALWATCH_MAILBOX_FILE", "$CALWATCH_PASSWORD"}},
		{[]string{"login", "--help"}, []string{"$CALWATCH_DEVICE_CODE", "$CALWATCH_BROWSER", "$CALWATCH_CLIPBOARD", "$CALWATCH_CACHE_KEY_FILE"}},
		{[]string{"logout", "--help"}, []string{"$CALWATCH_ALL", "$CALWATCH_CACHE_DIR"}},
		{[]string{"accounts", "--help"}, []string{"$CALWATCH_OUTPUT", "$CALWATCH_CACHE_KEY"}},
		{[]string{"demo", "--help"}, []string{"$CALWATCH_FOR", "$CALWATCH_API"}},
		{[]string{"fakeserver", "--help"}, []string{"$CALWATCH_MAX_CONNECTION"}},
	} {
		c := call(t, nil, test.args...)
		c.end(t, exitDone)
		if !containsAll(c.stdout.String(), test.has) {
			t.Errorf("%q does not have all of %q:\n%s", test.args, test.has, c.stdout)
		}
	}
}

func TestHelpShowsDefaultsAndVariablesInOneWay(t *testing.T) {
	description := regexp.MustCompile(`^[^(]+( \(default [^:][^()]*\))? \[\$CALWATCH_[A-Z_]+\]$`)
	for _, command := range []string{"watch", "login", "logout", "accounts", "demo", "fakeserver", "version"} {
		c := call(t, nil, command, "--help")
		c.end(t, exitDone)
		_, flags, _ := strings.Cut(c.stdout.String(), "\nFlags:\n")
		for line := range strings.Lines(flags) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "-h, ") {
				continue
			}
			_, text, _ := strings.Cut(line, "   ")
			text = strings.ReplaceAll(strings.TrimSpace(text), " (client) ", " ")
			if !description.MatchString(text) {
				t.Errorf("%s: %s", command, line)
			}
		}
	}
	c := call(t, nil, "watch", "--help")
	c.end(t, exitDone)
	c.stdout.wait(t, "--log-format text|json ", " how it is logged (default text) [$CALWATCH_LOG_FORMAT]")
	c.stdout.wait(t, "--endpoint string ", " (default https://outlook.office.com/api/beta) [$CALWATCH_ENDPOINT]")
	c.stdout.wait(t, "--log-level", "(default info; warn on a terminal")
	c = call(t, nil, "demo", "--help")
	c.end(t, exitDone)
	c.stdout.wait(t, "--log-level", "(default warn)")
}

func TestEveryFlagIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile("`-{0,2}[a-z-]+").FindAllString(string(page), -1)
	for _, command := range []string{"watch", "login", "logout", "accounts", "demo", "fakeserver", "version"} {
		c := call(t, nil, command, "--help")
		c.end(t, exitDone)
		flags := regexp.MustCompile(`(?m)^ +(?:-., )?--([a-z-]+) `).FindAllStringSubmatch(c.stdout.String(), -1)
		if len(flags) == 0 {
			t.Errorf("%s has no flags", command)
		}
		for _, flag := range flags {
			if flag[1] != "help" && !slices.Contains(words, "`--"+flag[1]) {
				t.Errorf("%s --%s is not documented", command, flag[1])
			}
		}
		if !slices.Contains(words, "`"+command) {
			t.Errorf("%s is not documented", command)
		}
	}
}

func TestCompletionScriptsAreThere(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		c := call(t, nil, "completion", shell)
		c.end(t, exitDone)
		if !strings.Contains(c.stdout.String(), "calwatch") {
			t.Errorf("%s: no script", shell)
		}
	}
}

func TestFlagsWinOverTheEnvironmentAndThatOverDefaults(t *testing.T) {
	for _, test := range []struct {
		name    string
		environ []string
		args    []string
		json    bool
	}{
		{"default", nil, nil, false},
		{"environment", []string{"CALWATCH_OUTPUT=json"}, nil, true},
		{"empty environment", []string{"CALWATCH_OUTPUT="}, nil, false},
		{"flag", []string{"CALWATCH_OUTPUT=json"}, []string{"--output", "text"}, false},
		{"short flag", []string{"CALWATCH_OUTPUT=json"}, []string{"-o", "text"}, false},
		{"the last of several", []string{"CALWATCH_OUTPUT=text", "CALWATCH_OUTPUT=json"}, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := call(t, test.environ, append([]string{"version"}, test.args...)...)
			c.end(t, exitDone)
			if got := strings.HasPrefix(c.stdout.String(), "{"); got != test.json {
				t.Errorf("JSON: %v, want %v: %s", got, test.json, c.stdout)
			}
		})
	}
}

func TestVersionSaysWhatWasBuilt(t *testing.T) {
	c := call(t, nil, "version", "-o", "json")
	c.end(t, exitDone)
	v := decode(t, c.stdout.String())
	for _, field := range []string{"version", "go", "platform"} {
		if text, _ := v[field].(string); text == "" {
			t.Errorf("no %s in %s", field, c.stdout)
		}
	}
	line := versionInfo{Version: "v1.2.3", Commit: "abc", Modified: true, Go: "go1.26", Platform: "linux/amd64"}.String()
	if want := "calwatch v1.2.3 (commit abc, modified) go1.26 linux/amd64"; line != want {
		t.Errorf("%q, want %q", line, want)
	}
}
