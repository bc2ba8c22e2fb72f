package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/calwatch/calwatch/tokencache"
)

// errNothingKept says that there is no token cache: none is wanted, or none is
// to be had, and nobody has asked for one.
var errNothingKept = errors.New("sign-ins are not kept")

// cacheFlags say where sign-ins are kept, and where the key is.
type cacheFlags struct {
	flags   *flags
	dir     string
	keyFile string
	keys    []string
}

func (c *cacheFlags) register(f *flags) {
	c.flags = f
	set := f.cmd.Flags()
	set.StringVar(&c.dir, "cache-dir", "", f.doc("cache-dir", "directory where sign-ins are kept, encrypted", "calwatch/tokens in the user's cache directory"))
	set.StringSliceVar(&c.keys, "cache-key", nil, f.doc("cache-key",
		"where the key is looked for, in this order: of credential, file, keyring, keychain, dpapi; or none, to keep nothing", defaultKeys(runtime.GOOS)))
	completeWords(f.cmd, "cache-key", keyNamesKnown())
	set.StringVar(&c.keyFile, "cache-key-file", "", f.doc("cache-key-file",
		"file with the key, which is made if it is missing; it alone is looked for", "calwatch/cache.key in the user's configuration directory"))
}

// explicit says whether somebody has said what to use. Then there is no doing
// without it.
func (c *cacheFlags) explicit() bool { return c.dir != "" || c.keyFile != "" || len(c.keys) > 0 }

// open opens the cache. It may make the directory and a key. errors.Is finds
// errNothingKept in the error if there is none to be had.
func (c *cacheFlags) open(environ []string, log *slog.Logger) (*tokencache.Store, error) {
	names, err := c.keyNames()
	if err != nil {
		return nil, usage(err)
	}
	if isNone(names) {
		return nil, fmt.Errorf("%w: %w", errNothingKept, errNotWanted)
	}
	dir, err := c.directory(environ)
	if err == nil {
		var store *tokencache.Store
		if store, err = c.unlock(dir, names, environ, log, false); err == nil {
			return store, nil
		}
	}
	if !c.explicit() && isUnavailable(err) {
		return nil, fmt.Errorf("%w: %w", errNothingKept, err)
	}
	return nil, err
}

// openExisting opens the cache, and makes nothing. errors.Is finds
// errNothingKept in the error if there is none, and only then is it sure that
// nobody is signed in.
func (c *cacheFlags) openExisting(environ []string, log *slog.Logger) (*tokencache.Store, error) {
	names, err := c.keyNames()
	if err != nil {
		return nil, usage(err)
	}
	dir, err := c.existing(environ)
	if err != nil {
		return nil, err
	}
	if isNone(names) {
		return nil, &unreadableError{dir, errNotWanted}
	}
	store, err := c.unlock(dir, names, environ, log, true)
	if err != nil {
		return nil, &unreadableError{dir, err}
	}
	return store, nil
}

var (
	errNotWanted   = errors.New("--cache-key is none")
	errNoDirectory = errors.New("there is no token cache")
	errNoHome      = errors.New("there is no place for a token cache")
	errNoKeyHome   = errors.New("there is no place for the key of the token cache")
)

// An unreadableError says that there is a cache, and no way to tell what is in
// it.
type unreadableError struct {
	dir string
	why error
}

// Error says where, and why.
func (e *unreadableError) Error() string {
	return fmt.Sprintf("the token cache in %s cannot be read, so it is not known who is signed in: %v", e.dir, e.why)
}

// Unwrap returns why.
func (e *unreadableError) Unwrap() error { return e.why }

// directory returns where the cache is, or would be.
func (c *cacheFlags) directory(environ []string) (string, error) {
	if c.dir != "" {
		return c.dir, nil
	}
	home, err := cacheHome(environ)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoHome, err)
	}
	return filepath.Join(home, "calwatch", "tokens"), nil
}

// existing returns where the cache is. errors.Is finds errNothingKept in the
// error if there is none.
func (c *cacheFlags) existing(environ []string) (string, error) {
	dir, err := c.directory(environ)
	switch {
	case errors.Is(err, errNotSet):
		return "", fmt.Errorf("%w: %w", errNothingKept, err)
	case err != nil:
		return "", fmt.Errorf("it is not known who is signed in: %w", err)
	}
	_, err = os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return "", fmt.Errorf("%w: %w in %s", errNothingKept, errNoDirectory, dir)
	case err != nil:
		return "", &unreadableError{dir, err}
	}
	return dir, nil
}

// unlock opens the directory with a key from one of these places.
func (c *cacheFlags) unlock(dir string, names, environ []string, log *slog.Logger, onlyExisting bool) (*tokencache.Store, error) {
	key, err := keySource(names, c.keyFile, environ)
	if err != nil {
		return nil, err
	}
	options := []tokencache.Option{tokencache.OnDamaged(func(err error) { log.Warn(err.Error()) })}
	if onlyExisting {
		options = append(options, tokencache.ExistingOnly())
	}
	return tokencache.Open(dir, key, options...)
}

// isUnavailable says whether a cache cannot be had on this machine as it is set
// up: a service without a home, a container that is read-only, a full disk. A
// cache that exists and cannot be trusted, or read, is another matter.
func isUnavailable(err error) bool {
	for _, target := range []error{
		errNoHome, errNoKeyHome, tokencache.ErrNoKey, fs.ErrPermission, fs.ErrNotExist, syscall.EROFS, syscall.ENOTDIR, syscall.ENOSPC,
	} {
		if errors.Is(err, target) {
			return !errors.Is(err, tokencache.ErrWrongKey) && !errors.Is(err, tokencache.ErrUnsafe)
		}
	}
	return false
}
