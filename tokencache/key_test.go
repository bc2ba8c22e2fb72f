package tokencache

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

func TestKeyForms(t *testing.T) {
	text := base64.StdEncoding.EncodeToString(theKey)
	for _, form := range []string{string(theKey), text, text + "\n", text + "\r\n"} {
		key, err := NewKey([]byte(form), "the test")
		if err != nil || string(key.secret()) != string(theKey) || key.Source() != "the test" {
			t.Errorf("a form of %d bytes: %v", len(form), err)
		}
	}
	zeros := string(make([]byte, keySize)) // as after a crash
	for _, form := range []string{zeros, base64.StdEncoding.EncodeToString([]byte(zeros)), "", string(theKey[:31]), string(theKey) + "\n", text[:43], "!" + text[1:], text[:43] + "A"} {
		_, err := NewKey([]byte(form), "the test")
		wantError(t, err, nil, "the test", "openssl rand -base64 32")
	}
}

func TestZeroKeyIsNoKey(t *testing.T) {
	_, err := Open(newDir(t), keySourceFunc(func() (Key, error) { return Key{}, nil }))
	wantError(t, err, ErrNoKey)
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	_, err := KeyFile(path).Key()
	wantError(t, err, ErrNoKey, path, "does not exist")
	_, err = KeyFile(filepath.Join(path, "no", "such")).Key()
	wantError(t, err, ErrNoKey)
	must(t, os.WriteFile(path, theKey, 0o600))
	key, err := KeyFile(path).Key()
	if err != nil || string(key.secret()) != string(theKey) || key.Source() != "key file "+path {
		t.Errorf("got %v, %v", key, err)
	}
	must(t, os.WriteFile(path, make([]byte, 2*maxKeyFile), 0o600))
	_, err = KeyFile(path).Key()
	wantError(t, err, nil, "no key")
}

func TestNewKeyFileIsMadeOnceByAllWhoWantIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "key")
	var keys [8]Key
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], err = NewKeyFile(path).Key(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	stored, err := KeyFile(path).Key()
	must(t, err)
	for _, key := range keys {
		if string(key.secret()) != string(stored.secret()) {
			t.Error("somebody has another key")
		}
	}
	if left := files(t, filepath.Dir(path), func(string) bool { return true }); len(left) != 1 {
		t.Errorf("files: %v", left)
	}
}

func TestCredential(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	_, err := Credential("calwatch.key").Key()
	wantError(t, err, ErrNoKey, "$CREDENTIALS_DIRECTORY is not set")

	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	_, err = Credential("calwatch.key").Key()
	wantError(t, err, ErrNoKey, "not in $CREDENTIALS_DIRECTORY")
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Join(dir, "gone"))
	_, err = Credential("calwatch.key").Key()
	wantError(t, err, ErrNoKey, "not in $CREDENTIALS_DIRECTORY")
	t.Setenv("CREDENTIALS_DIRECTORY", dir)

	// The service's user may read it by an access list, which shows as a group's right.
	must(t, os.WriteFile(filepath.Join(dir, "calwatch.key"), theKey, 0o440))
	key, err := Credential("calwatch.key").Key()
	if err != nil || string(key.secret()) != string(theKey) || key.Source() != "systemd credential calwatch.key" {
		t.Errorf("got %v, %v", key, err)
	}
	must(t, os.WriteFile(filepath.Join(filepath.Dir(dir), "outside"), theKey, 0o600))
	if _, err := Credential("../outside").Key(); err == nil || errors.Is(err, ErrNoKey) {
		t.Errorf("a name that leads out of the directory: %v", err)
	}
}

func TestFirstTakesTheFirstKeyAndSaysWhich(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	path := filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(path, theKey, 0o600))
	s, err := Open(newDir(t), First(Credential("calwatch.key"), KeyFile(path), fixedKey([]byte("never asked"))))
	must(t, err)
	defer s.Close()
	if want := "key file " + path; s.KeySource() != want {
		t.Errorf("it came from %q, want %q", s.KeySource(), want)
	}
}

func TestFirstDoesNotPassOverAKeyThatCannotBeUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(path, []byte("short"), 0o600))
	_, err := First(KeyFile(path), fixedKey(theKey)).Key()
	if errors.Is(err, ErrNoKey) {
		t.Error("it passes for no key")
	}
	wantError(t, err, nil, path)
}

func TestNoKeySaysWhatWasTried(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	path := filepath.Join(t.TempDir(), "key")
	_, err := Open(newDir(t), First(Credential("calwatch.key"), KeyFile(path)))
	wantError(t, err, ErrNoKey, "systemd credential calwatch.key", path)
	_, err = First().Key()
	wantError(t, err, ErrNoKey, "no source is configured")
}

func TestSourcesOfOtherSystemsHaveNoKey(t *testing.T) {
	if runtime.GOOS != "windows" {
		_, err := DPAPI(filepath.Join(t.TempDir(), "key")).Key()
		wantError(t, err, ErrNoKey, "only Windows")
	}
	if runtime.GOOS != "linux" {
		_, err := Keyring("calwatch").Key()
		wantError(t, err, ErrNoKey, "only Linux")
	}
}

func TestCommandsCanBePastedIntoAShell(t *testing.T) {
	for dir, want := range map[string]string{
		"/home/alex/.cache/a-b_c": `run "rm -r /home/alex/.cache/a-b_c"`,
		"/home/my dir":            `run "rm -r '/home/my dir'"`,
		"/x;y$(z)":                `run "rm -r '/x;y$(z)'"`,
		"/it's":                   `run "rm -r '/it'\''s'"`,
	} {
		if got := command("rm", "-r", dir); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
