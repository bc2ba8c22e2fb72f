package main

import (
	"slices"
	"testing"
)

func TestTheBrowserIsUsedWhereThereIsOne(t *testing.T) {
	for name, test := range map[string]struct {
		system  string
		environ []string
		there   bool
	}{
		"a desktop without xdg-open": {"linux", []string{"DISPLAY=:0", "PATH=" + t.TempDir()}, false},
		"no display":                 {"linux", []string{"PATH=/usr/bin"}, false},
		"a Mac":                      {"darwin", nil, true},
		"Windows":                    {"windows", nil, true},
	} {
		if _, err := browserCommand(test.system, test.environ); (err == nil) != test.there {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestThroughSSHItIsAlwaysADeviceCode(t *testing.T) {
	for _, variable := range []string{"SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"} {
		environ := []string{variable + "=x", "DISPLAY=:0"}
		if got, err := chooseBrowser(environ, authAccount); got != authDeviceCode || err != nil {
			t.Errorf("%s: %s, %v", variable, got, err)
		}
		if got, err := chooseBrowser(environ, authDeviceCode); got != authDeviceCode || err != nil {
			t.Errorf("%s: %s, %v", variable, got, err)
		}
		if _, err := chooseBrowser(environ, authBrowser); exitStatus(err) != exitUsage {
			t.Errorf("%s: %v", variable, err)
		}
	}
	if got, err := chooseBrowser([]string{"SSH_TTY="}, authBrowser); got != authBrowser || err != nil {
		t.Errorf("without SSH: %s, %v", got, err)
	}
}

func TestOnlyWebPagesAreOpened(t *testing.T) {
	for address, want := range map[string]bool{
		"https://login.example.test/common?x=1": true,
		"http://localhost:1234/":                true,
		"http://127.0.0.1:1234/":                true,
		"http://[::1]:1234/":                    true,
		"http://login.example.test/":            false,
		"file:///etc/passwd":                    false,
		"https:///x":                            false,
		"--help":                                false,
		"-https://login.example.test/":          false,
		"javascript:alert(1)":                   false,
		"":                                      false,
	} {
		if got := isPage(address); got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
		if !want {
			if err := openBrowser(t.Context(), []string{"DISPLAY=:0", "PATH=/nonexistent"}, address); err == nil {
				t.Errorf("%q was opened", address)
			}
		}
	}
}

func TestTheBrowserIsStartedWithoutAShell(t *testing.T) {
	for system, want := range map[string][]string{
		"darwin": {"/usr/bin/open"}, "windows": {"rundll32.exe", "url.dll,FileProtocolHandler"},
	} {
		if got, err := browserCommand(system, nil); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", system, got, err)
		}
	}
}
