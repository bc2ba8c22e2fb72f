package tokencache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

// Remove removes all that is stored of an account: its file, what was set aside of it, and what writers that were killed have left
// over. That there is nothing is no error. A client that is running with the account finds its cache empty when it next loads it,
// and what it stores of what it loaded before is not stored. It waits up to 10 s for others that are storing.
//
// Copies made by others, such as backups, are not reached, and the authority is not told: who has a token keeps it.
func (s *Store) Remove(id string) error {
	account := s.sealer.name(id)
	return removeGuarded(s.root, lockOf(account), func(name string) bool { return owner(name) == account })
}

// RemoveDamaged removes what was set aside of damaged files, of all accounts: who they are of is not known any more. Nobody is signed out by that.
func (s *Store) RemoveDamaged() error {
	return removeAll(s.root, func(name string) bool { return strings.HasSuffix(name, badSuffix) })
}

// RemoveAll removes all accounts as Remove does, in whatever state they are, and what tells a wrong key: the directory can then be used with
// another key. The directory stays, with its lock files, which are empty and whose names say nothing: while anybody may use them, to remove them
// is not safe. Files that are not the Store's are not touched. What signs in meanwhile may stay.
func (s *Store) RemoveAll() error { return removeAll(s.root, isAny) }

// RemoveAll is [Store.RemoveAll] for a directory whose key is lost, or is not wanted: it needs none. It refuses, with [ErrUnsafe], what [Open] refuses,
// and a directory that does not look like a cache. If there is no directory, errors.Is finds [fs.ErrNotExist] in the error.
func RemoveAll(dir string) error {
	root, err := openDirectory(dir, false)
	if err != nil {
		return err
	}
	names, err := list(root)
	if err == nil && len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return name == storeLock || owner(name) != "" }) {
		err = refuse(root.Name(), "holds nothing of a token cache", "name the directory of one")
	}
	if err == nil {
		err = removeAll(root, isAny)
	}
	return join(err, root.Close())
}

func isAny(string) bool { return true }

// removeAll removes those of the Store's files for which which is true.
func removeAll(root *os.Root, which func(name string) bool) error {
	names, err := list(root)
	if err != nil {
		return err
	}
	locks := map[string]bool{}
	for _, name := range names {
		if of := owner(name); of != "" && which(name) {
			locks[guardOf(of)] = true
		}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(locks)) {
		errs = append(errs, removeGuarded(root, name, func(file string) bool { return guardOf(owner(file)) == name && which(file) }))
	}
	return join(errs...)
}

// removeGuarded removes those of the Store's files for which which is true, which the lock guards. A temporary file is left over if nobody has
// the lock.
func removeGuarded(root *os.Root, lockName string, which func(name string) bool) error {
	release, err := lock(context.Background(), root, lockName)
	if err != nil {
		return err
	}
	defer release()
	names, err := list(root)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if owner(name) == "" || !which(name) {
			continue
		}
		if err := remove(root, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("tokencache: removing a file of the store: %w", err))
		}
	}
	return join(append(errs, syncDirectory(root))...)
}

// owner says what a file of the directory is about: the name of an account's file, that of the key check, or "" for the locks, and for
// files that are none of ours.
func owner(name string) string {
	of := strings.TrimSuffix(name, badSuffix)
	if rest, ok := strings.CutPrefix(name, temporaryPrefix); ok {
		of = rest[:max(0, strings.LastIndexByte(rest, '-'))]
	}
	if isAccountFile(of) || of == checkName {
		return of
	}
	return ""
}

// guardOf says which lock guards what belongs to an owner.
func guardOf(owner string) string {
	if owner == checkName {
		return storeLock
	}
	return lockOf(owner)
}
