//go:build unix

package tokencache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	wantError(t, RemoveAll(dir), ErrUnsafe, dir)
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
	owner := fmt.Sprint("/x belongs to user ", os.Geteuid()+1, ": ")
	none := func() string { t.Error("a remedy for the mode is asked for"); return "" }
	wantError(t, vet("/x", otherUser{info}, none), ErrUnsafe, owner+"run as that user, or name another directory")
	file := filepath.Join(t.TempDir(), "file")
	writeAll(t, file, nil)
	info, err = os.Stat(file)
	must(t, err)
	wantError(t, vet("/x", otherUser{info}, none), ErrUnsafe, owner+"run as that user, or name another file")
	sticky := t.TempDir()
	must(t, os.Chmod(sticky, 0o777|os.ModeSticky))
	info, err = os.Stat(sticky)
	must(t, err)
	wantError(t, vet("/x", otherUser{info}, none), ErrUnsafe, owner+"name a directory of its own")
}

// Who closes /tmp, a home or a web server's directory to others locks them out.
func TestNobodyIsToldToCloseADirectoryThatOthersUse(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	shared := t.TempDir()
	must(t, os.Chmod(shared, 0o777|os.ModeSticky))
	full := t.TempDir()
	writeAll(t, filepath.Join(full, "index.html"), nil)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	for name, dir := range map[string]string{"home": home, "sticky": shared, "with other files": full, "for temporary files": temporary} {
		info, err := os.Stat(dir)
		must(t, err)
		if info.Mode()&fs.ModeSticky == 0 {
			must(t, os.Chmod(dir, 0o755))
		}
		_, err = Open(dir, fixedKey(theKey))
		wantError(t, err, ErrUnsafe, dir+" is open to others (mode 07", "name a directory of its own")
		if strings.Contains(err.Error(), "chmod") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := Open("/tmp", fixedKey(theKey))
	wantError(t, err, ErrUnsafe, "name a directory of its own")
}

func TestReasonComesBeforeTheRemedy(t *testing.T) {
	s, dir, path := stored(t, nil)
	must(t, os.Chmod(path, 0o644))
	err := newClient(s.Account("alex")).load(t.Context())
	want := "tokencache: not safe to use: " + path + ` is open to others (mode 0644): if nobody can have read or changed it, run "chmod 600 ` + path + `"`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	must(t, os.Chmod(dir, 0o750)) // nothing but the Store's is in it
	_, err = Open(dir, fixedKey(theKey))
	wantError(t, err, ErrUnsafe, "if nobody can have read or changed it", "chmod 700 "+dir)
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

func TestDefaultKeyFileIsInTheUsersConfigurationDirectory(t *testing.T) {
	t.Setenv("HOME", "/home/alex")
	t.Setenv("XDG_CONFIG_HOME", "")
	path, err := DefaultKeyFile("calwatch")
	config, configErr := os.UserConfigDir()
	if err != nil || configErr != nil || path != filepath.Join(config, "calwatch", "cache.key") {
		t.Errorf("got %q, %v", path, err)
	}
	if path, err := DefaultKeyFile("a/b"); err == nil {
		t.Errorf("a/b gives %q", path)
	}
	t.Setenv("HOME", "")
	_, err = DefaultKeyFile("calwatch")
	wantError(t, err, nil, "name a key file")
}
