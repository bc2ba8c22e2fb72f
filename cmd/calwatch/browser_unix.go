//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// detach keeps Ctrl-C from ending a browser that a command has started.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
