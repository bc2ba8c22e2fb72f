package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
	"github.com/calwatch/calwatch/outlookstream/auth"
)

func TestTokenFileIsReadWheneverATokenIsNeeded(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "token")
	first, second, third := f.Token("me"), f.Token("me"), f.Token("me")
	writeFile(t, file, "\n  "+first+"\r\n")
	c := f.call(t, []string{"CALWATCH_TOKEN_FILE=" + file}, "-o", "json")
	c.stdout.wait(t, `"reason":"started"`)

	writeFile(t, file, second) // nothing was refused: the next connection has it
	f.change(t, fakeserver.Change{ChangeType: "Created", ID: "1"})
	c.stdout.wait(t, `"id":"1"`)
	f.arm(t, fakeserver.Fault{On: "stream", Do: "cut"})
	c.stdout.wait(t, `"reason":"reconnected"`)

	f.SignIn().ExpireToken(second) // and it is refused: the file is waited for
	f.ExpireSubscriptions()
	c.stderr.wait(t, "waiting for another one in its file")
	writeFile(t, file, third)
	c.stdout.wait(t, `"reason":"resubscribed"`)
	c.stop()
	c.end(t, exitDone)

	var used []string
	for _, request := range f.Requests() {
		if request.Token != "" && (len(used) == 0 || used[len(used)-1] != request.Token) {
			used = append(used, request.Token)
		}
	}
	want := []string{fakeserver.Fingerprint(first), fakeserver.Fingerprint(second), fakeserver.Fingerprint(third)}
	if strings.Join(used, " ") != strings.Join(want, " ") {
		t.Errorf("tokens were used in the order %q, want %q", used, want)
	}
	f.noSecrets(t, c)
}

func TestTokenFileWaitsForARotationThatIsLate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "old")
	synctest.Test(t, func(t *testing.T) {
		provider, err := newTokenFile(file, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		time.AfterFunc(10*time.Second, func() { writeFile(t, file, "new") })
		token, err := provider.Token(t.Context(), auth.Request{Rejected: "old"})
		if err != nil || token.Value != "new" {
			t.Fatalf("%v, %v", token, err)
		}
		if took := time.Since(begin); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("it took %v", took)
		}

		begin = time.Now()
		_, err = provider.Token(t.Context(), auth.Request{Rejected: "new"})
		if !errors.Is(err, auth.ErrRejected) || !strings.Contains(err.Error(), file) {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(begin); took != rotation {
			t.Errorf("it gave up after %v", took)
		}
	})
}

func TestTokenFileThatCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "secret")
	provider, err := newTokenFile(file, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	check := func(what, says string) {
		t.Helper()
		_, err := provider.Token(t.Context(), auth.Request{})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: the error is %v", what, err)
		}
		// All of this may be over in a moment: it is no reason to give up.
		if errors.Is(err, auth.ErrRejected) || errors.Is(err, auth.ErrMisconfigured) {
			t.Errorf("%s: the error is permanent: %v", what, err)
		}
	}
	writeFile(t, file, " \n")
	check("empty", "is empty")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	check("gone", "no such file")
}

func TestTokenFileThatCannotEverHoldATokenIsAPermanentError(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	writeFile(t, file, strings.Repeat("x", maxToken+1))
	for _, path := range []string{file, dir, os.DevNull} {
		provider, err := newTokenFile(path, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provider.Token(t.Context(), auth.Request{}); !errors.Is(err, auth.ErrMisconfigured) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestTokenFileThatIsMissingAfterARefusalIsSaidToBeMissing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "old")
	synctest.Test(t, func(t *testing.T) {
		log := newLines()
		provider, err := newTokenFile(file, nil, slog.New(slog.NewTextHandler(log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			before func() error
			says   string
		}{
			{func() error { return os.Remove(file) }, "the token file is missing"},
			{func() error { return os.WriteFile(file, nil, 0o600) }, "is empty"},
			{func() error { return os.WriteFile(file, []byte("old"), 0o600) }, "the token was refused"},
		} {
			if err := test.before(); err != nil {
				t.Fatal(err)
			}
			said := len(log.String())
			if _, err := provider.Token(t.Context(), auth.Request{Rejected: "old"}); err == nil {
				t.Errorf("%s: there was a token", test.says)
			}
			got := log.String()[said:]
			if !strings.Contains(got, test.says) || strings.Contains(got, "refused") != strings.Contains(test.says, "refused") {
				t.Errorf("it does not say that %s, but: %s", test.says, got)
			}
		}
	})
}

func TestTokenFileWithSomethingElseThanATokenEndsTheWatch(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "Bearer "+f.Token("me"))
	c := f.call(t, nil, "--token-file", file)
	c.end(t, exitFailure)
	c.stderr.wait(t, "calwatch: ", file, "white space", "without \"Bearer\"")
	f.noSecrets(t, c)
}

func TestWhatNoTokenHasIsNamedWithoutRepeatingIt(t *testing.T) {
	for text, says := range map[string]string{
		"eyJ0.eyJh-_~+/=":         "",
		"Bearer secret":           "white space",
		"secret\nsecret":          "more than one line",
		"secret\tsecret":          "white space",
		`{"token":"secret"}`:      "quotation marks",
		"'secret'":                "quotation marks",
		"\ufeffsecret":            "not ASCII",
		"\xff\xfes\x00e\x00c\x00": "not ASCII",
		"s\x00e\x00c\x00":         "control characters",
	} {
		got := unfit(text)
		if !strings.Contains(got, says) || (got == "") != (says == "") || strings.Contains(got, "secret") {
			t.Errorf("%q: %q, want %q", text, got, says)
		}
	}
}

func TestTokenFileThatOthersCanReadIsWarnedOfOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // whose permissions are not in the mode
	}
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "secret")
	log := newLines()
	provider, err := newTokenFile(file, nil, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	read := func() {
		t.Helper()
		if _, err := provider.Token(t.Context(), auth.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if log.String() != "" {
		t.Errorf("a private file is warned of: %s", log)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	read()
	read()
	if n := strings.Count(log.String(), "chmod 600"); n != 1 {
		t.Errorf("%d warnings: %s", n, log)
	}
}

func TestTokenFileThatSystemdHasPutThereIsNotWarnedOf(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // whose permissions are not in the mode
	}
	dir := t.TempDir()
	credentials := filepath.Join(dir, "credentials")
	for _, path := range []string{credentials, credentials + "2"} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for path, warned := range map[string]bool{
		filepath.Join(credentials, "token"):   false,
		credentials + "/../credentials/token": false,
		filepath.Join(dir, "token"):           true,
		credentials + "2/token":               true,
		credentials + "/../token":             true,
	} {
		if err := os.WriteFile(path, []byte("secret"), 0o440); err != nil && !errors.Is(err, os.ErrPermission) {
			t.Fatal(err)
		}
		log := newLines()
		provider, err := newTokenFile(path, []string{"CREDENTIALS_DIRECTORY=" + credentials}, slog.New(slog.NewTextHandler(log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provider.Token(t.Context(), auth.Request{}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log.String(), "chmod 600"); got != warned {
			t.Errorf("%s: warned of: %v, want %v", path, got, warned)
		}
	}
}
