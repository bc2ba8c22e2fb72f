package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// What the runtime prints when a program is ended by SIGQUIT, or crashes, is sent
// to others for help; the command line and the environment of a process can be
// seen on its machine. In none of them is a secret: neither while events come
// nor while a token is renewed.
func TestACrashShowsNoSecret(t *testing.T) {
	t.Parallel()
	h := newHunt()
	f := newFake(t, nil)
	environ := append(home(t), "CALWATCH_LOG_LEVEL=debug", "GOTRACEBACK=all")
	f.login(t, environ, "")
	for _, renewing := range []bool{false, true} {
		if renewing {
			f.SignIn().ExpireTokens()
			f.arm(t, fakeserver.Fault{On: "token", Do: "stall"})
		}
		asked := f.timesAsked("/token")
		p := spawn(t, environ, "watch", "--endpoint", f.endpoint.API(), "--ca-file", f.caFile)
		if renewing {
			f.asked(t, "/token", asked+1)
		} else {
			p.stdout.wait(t, `"reason":"started"`)
		}
		texts := map[string][]byte{}
		for _, file := range []string{"cmdline", "environ", "status"} {
			text, err := os.ReadFile(fmt.Sprint("/proc/", p.cmd.Process.Pid, "/", file))
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = text
		}
		if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
			t.Fatal(err)
		}
		select {
		case <-p.done:
		case <-time.After(patient):
			t.Fatal("it goes on after SIGQUIT")
		}
		texts["the crash"] = []byte(p.stderr.String() + p.stdout.String())
		if !strings.Contains(p.stderr.String(), "goroutine ") || !strings.Contains(p.stderr.String(), "outlookstream.(*") {
			t.Errorf("that was no crash:\n%s", p.stderr)
		}
		h.search(t, f, texts)
	}
	h.search(t, f, filesBelow(t, strings.TrimPrefix(environ[0], "HOME=")))
}

// An application's secret is read from a file, so that none is in an argument or
// in the environment.
func TestACrashOfAServiceShowsNoSecret(t *testing.T) {
	t.Parallel()
	h := newHunt()
	f := newFake(t, nil)
	secret := filepath.Join(t.TempDir(), "secret")
	writeFile(t, secret, f.SignIn().ClientSecret())
	p := spawn(t, append(home(t), "GOTRACEBACK=all", "CALWATCH_LOG_LEVEL=debug"), append([]string{
		"watch", "--endpoint", f.endpoint.API(), "--ca-file", f.caFile, "--client-secret-file", secret, "--user", "room1@contoso.test",
	}, f.tenant()...)...)
	p.stdout.wait(t, `"reason":"started"`)
	if err := p.cmd.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	<-p.done
	h.search(t, f, map[string][]byte{"the crash": []byte(p.stderr.String() + p.stdout.String())}, f.SignIn().ClientSecret())
}
