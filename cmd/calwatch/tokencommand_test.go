package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

// commandEnviron makes this test program play a token command.
func commandEnviron() []string { return append(os.Environ(), roleVariable+"=token command") }

func commandLine(args ...string) string { return "'" + os.Args[0] + "' " + strings.Join(args, " ") }

func TestTokenCommandIsRunWhenATokenIsNeeded(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "token for the command")
	first, second := f.Token("me"), f.Token("me")
	writeFile(t, file, first)
	c := f.call(t, commandEnviron(), "--token-command", commandLine("file", "\""+file+"\""), "-o", "json")
	c.stdout.wait(t, `"reason":"started"`)
	c.stderr.wait(t, "the command's own words")
	writeFile(t, file, second)
	f.SignIn().ExpireToken(first)
	f.ExpireSubscriptions()
	c.stdout.wait(t, `"reason":"resubscribed"`)
	c.stop()
	c.end(t, exitDone)
	if n := strings.Count(c.stderr.String(), "the command's own words"); n != 2 {
		t.Errorf("the command ran %d times, want once for each token", n)
	}
	f.noSecrets(t, c)
}

func TestTokenCommandThatGoesWrong(t *testing.T) {
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"fail", "a-secret"}, "exit status 7"},
		{[]string{"print", "''"}, "it printed no token"},
		{[]string{"flood"}, errTooMuch.Error()},
		{[]string{"print", `'{"token":"a-secret"}'`}, "it printed quotation marks"},
	} {
		t.Run(test.args[0], func(t *testing.T) {
			command, err := newTokenCommand(t.Context(), commandLine(test.args...), commandEnviron(), io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			defer command.wait()
			_, err = command.Token(t.Context(), auth.Request{})
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "token command") {
				t.Fatalf("the error is %v", err)
			}
			if strings.Contains(err.Error(), "a-secret") {
				t.Errorf("the error shows what the command printed or was given: %v", err)
			}
		})
	}
}

func TestTokenCommandThatPrintsTheRefusedTokenAgain(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	token := f.Token("me")
	f.SignIn().ExpireToken(token)
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, token)
	c := f.call(t, commandEnviron(), "--token-command", commandLine("file", file))
	c.end(t, exitSignIn)
	c.stderr.wait(t, "calwatch: the token command printed the refused token again")
	f.noSecrets(t, c)
}

func TestTokenCommandDiesWithTheProgram(t *testing.T) {
	words := newLines()
	life, end := context.WithCancel(t.Context())
	command, err := newTokenCommand(life, commandLine("hang"), commandEnviron(), words)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := command.Token(t.Context(), auth.Request{})
		failed <- err
	}()
	words.wait(t, "the command's own words")
	end()
	command.wait()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestTokenCommandThatLeavesSomethingRunningHasGivenItsToken(t *testing.T) {
	words := newLines()
	command, err := newTokenCommand(t.Context(), commandLine("linger"), commandEnviron(), words)
	if err != nil {
		t.Fatal(err)
	}
	defer command.wait()
	token, err := command.Token(t.Context(), auth.Request{})
	if err != nil || token.Value != "token" {
		t.Errorf("%v", err)
	}
	killHanging(t, words)
}

// killHanging ends the process that says that it hangs.
func killHanging(t *testing.T, words *lines) {
	t.Helper()
	_, text, _ := strings.Cut(words.wait(t, "hanging: "), "hanging: ")
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	_ = process.Kill()
}

func TestTokenCommandThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	f := newFake(t, &fakeserver.Options{})
	c := f.call(t, commandEnviron(), "--token-command", commandLine("fail", "a-secret"))
	c.stderr.wait(t, "connecting again", "exit status 7")
	c.stop()
	c.end(t, exitDone)
	if strings.Contains(c.stderr.String()+c.stdout.String(), "a-secret") {
		t.Error("what the command printed is shown")
	}
}

func TestCommandLinesAreSplitWithoutAShell(t *testing.T) {
	for _, test := range []struct {
		line string
		want []string
	}{
		{"az account", []string{"az", "account"}},
		{"  az\t account \n", []string{"az", "account"}},
		{`'/path with space/az' "it's" '"'`, []string{"/path with space/az", "it's", `"`}},
		{`C:\bin\az.exe --x="a b"c`, []string{`C:\bin\az.exe`, "--x=a bc"}},
		{`az '' $HOME;|`, []string{"az", "", "$HOME;|"}},
	} {
		got, err := splitWords(test.line)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, %v, want %q", test.line, got, err, test.want)
		}
	}
	for _, line := range []string{"", "  ", "'", `az "b`, "'' az"} {
		if got, err := splitWords(line); err == nil {
			t.Errorf("%q: %q, want an error", line, got)
		}
	}
}

// playTokenCommand is the program that the tests of token commands run.
func playTokenCommand() int {
	fmt.Fprintln(os.Stderr, "the command's own words")
	switch os.Args[1] {
	case "print":
		fmt.Printf("  %s\n", os.Args[2])
	case "file":
		token, err := os.ReadFile(os.Args[2])
		if err != nil {
			return 1
		}
		fmt.Printf("%s\n", token)
	case "fail":
		fmt.Println(os.Args[2])
		return 7
	case "flood":
		fmt.Println(strings.Repeat("x", 1<<20))
	case "hang":
		fmt.Fprintln(os.Stderr, "hanging:", os.Getpid())
		select {}
	case "linger", "wait": // starts one that hangs, with the same output
		child := exec.Command(os.Args[0], "hang")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			return 1
		}
		if os.Args[1] == "wait" {
			_ = child.Wait()
		}
		fmt.Println("token")
	}
	return 0
}
