//go:build unix

package tokencache

import (
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
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100, Max: 100}); err != nil {
		return fmt.Errorf("setting the limit: %w", err)
	}
	return expectFailure(s, syscall.EFBIG)
}

// readOnly fails to store in a directory in which nothing can be made.
func readOnly(s *Store) error {
	dir := s.root.Name()
	if err := os.Chmod(dir, 0o500); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		// The files remain root's: being able to read them is not what this is about, and the lock comes first.
		if err := errors.Join(os.Chown(dir, someoneElse, -1), syscall.Setuid(someoneElse)); err != nil {
			return err
		}
	}
	c := newClient(s.Account("kim"))
	c.edit(func(sections map[string]map[string]any) { addTokens(sections, "mail") })
	return wantFailure(c.signIn(context.Background(), "mail"), syscall.EACCES)
}

func expectFailure(s *Store, want error) error {
	return wantFailure(newClient(s.Account("alex")).signIn(context.Background(), "calendar"), want)
}

func wantFailure(err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("storing gave %v, want %w", err, want)
	}
	if text := err.Error(); strings.Contains(text, "secret-") || !strings.HasPrefix(text, "tokencache: ") {
		return errors.New("the text of the error is not right")
	}
	return nil
}

// play runs a role that must end well, and checks that alex's token is still there afterwards, and nothing else.
func play(t *testing.T, role string) {
	t.Helper()
	dir := newDir(t)
	s := openTest(t, dir, nil)
	must(t, newClient(s.Account("alex")).signIn(t.Context(), "mail"))
	before, err := os.ReadFile(filepath.Join(dir, s.sealer.name("alex")))
	must(t, err)
	if out, err := process(t, role, dir, "").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	must(t, os.Chmod(dir, 0o700))
	must(t, os.Chown(dir, os.Geteuid(), -1))
	after, err := os.ReadFile(filepath.Join(dir, s.sealer.name("alex")))
	must(t, err)
	if string(before) != string(after) {
		t.Error("the file has changed")
	}
	if left := files(t, dir, func(name string) bool { return strings.HasPrefix(name, temporaryPrefix) }); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestFullDiskIsAnErrorAndLeavesWhatWasThere(t *testing.T) { play(t, "full disk") }

func TestReadOnlyDirectoryIsAnErrorAndLeavesWhatWasThere(t *testing.T) { play(t, "read-only") }
