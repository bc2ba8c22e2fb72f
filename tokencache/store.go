package tokencache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// A Store is a directory of encrypted token caches, one file for each account. It is safe for concurrent use, as is the
// directory by several Stores and processes.
type Store struct {
	root      *os.Root
	sealer    *sealer
	keySource string
	keyFate   string
	damaged   func(error)
	existing  bool // Open makes nothing
	renewals  *turns
}

// An Option changes how a [Store] works.
type Option func(*Store)

// OnDamaged has report called once for each file that was set aside, with an error that is [ErrDamaged] and says which file, why, and
// what follows. Default: slog.Default() gets it as a warning. report may be called from any goroutine that uses the Store.
func OnDamaged(report func(error)) Option {
	return func(s *Store) { s.damaged = report }
}

// ExistingOnly has Open open only what is there: it makes neither the directory, nor a key, nor any file, whatever the
// key source may make else. If there is no directory, errors.Is finds fs.ErrNotExist in the error. The Store that is opened is one like any
// other: to store in it is to make files.
func ExistingOnly() Option {
	return func(s *Store) { s.existing = true }
}

// Open opens the store in dir, which is made with mode 0700 if it is missing, and asks key for the key. Errors to tell apart:
// [ErrNoKey], [ErrWrongKey], [ErrUnsafe]. It waits up to 10 s for another process that is opening the same directory.
//
// If something is stored in dir already, no source of this package makes a key, as it could not be the right one.
func Open(dir string, key KeySource, options ...Option) (*Store, error) {
	s := &Store{renewals: newTurns(), damaged: func(err error) { slog.Default().Warn(err.Error()) }}
	for _, option := range options {
		option(s)
	}
	var err error
	if s.root, err = openDirectory(dir, !s.existing); err != nil {
		return nil, err
	}
	if err := s.unlock(key); err != nil {
		return nil, join(err, s.root.Close())
	}
	return s, nil
}

// unlock gets the key and makes sure that it is the one. It holds the lock while it asks, since a source may make a new key:
// of two processes that start for the first time, the second must find the key of the first. If nothing is to be made, it needs no lock,
// which would be a file.
func (s *Store) unlock(source KeySource) error {
	if !s.existing {
		release, err := lock(context.Background(), s.root, storeLock)
		if err != nil {
			return err
		}
		defer release()
	}
	written, err := s.isWritten()
	if err != nil {
		return err
	}
	key, err := find(source, !s.existing && !written)
	if written && errors.Is(err, ErrNoKey) {
		return s.lostKey(err)
	}
	if err != nil {
		return err
	}
	s.keySource, s.keyFate = key.source, key.fate
	if s.sealer, err = newSealer(key); err != nil {
		return err
	}
	if err := s.checkKey(); err != nil {
		return err
	}
	if !s.existing {
		sweep(s.root, temporaryPrefix, time.Now())
	}
	return nil
}

// Close releases the directory. The Store and its accessors are of no use any more.
func (s *Store) Close() error { return s.root.Close() }

// Dir is the directory, as an absolute path.
func (s *Store) Dir() string { return s.root.Name() }

// KeySource says where the key came from, for example "key file /etc/calwatch/key".
func (s *Store) KeySource() string { return s.keySource }

// String names the directory.
func (s *Store) String() string { return "tokencache.Store(" + s.root.Name() + ")" }

// load reads an account's file. If it is the known version, or there is none, the record is nil. A damaged file is set aside.
// What is to be reported of it is damage; the caller does so when it holds no lock.
func (s *Store) load(ctx context.Context, name string, known *version) (r *record, v *version, damage, err error) {
	r, v, err = s.read(name, known)
	if !errors.Is(err, ErrDamaged) {
		return r, v, nil, err
	}
	release, err := lock(ctx, s.root, lockOf(name))
	if err != nil {
		return nil, nil, nil, err
	}
	defer release()
	return s.loadLocked(name)
}

// loadLocked is load for those who have the lock.
func (s *Store) loadLocked(name string) (r *record, v *version, damage, err error) {
	r, v, err = s.read(name, nil)
	if !errors.Is(err, ErrDamaged) {
		return r, v, nil, err
	}
	if err := s.stillOurs(); err != nil {
		return nil, nil, nil, err
	}
	if moved := rename(s.root, name, name+badSuffix); moved != nil {
		return nil, nil, nil, fmt.Errorf("tokencache: setting aside %s: %w", s.path(name), moved)
	}
	return nil, nil, fmt.Errorf("%w; it is now %s, and its account has to sign in again", err, name+badSuffix), nil
}

func (s *Store) report(damage error) {
	if damage != nil {
		s.damaged(damage)
	}
}

// read reads an account's file as it is.
func (s *Store) read(name string, known *version) (*record, *version, error) {
	content, v, err := readFile(s.root, name, known)
	if err != nil || v == nil || content == nil && v.is(known) {
		return nil, v, err
	}
	r, err := s.sealer.openRecord(name, content)
	if err != nil {
		return nil, nil, fmt.Errorf("tokencache: %s: %w", s.path(name), err)
	}
	return &r, v, nil
}

func (s *Store) path(name string) string { return filepath.Join(s.root.Name(), name) }
