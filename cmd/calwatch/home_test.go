package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// home returns an environment with a home that is empty.
func home(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	return []string{
		"HOME=" + dir, "LOCALAPPDATA=" + filepath.Join(dir, "local"), "APPDATA=" + filepath.Join(dir, "roaming"),
		"CALWATCH_CACHE_KEY=file", // whatever this system's default is
	}
}

// tokensIn returns the directory of the cache in such a home.
func tokensIn(t *testing.T, environ []string) string {
	t.Helper()
	dir, err := cacheHome(environ)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "calwatch", "tokens")
}

// application returns the flags that say where and for what to sign in.
func (f *fake) application() []string {
	return []string{"--authority", f.endpoint.Authority(), "--client-id", f.SignIn().ClientID(), "--ca-file", f.caFile}
}

// userCode waits for a prompt.
func userCode(t *testing.T, stderr *lines) string {
	t.Helper()
	_, code, _ := strings.Cut(stderr.wait(t, "enter the code"), "enter the code ")
	code, _, _ = strings.Cut(code, " ")
	return code
}

// login runs "calwatch login" to its good end.
func (f *fake) login(t *testing.T, environ []string, user string, args ...string) *called {
	t.Helper()
	c := call(t, environ, append(append([]string{"login", "--device-code"}, f.application()...), args...)...)
	if err := f.SignIn().Approve(userCode(t, c.stderr), user); err != nil {
		t.Fatal(err)
	}
	c.end(t, exitDone)
	f.noSecrets(t, c)
	return c
}

// prompts returns how often somebody was asked to sign in by device code.
func (f *fake) prompts() int {
	n := 0
	for _, r := range f.Requests() {
		if strings.HasSuffix(strings.TrimSuffix(r.Path, "?"), "/devicecode") {
			n++
		}
	}
	return n
}

// noSecretsIn checks that no file below a directory has a secret in it, nor
// anything else that is given.
func (f *fake) noSecretsIn(t *testing.T, dir string, others ...string) (files int) {
	t.Helper()
	secrets := append(f.SignIn().Secrets(), others...)
	if len(secrets) < 2 {
		t.Fatal("there were no secrets to look for")
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, secret := range secrets {
			if strings.Contains(string(content), secret) || strings.Contains(path, secret) {
				t.Errorf("%s shows a secret", path)
			}
		}
		if len(content) > 0 {
			files++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
