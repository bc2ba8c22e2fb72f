package tokencache

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// checkName is the file that tells a wrong key from a damaged file: its content does not matter, only that the key opens it.
const checkName = "key-check"

// checkKey returns ErrWrongKey if the directory was written with another key. A new directory gets its check, and so does
// one whose check is missing or damaged, if the key opens the file of an account, unless nothing is to be made. The lock is held.
func (s *Store) checkKey() error {
	there, opened, err := s.tryCheck()
	if err != nil || opened {
		return err
	}
	accounts, opened, err := s.tryKey()
	switch {
	case err != nil:
		return err
	case opened, !there && accounts == 0:
		if s.existing {
			return nil
		}
		_, err := writeFile(s.root, checkName, s.sealer.seal(checkName, nil))
		return err
	default:
		return s.wrongKey()
	}
}

// tryCheck looks whether the key check is there, and whether the key opens it.
func (s *Store) tryCheck() (there, opened bool, err error) {
	content, v, err := readFile(s.root, checkName, nil)
	if err != nil || v == nil {
		return false, false, err
	}
	if _, err = s.sealer.open(checkName, content); err != nil && !errors.Is(err, ErrDamaged) {
		return true, false, fmt.Errorf("tokencache: %s: %w", s.path(checkName), err)
	}
	return true, err == nil, nil
}

// stillOurs returns ErrWrongKey if the directory, since it was opened, was emptied and is used with another key. Its files are not
// damaged then, and not ours.
func (s *Store) stillOurs() error {
	there, opened, err := s.tryCheck()
	if err != nil || opened || !there {
		return err
	}
	return fmt.Errorf("tokencache: %w: the cache in %s was emptied and is used with another key now than that of %s; start this program anew with that key",
		ErrWrongKey, s.root.Name(), s.keySource)
}

// isWritten reports whether something was stored that only a certain key opens.
func (s *Store) isWritten() (bool, error) {
	names, err := list(s.root)
	return slices.ContainsFunc(names, func(name string) bool { return name == checkName || isAccountFile(name) }), err
}

// lostKeyError is an error that is ErrNoKey, and ErrWrongKey as well.
type lostKeyError struct{ error }

func (e lostKeyError) Unwrap() []error { return []error{e.error, ErrWrongKey} }

// lostKey says that there is no key although something is stored, and what to do.
func (s *Store) lostKey(none error) error {
	return lostKeyError{fmt.Errorf("tokencache: %w: the cache in %s was written with another key, which is not to be found (%s); bring it back, or %s",
		ErrNoKey, s.root.Name(), strings.Join(placesOf(none), "; "), s.beginningAnew())}
}

// beginningAnew says how to do without what is stored.
func (s *Store) beginningAnew() string {
	dir := s.root.Name()
	if info, err := s.root.Stat("."); err != nil || isOthersToo(s.root, info) {
		return "remove the cache's own files from " + dir + ", where there are others, too, and sign in again"
	}
	return command("rm", "-r", dir) + " and sign in again"
}

// wrongKey says what may have happened, and what to do.
func (s *Store) wrongKey() error {
	dir := s.root.Name()
	remedy := "bring the right key, or " + s.beginningAnew()
	if s.keyFate != "" { // there is no right key any more
		remedy = s.keyFate + ": " + s.beginningAnew() + "; a key file or a systemd credential lasts"
	}
	return fmt.Errorf("tokencache: %w: the cache in %s was written with another key than that of %s; %s", ErrWrongKey, dir, s.keySource, remedy)
}

// tryKey counts the files of accounts, up to the first that the key opens.
func (s *Store) tryKey() (accounts int, opened bool, err error) {
	names, err := list(s.root)
	if err != nil {
		return 0, false, err
	}
	for _, name := range names {
		if !isAccountFile(name) {
			continue
		}
		accounts++
		if r, _, err := s.read(name, nil); err == nil && r != nil {
			return accounts, true, nil
		}
	}
	return accounts, false, nil
}
