//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// killAll makes the end of a command's context the end of all that it has
// started, too: "sh -c" alone is rarely what takes the time.
func killAll(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
