//go:build unix

package main

import (
	"path/filepath"
	"syscall"
	"testing"
)

func TestSIGHUPHasTheMailboxesReadAgain(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	rooms := filepath.Join(t.TempDir(), "rooms")
	writeFile(t, rooms, alex)
	p := spawn(t, nil, f.exchangeArgs("--token-file", f.tokenFile(t, ""), "--impersonate", "--mailbox-file", rooms)...)
	p.stdout.wait(t, `"reason":"started"`, alex)
	writeFile(t, rooms, alex+"\n"+room)
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.stdout.wait(t, `"reason":"started"`, room)
}
