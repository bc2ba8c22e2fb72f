package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/calwatch/calwatch/internal/safeurl"
)

// errNoWindow says that no browser could be opened.
var errNoWindow = errors.New("no browser could be opened")

// chooseBrowser decides how somebody signs in: wanted, or, if that is
// authAccount, with the browser of this machine where there is one, and by
// device code elsewhere.
func chooseBrowser(environ []string, wanted string) (string, error) {
	remote := isRemote(environ)
	switch {
	case wanted == authBrowser && remote:
		return "", usage(errors.New("this is an SSH session: the browser would be elsewhere, and what it brings back would not reach this machine. " +
			"Sign in by device code, which works with a browser on any device"))
	case wanted != authAccount:
		return wanted, nil
	case remote:
		return authDeviceCode, nil
	}
	if _, err := browserCommand(runtime.GOOS, environ); err != nil {
		return authDeviceCode, nil
	}
	return authBrowser, nil
}

// isRemote says whether somebody is using this machine through SSH.
func isRemote(environ []string) bool {
	return slices.ContainsFunc([]string{"SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"}, func(name string) bool {
		value, _ := lookupEnv(environ, name)
		return value != ""
	})
}

// browserCommand returns what opens an address on a system, without a shell. It
// is a program that leaves the browser to itself.
func browserCommand(system string, environ []string) ([]string, error) {
	switch system {
	case "darwin":
		return []string{"/usr/bin/open"}, nil
	case "windows":
		return []string{"rundll32.exe", "url.dll,FileProtocolHandler"}, nil
	}
	display, _ := lookupEnv(environ, "DISPLAY")
	wayland, _ := lookupEnv(environ, "WAYLAND_DISPLAY")
	if display == "" && wayland == "" {
		return nil, errors.New("there is no display")
	}
	program, err := findProgram(environ, "xdg-open")
	if err != nil {
		return nil, err
	}
	return []string{program}, nil
}

// findProgram returns the path of a program that $PATH finds. Directories that
// depend on where this program was started do not count.
func findProgram(environ []string, name string) (string, error) {
	path, _ := lookupEnv(environ, "PATH")
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if program, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return program, nil
		}
	}
	return "", errors.New("there is no " + name)
}

// browserPatience is how long a program is waited for that opens a browser. On
// a system without a desktop, xdg-open goes on for as long as the browser does.
const browserPatience = 2 * time.Second

// openBrowser shows a page in the browser of this machine.
func openBrowser(ctx context.Context, environ []string, address string) error {
	if !isPage(address) {
		return errors.New("the address is none of a web page")
	}
	command, err := browserCommand(runtime.GOOS, environ)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, browserPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], append(command[1:], address)...)
	cmd.Env = environ
	detach(cmd)
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s: %w", filepath.Base(command[0]), err)
	}
	return nil
}

// isPage says whether an address is one for a browser, and nothing else that
// a desktop might know how to open.
func isPage(address string) bool {
	u, err := url.Parse(address)
	return err == nil && safeurl.Is(u)
}
