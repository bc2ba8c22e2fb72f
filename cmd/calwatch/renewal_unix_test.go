//go:build unix

package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

func TestARenewalThatHangsIsWaitedForAndASecondSignalEndsThat(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	environ := home(t)
	f.login(t, environ, "")
	f.arm(t, fakeserver.Fault{On: "token", Do: "stall", Times: -1})
	f.SignIn().ExpireTokens()
	p := spawn(t, environ, "watch", "--endpoint", f.endpoint.API(), "--ca-file", f.caFile)
	f.asked(t, "/token", 2) // the first was the login's
	signal := func() {
		t.Helper()
		if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Now()
	signal()
	p.stderr.wait(t, "calwatch: waiting up to 10 s for a renewal of tokens; Ctrl-C again ends it now\n")
	signal()
	select {
	case <-p.done:
	case <-time.After(patient):
		t.Fatal("it goes on")
	}
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGINT {
		t.Errorf("it ended by %v", p.cmd.ProcessState)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
