package tokencache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ownDirectory is the remedy for a directory that is no place for a cache.
const ownDirectory = "name a directory of its own"

// openDirectory opens the directory, which it makes if it is missing and create is true, and makes sure that it is this user's alone.
func openDirectory(dir string, create bool) (*os.Root, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("tokencache: %w", err)
	}
	if create {
		if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
			return nil, fmt.Errorf("tokencache: making the directory: %w", err)
		}
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("tokencache: making the directory: %w", err)
		}
	}
	named, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("tokencache: looking at the directory: %w", err)
	}
	if !named.IsDir() {
		return nil, refuse(dir, "is a link or a file", ownDirectory)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("tokencache: opening the directory: %w", err)
	}
	// From here on the name does not count any more, only what was opened.
	opened, err := root.Stat(".")
	switch {
	case err != nil:
		err = fmt.Errorf("tokencache: looking at the directory: %w", err)
	case !os.SameFile(named, opened):
		err = refuse(dir, "was replaced while it was opened", "find out by whom")
	default:
		err = vet(dir, opened, func() string {
			if isOthersToo(root, opened) {
				return ownDirectory // whoever else uses it must not be locked out
			}
			return closing("700", dir)
		})
	}
	if err != nil {
		return nil, join(err, root.Close())
	}
	return root, nil
}

// isOthersToo reports whether a directory is there for something else than the Store.
func isOthersToo(root *os.Root, info fs.FileInfo) bool {
	if info.Mode()&fs.ModeSticky != 0 {
		return true
	}
	home, _ := os.UserHomeDir()
	for _, known := range []string{home, os.TempDir(), "/tmp"} {
		if other, err := os.Stat(known); err == nil && os.SameFile(other, info) {
			return true
		}
	}
	names, err := list(root)
	return err != nil || slices.ContainsFunc(names, isForeign)
}

// isForeign reports whether a file is none of the Store's, by its name.
func isForeign(name string) bool { return owner(name) == "" && !isLock(name) }

// isLock tells the names that locks have.
func isLock(name string) bool {
	if rest, ok := strings.CutPrefix(name, lockPrefix); ok {
		return name == storeLock || len(rest) == 1
	}
	number, ok := strings.CutPrefix(name, renewPrefix)
	_, err := strconv.ParseUint(number, 10, 16)
	return ok && err == nil
}
