//go:build unix

package tokencache

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Nobody writes to a pipe, so that who opens it to read would wait forever.
func TestNamedPipesDoNotHoldAnythingUp(t *testing.T) {
	home := t.TempDir()
	pipe := filepath.Join(home, "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	t.Setenv("CREDENTIALS_DIRECTORY", home)
	for _, source := range []KeySource{KeyFile(pipe), NewKeyFile(pipe)} {
		_, err := source.Key()
		wantError(t, err, ErrUnsafe, pipe, "is not a regular file")
	}
	_, err := Credential("pipe").Key()
	wantError(t, err, nil, "systemd credential pipe", "is not a regular file")
	_, err = Open(pipe, fixedKey(theKey))
	wantError(t, err, ErrUnsafe, pipe)

	for _, name := range []string{storeLock, checkName} {
		dir := newDir(t)
		must(t, openTest(t, dir, nil).Close())
		path := filepath.Join(dir, name)
		must(t, os.Remove(path))
		must(t, syscall.Mkfifo(path, 0o600))
		_, err := Open(dir, fixedKey(theKey))
		wantError(t, err, ErrUnsafe, path, "is not a regular file")
	}
}

func TestHugeFilesAreNotReadIntoMemory(t *testing.T) {
	const huge = 1 << 40
	reports := 0
	s, dir, path := stored(t, func(error) { reports++ })
	grow := func(path string) {
		t.Helper()
		must(t, os.Truncate(path, huge)) // a hole: it takes no space
	}
	grow(path)
	c := newClient(s.Account("alex"))
	must(t, c.load(t.Context()))
	if reports != 1 || len(c.sections) != 0 {
		t.Errorf("%d reports, %d sections, want a damaged file", reports, len(c.sections))
	}

	check := filepath.Join(dir, checkName)
	grow(check)
	_, err := Open(dir, fixedKey(theKey))
	wantError(t, err, ErrWrongKey)

	key := filepath.Join(t.TempDir(), "key")
	writeAll(t, key, theKey)
	grow(key)
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(key))
	for _, source := range []KeySource{KeyFile(key), Credential("key")} {
		_, err := source.Key()
		wantError(t, err, nil, "no key")
	}
}

// A hard link is another name for a file, in a snapshot for example. What is stored later does not show through it.
func TestHardLinkKeepsWhatWasThere(t *testing.T) {
	s, _, path := stored(t, nil)
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Link(path, link))
	before := readAll(t, link)
	must(t, newClient(s.Account("alex")).signIn(t.Context(), "calendar"))
	if after := readAll(t, link); !bytes.Equal(after, before) {
		t.Error("the link shows what was stored later")
	}
	must(t, s.Remove("alex"))
	if after := readAll(t, link); !bytes.Equal(after, before) {
		t.Error("the link was written to")
	}
}

// A whole directory may be copied, with its key; a file of another directory, of another key, does not open.
func TestFileOfAnotherKeyDoesNotOpen(t *testing.T) {
	other, err := Open(newDir(t), fixedKey(bytes.ToUpper(theKey)))
	must(t, err)
	defer other.Close()
	must(t, newClient(other.Account("alex")).signIn(t.Context(), "mail"))
	var reports []error
	s, _, path := stored(t, func(err error) { reports = append(reports, err) })
	writeAll(t, path, readAll(t, other.path(other.sealer.name("alex"))))
	c := newClient(s.Account("alex"))
	must(t, c.load(t.Context()))
	if len(c.sections) != 0 || len(reports) != 1 || !errors.Is(reports[0], ErrDamaged) {
		t.Errorf("%d sections, reports: %v", len(c.sections), reports)
	}
}

// What cannot be set aside cannot be used, and the error says which file it is.
func TestDamagedFileThatCannotBeSetAsideIsAnError(t *testing.T) {
	s, _, path := stored(t, nil)
	makeDir(t, filepath.Join(path+badSuffix, "full"))
	writeAll(t, path, []byte("x"))
	c := newClient(s.Account("alex"))
	wantError(t, c.load(t.Context()), nil, path, "setting aside")
	c.edit(func(map[string]map[string]any) {})
	wantError(t, c.accessor.Export(t.Context(), c, exportHints), nil, path, "setting aside")
}

func TestStoreIsMadeWithItsParents(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, "a", "b", "tokens")
	openTest(t, dir, nil)
	for _, made := range []string{dir, filepath.Dir(dir), filepath.Join(home, "a")} {
		if info, err := os.Stat(made); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v", made, err)
		}
	}
	file := filepath.Join(home, "file")
	writeAll(t, file, nil)
	_, err := Open(filepath.Join(file, "tokens"), fixedKey(theKey))
	wantError(t, err, syscall.ENOTDIR, "making the directory", file)
	_, err = NewKeyFile(filepath.Join(file, "key")).Key()
	wantError(t, err, nil, file, "not a directory")
	_, err = Open(filepath.Join(home, strings.Repeat("x", 300)), fixedKey(theKey))
	wantError(t, err, syscall.ENAMETOOLONG, "making the directory")
	nowhere := filepath.Join(home, "nowhere")
	must(t, os.Symlink(filepath.Join(home, "gone"), nowhere))
	_, err = NewKeyFile(filepath.Join(nowhere, "key")).Key()
	wantError(t, err, nil, "making the directory of the key", nowhere)
}

// A process that is killed while it makes the key leaves a second name for it.
func TestLeftOversOfMakingAKeyAreSwept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	_, err := NewKeyFile(path).Key()
	must(t, err)
	left, fresh := filepath.Join(filepath.Dir(path), temporaryPrefix+"key-old"), filepath.Join(filepath.Dir(path), temporaryPrefix+"key-new")
	foreign := filepath.Join(filepath.Dir(path), temporaryPrefix+"other-old")
	for _, name := range []string{left, foreign, fresh} {
		writeAll(t, name, []byte("x"))
		if name != fresh {
			past := time.Now().Add(-temporaryLife - time.Second)
			must(t, os.Chtimes(name, past, past))
		}
	}
	_, err = NewKeyFile(path).Key()
	must(t, err)
	if _, err := os.Lstat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	for _, name := range []string{path, fresh, foreign} {
		if _, err := os.Lstat(name); err != nil {
			t.Error(err)
		}
	}
}
