package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestAWatchThatCouldNotStoreItsTokensSaysSoAtItsEnd(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // where a directory that is open cannot be removed
	}
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	c := f.call(t, environ, append(f.application()[:4:4], "--auth", "device-code")...)
	code := userCode(t, c.stderr)
	dir := tokensIn(t, environ)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := f.SignIn().Approve(code, ""); err != nil {
		t.Fatal(err)
	}
	c.stdout.wait(t, `"reason":"started"`)
	c.stop()
	c.end(t, exitDone)
	c.stderr.wait(t, "calwatch: the tokens of alex@contoso.test could not be stored and are lost with this process: see to "+dir,
		"and run calwatch login --account alex@contoso.test\n")
	f.noSecrets(t, c)
}

func TestWhatToDoAboutAFullDisk(t *testing.T) {
	for _, err := range []error{fmt.Errorf("x: %w", syscall.ENOSPC), syscall.EDQUOT} {
		if got := remedy(err, "/dir"); got != "make room in /dir" {
			t.Errorf("%v: %s", err, got)
		}
	}
	if got := remedy(errors.New("something else"), "/dir"); !strings.Contains(got, "something else") {
		t.Error(got)
	}
}
