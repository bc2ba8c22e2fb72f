//go:build !unix

package main

import "os/exec"

// detach does nothing: here a browser is nobody's child.
func detach(*exec.Cmd) {}
