//go:build unix

package tokencache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestDirectoryAndFilesAreTheUsersAlone(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0)) // as careless as it gets
	_, dir, _ := stored(t, nil)
	info, err := os.Stat(dir)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %s", info.Mode())
	}
	for _, name := range files(t, dir, func(string) bool { return true }) {
		info, err := os.Lstat(filepath.Join(dir, name))
		must(t, err)
		if info.Mode() != 0o600 {
			t.Errorf("%s is %s", name, info.Mode())
		}
	}
}

func TestDirectoryOpenToOthersIsRefused(t *testing.T) {
	for _, mode := range []os.FileMode{0o755, 0o770, 0o701, 0o720} {
		dir := newDir(t)
		must(t, os.Mkdir(dir, mode))
		must(t, os.Chmod(dir, mode))
		_, err := Open(dir, fixedKey(theKey))
		wantError(t, err, ErrUnsafe, "chmod 700 "+dir)
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != mode {
			t.Errorf("its mode was changed (%v)", err)
		}
		if made := files(t, dir, func(string) bool { return true }); len(made) > 0 {
			t.Errorf("made in it: %v", made)
		}
	}
}

func TestDirectoryThatIsALinkOrAFileIsRefused(t *testing.T) {
	dir := newDir(t)
	must(t, os.Symlink(t.TempDir(), dir))
	_, err := Open(dir, fixedKey(theKey))
	wantError(t, err, ErrUnsafe, dir, "a directory of its own")
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	_, err = Open(file, fixedKey(theKey))
	wantError(t, err, ErrUnsafe, file)
}

// otherUser is what another user's file looks like.
type otherUser struct{ fs.FileInfo }

func (o otherUser) Sys() any { return &syscall.Stat_t{Uid: uint32(os.Geteuid() + 1)} }

func TestWhatBelongsToAnotherUserIsRefused(t *testing.T) {
	info, err := os.Stat(t.TempDir())
	must(t, err)
	wantError(t, vet("/x", otherUser{info}, "700"), ErrUnsafe, "belongs to another user", "chown")
}

func TestFileOpenToOthersIsRefusedAndNotChanged(t *testing.T) {
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o620} {
		s, _, path := stored(t, nil)
		must(t, os.Chmod(path, mode))
		c := newClient(s.Account("alex"))
		wantError(t, c.load(t.Context()), ErrUnsafe, "chmod 600 "+path)
		c.edit(func(map[string]map[string]any) {})
		wantError(t, c.accessor.Export(t.Context(), c, exportHints), ErrUnsafe)
		if _, err := s.Accounts(); !errors.Is(err, ErrUnsafe) {
			t.Errorf("Accounts: %v", err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("its mode was changed (%v)", err)
		}
	}
}

func TestLinksAndPipesAreNotFollowed(t *testing.T) {
	for name, put := range map[string]func(target, path string) error{
		"link within the directory": func(target, path string) error { return os.Symlink(filepath.Base(target), path) },
		"link to nowhere":           func(_, path string) error { return os.Symlink("nowhere", path) },
		"link out of the directory": func(_, path string) error { return os.Symlink("/dev/null", path) },
		"named pipe":                func(_, path string) error { return syscall.Mkfifo(path, 0o600) },
		"directory":                 func(_, path string) error { return os.Mkdir(path, 0o700) },
	} {
		for _, what := range []string{"the account's file", "its lock"} {
			t.Run(name+" for "+what, func(t *testing.T) {
				s, dir, target := stored(t, nil)
				path := filepath.Join(dir, s.sealer.name("kim"))
				if what == "its lock" {
					path = filepath.Join(dir, lockOf(filepath.Base(path)))
					must(t, os.RemoveAll(path)) // alex's may be the same
				}
				must(t, put(target, path))
				c := newClient(s.Account("kim"))
				c.edit(func(sections map[string]map[string]any) { addTokens(sections, "mail") })
				err := c.accessor.Export(t.Context(), c, exportHints)
				if name == "directory" && what == "its lock" { // cannot be opened for writing at all
					wantError(t, err, syscall.EISDIR, path)
					return
				}
				wantError(t, err, ErrUnsafe, path, "remove it")
				if _, err := os.Lstat(filepath.Join(dir, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the link's target was made: %v", err)
				}
			})
		}
	}
}

func TestOldTemporaryFilesAreSweptAtOpen(t *testing.T) {
	_, dir, path := stored(t, nil)
	old, fresh := filepath.Join(dir, temporaryPrefix+"old"), filepath.Join(dir, temporaryPrefix+"fresh")
	for _, f := range []string{old, fresh} {
		must(t, os.WriteFile(f, []byte("x"), 0o600))
	}
	past := time.Now().Add(-temporaryLife - time.Second)
	must(t, os.Chtimes(old, past, past))
	must(t, os.Chtimes(path, past, past))
	openTest(t, dir, nil)
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old one is there: %v", err)
	}
	for _, f := range []string{fresh, path} {
		if _, err := os.Stat(f); err != nil {
			t.Error(err)
		}
	}
}

func TestLockFilesStay(t *testing.T) {
	s, dir, path := stored(t, nil)
	lockFile := filepath.Join(dir, lockOf(filepath.Base(path)))
	before, err := os.Stat(lockFile)
	must(t, err)
	must(t, newClient(s.Account("alex")).signIn(t.Context(), "calendar"))
	must(t, s.Remove("alex"))
	after, err := os.Stat(lockFile)
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the lock is another file now, or gone (%v)", err)
	}
}

func TestDefaultDirIsInTheUsersCacheDirectory(t *testing.T) {
	t.Setenv("HOME", "/home/alex")
	t.Setenv("XDG_CACHE_HOME", "")
	dir, err := DefaultDir("calwatch")
	cache, cacheErr := os.UserCacheDir()
	if err != nil || cacheErr != nil || dir != filepath.Join(cache, "calwatch", "tokens") {
		t.Errorf("got %q, %v", dir, err)
	}
	for _, bad := range []string{"", ".", "..", "a/b", "/"} {
		if dir, err := DefaultDir(bad); err == nil {
			t.Errorf("%q gives %q", bad, dir)
		}
	}
	t.Setenv("HOME", "")
	_, err = DefaultDir("calwatch")
	wantError(t, err, nil, "name a directory")
}
