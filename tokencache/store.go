package tokencache

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// storeLock is the lock for what concerns the directory as a whole. Accounts have other ones.
const storeLock = "store"

// A Store is a directory of encrypted token caches, one file for each account. It is safe for concurrent use, as is the
// directory by several Stores and processes.
type Store struct {
	root      *os.Root
	sealer    *sealer
	keySource string
	damaged   func(error)
}

// An Option changes how a [Store] works.
type Option func(*Store)

// OnDamaged has report called once for each file that was set aside, with an error that is [ErrDamaged] and says which file, why, and
// what follows. Default: slog.Default() gets it as a warning. report may be called from any goroutine that uses the Store.
func OnDamaged(report func(error)) Option {
	return func(s *Store) { s.damaged = report }
}

// Open opens the store in dir, which is made with mode 0700 if it is missing, and asks key for the key. Errors to tell apart:
// [ErrNoKey], [ErrWrongKey], [ErrUnsafe]. It waits up to 10 s for another process that is opening the same directory.
func Open(dir string, key KeySource, options ...Option) (*Store, error) {
	root, err := openDirectory(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{root: root, damaged: func(err error) { slog.Default().Warn(err.Error()) }}
	for _, option := range options {
		option(s)
	}
	if err := s.unlock(key); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return s, nil
}

// unlock gets the key and makes sure that it is the one. It holds the lock while it asks, since a source may make a new key:
// of two processes that start for the first time, the second must find the key of the first.
func (s *Store) unlock(source KeySource) error {
	release, err := lock(context.Background(), s.root, storeLock)
	if err != nil {
		return err
	}
	defer release()
	key, err := source.Key()
	if err != nil {
		return err
	}
	s.keySource = key.Source()
	if s.sealer, err = newSealer(key); err != nil {
		return err
	}
	if err := s.checkKey(); err != nil {
		return err
	}
	return sweep(s.root, time.Now())
}

// Close releases the directory. The Store and its accessors are of no use any more.
func (s *Store) Close() error { return s.root.Close() }

// KeySource says where the key came from, for example "key file /etc/calwatch/key".
func (s *Store) KeySource() string { return s.keySource }

// String names the directory.
func (s *Store) String() string { return "tokencache.Store(" + s.root.Name() + ")" }

// AccountInfo says who is stored.
type AccountInfo struct {
	ID          string // as given to [Store.Account]
	Username    string // usually an address, as the identity provider said it; "" if it did not
	TenantID    string // "realm" in MSAL's cache
	Environment string // the authority's host
}

// Accounts returns who is stored, sorted by ID. Accounts without any token, because they have signed out, are left out. It decrypts every
// file, so its price grows with their number. If some files cannot be read, it returns the others, and an error for those;
// damaged files are set aside and reported, and are no error.
func (s *Store) Accounts() ([]AccountInfo, error) {
	names, err := list(s.root)
	if err != nil {
		return nil, err
	}
	var infos []AccountInfo
	var errs []error
	for _, name := range names {
		if !isAccountFile(name) {
			continue
		}
		r, _, damage, err := s.load(context.Background(), name, nil)
		s.report(damage)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if info, ok := describe(r); ok {
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(a, b AccountInfo) int { return cmp.Compare(a.ID, b.ID) })
	return infos, errors.Join(errs...)
}

// describe reports whether r holds anything to sign in with, and for whom. If there are several entries for the account (one for
// each tenant it is a guest of), it takes the first by name.
func describe(r *record) (AccountInfo, bool) {
	if r == nil {
		return AccountInfo{}, false
	}
	var cache struct{ AccessToken, RefreshToken, Account map[string]json.RawMessage }
	if json.Unmarshal(r.Cache, &cache) != nil || len(cache.AccessToken)+len(cache.RefreshToken)+len(cache.Account) == 0 {
		return AccountInfo{}, false
	}
	info := AccountInfo{ID: r.ID}
	for _, name := range slices.Sorted(maps.Keys(cache.Account)) {
		var account struct {
			Username    string `json:"username"`
			Realm       string `json:"realm"`
			Environment string `json:"environment"`
		}
		if json.Unmarshal(cache.Account[name], &account) == nil {
			info.Username, info.TenantID, info.Environment = account.Username, account.Realm, account.Environment
			break
		}
	}
	return info, true
}

// Remove removes all that is stored of an account, and what was set aside of it. That there is nothing is no error. A client
// that is running with the account finds its cache empty at its next call.
func (s *Store) Remove(id string) error {
	name := s.sealer.name(id)
	release, err := lock(context.Background(), s.root, lockOf(name))
	if err != nil {
		return err
	}
	defer release()
	for _, victim := range []string{name, name + badSuffix} {
		if err := s.root.Remove(victim); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("tokencache: removing an account's file: %w", err)
		}
	}
	return syncDirectory(s.root)
}

// lockOf says which lock guards an account's file: one of 32, so that the locks, which stay, do not tell how many accounts there were.
func lockOf(name string) string { return name[:1] }

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
