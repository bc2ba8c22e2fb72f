//go:build unix

package tokencache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func platformRoles() map[string]func(*Store) error {
	return map[string]func(*Store) error{"full disk": fullDisk, "read-only": readOnly}
}

// someoneElse is a user id that is not ours, for tests that run as root: root is not stopped by modes.
const someoneElse = 65534

// fullDisk fails to store more than the limit on the size of a file allows.
func fullDisk(s *Store) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	small := syscall.Rlimit{Cur: 100, Max: limit.Max}
	return failAndRecover(s, syscall.EFBIG,
		func() error { return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small) },
		func() error { return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit) })
}

// readOnly fails to store in a directory in which nothing can be made.
func readOnly(s *Store) error {
	dir, err := s.root.Open(".") // the test's own directories are closed to others
	if err != nil {
		return err
	}
	defer dir.Close()
	if os.Geteuid() == 0 {
		names, err := list(s.root)
		for _, name := range append(names, ".") {
			err = errors.Join(err, os.Chown(s.path(name), someoneElse, -1))
		}
		if err = errors.Join(err, syscall.Setuid(someoneElse)); err != nil {
			return err
		}
	}
	return failAndRecover(s, syscall.EACCES,
		func() error { return dir.Chmod(0o500) },
		func() error { return dir.Chmod(0o700) })
}

// failAndRecover stores nothing while it is broken, and everything once it is mended.
func failAndRecover(s *Store, want error, spoil, mend func() error) error {
	name := s.sealer.name("alex")
	before, _, err := readFile(s.root, name, nil)
	if err := errors.Join(err, spoil()); err != nil {
		return err
	}
	c := newClient(s.Account("alex"))
	for range 2 {
		err := c.signIn(context.Background(), "unsaved")
		if !errors.Is(err, want) {
			return fmt.Errorf("storing gave %v, want %w", err, want)
		}
		if text := err.Error(); strings.Contains(text, "secret-") || !strings.HasPrefix(text, "tokencache: ") || !strings.Contains(text, s.Dir()) {
			return fmt.Errorf("the text of the error is not right")
		}
		if after, _, err := readFile(s.root, name, nil); err != nil || !bytes.Equal(before, after) {
			return fmt.Errorf("the file has changed (%w)", err)
		}
		if c.has("RefreshToken")["key-unsaved"] == nil {
			return errors.New("the client has lost its token")
		}
	}
	if err := mend(); err != nil {
		return err
	}
	err = newClient(s.Account("alex")).signIn(context.Background(), "others")
	err = errors.Join(err, c.accessor.Export(context.Background(), c, exportHints))
	again := newClient(s.Account("alex"))
	if err = errors.Join(err, again.load(context.Background())); err != nil {
		return fmt.Errorf("mended: %w", err)
	}
	for _, scope := range []string{"mail", "others", "unsaved"} {
		if again.has("RefreshToken")["key-"+scope] == nil {
			return errors.New("the token for " + scope + " is lost")
		}
	}
	return nil
}

// play runs a role that must end well, and leaves nothing over.
func play(t *testing.T, role string) {
	t.Helper()
	_, dir, _ := stored(t, nil)
	if out, err := process(t, role, dir, "").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if left := files(t, dir, func(name string) bool { return strings.HasPrefix(name, temporaryPrefix) }); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestFullDiskIsAnErrorAndLosesNothing(t *testing.T) { play(t, "full disk") }

func TestReadOnlyDirectoryIsAnErrorAndLosesNothing(t *testing.T) { play(t, "read-only") }

func TestStoreThatCannotBeLockedCannotBeOpened(t *testing.T) {
	dir := newDir(t)
	makeDir(t, filepath.Join(dir, storeLock))
	_, err := Open(dir, fixedKey(theKey))
	wantError(t, err, syscall.EISDIR, storeLock)
}
