package tokencache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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
	return s.remove(lockOf(account), func(of string) bool { return of == account })
}

// RemoveAll removes all accounts as Remove does, in whatever state they are, and what tells a wrong key: the directory can then be used with
// another key. The directory stays, with its lock files, which are empty and whose names say nothing: while anybody may use them, to remove them
// is not safe. Files that are not the Store's are not touched. What signs in meanwhile may stay.
func (s *Store) RemoveAll() error {
	names, err := list(s.root)
	if err != nil {
		return err
	}
	locks := map[string]bool{}
	for _, name := range names {
		if of := owner(name); of != "" {
			locks[guardOf(of)] = true
		}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(locks)) {
		errs = append(errs, s.remove(name, func(of string) bool { return guardOf(of) == name }))
	}
	return errors.Join(errs...)
}

// remove removes the files of those owners for which all is true, which the lock guards. A temporary file is left over if nobody has the lock.
func (s *Store) remove(lockName string, all func(owner string) bool) error {
	release, err := lock(context.Background(), s.root, lockName)
	if err != nil {
		return err
	}
	defer release()
	names, err := list(s.root)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if of := owner(name); of == "" || !all(of) {
			continue
		}
		if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("tokencache: removing a file of the store: %w", err))
		}
	}
	return errors.Join(append(errs, syncDirectory(s.root))...)
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
