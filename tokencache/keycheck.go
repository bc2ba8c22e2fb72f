package tokencache

import (
	"errors"
	"fmt"
)

// checkName is the file that tells a wrong key from a damaged file: its content does not matter, only that the key opens it.
const checkName = "key-check"

// checkKey returns ErrWrongKey if the directory was written with another key. A new directory gets its check, and so does
// one whose check is missing or damaged, if the key opens the file of an account. The lock is held.
func (s *Store) checkKey() error {
	content, v, err := readFile(s.root, checkName, nil)
	if err != nil {
		return err
	}
	if v != nil {
		if _, err = s.sealer.open(checkName, content); err == nil {
			return nil
		}
		if !errors.Is(err, ErrDamaged) {
			return fmt.Errorf("tokencache: %s: %w", s.path(checkName), err)
		}
	}
	accounts, opened, err := s.tryKey()
	switch {
	case err != nil:
		return err
	case opened, v == nil && accounts == 0:
		_, err := writeFile(s.root, checkName, s.sealer.seal(checkName, nil))
		return err
	default:
		return s.wrongKey()
	}
}

// wrongKey says what may have happened, and what to do.
func (s *Store) wrongKey() error {
	dir := s.root.Name()
	remedy := "bring the right key, or " + command("rm", "-r", dir) + " and sign in again"
	if s.keyFate != "" { // there is no right key any more
		remedy = s.keyFate + ": " + command("rm", "-r", dir) + " and sign in again; a key file or a systemd credential lasts"
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
