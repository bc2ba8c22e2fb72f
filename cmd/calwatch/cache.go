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
	set.StringVar(&c.keyFile, "cache-key-file", "", f.doc("cache-key-file",
		"file with the key, which is made if it is missing; it alone is looked for", "calwatch/cache.key in the user's configuration directory"))
}

// explicit says whether somebody has said what to use. Then there is no doing
// without it.
func (c *cacheFlags) explicit() bool { return c.dir != "" || c.keyFile != "" || len(c.keys) > 0 }

// open opens the cache. It may make the directory and a key, unless only what
// exists is wanted. errors.Is finds errNothingKept in the error if there is none.
func (c *cacheFlags) open(environ []string, log *slog.Logger, onlyExisting bool) (*tokencache.Store, error) {
	names, err := c.keyNames()
	if err != nil {
		return nil, usage(err)
	}
	if len(names) == 1 && names[0] == keyNone {
		return nil, fmt.Errorf("%w: %w", errNothingKept, errNotWanted)
	}
	store, err := c.openWith(names, environ, log, onlyExisting)
	switch {
	case err == nil:
		return store, nil
	case !c.explicit() && isUnavailable(err), onlyExisting && errors.Is(err, errNoDirectory):
		return nil, fmt.Errorf("%w: %w", errNothingKept, err)
	default:
		return nil, err
	}
}

var (
	errNotWanted   = errors.New("--cache-key is none")
	errNoDirectory = errors.New("there is no token cache")
	errNoHome      = errors.New("there is no place for a token cache")
)

func (c *cacheFlags) openWith(names []string, environ []string, log *slog.Logger, onlyExisting bool) (*tokencache.Store, error) {
	dir := c.dir
	if dir == "" {
		home, err := cacheHome(environ)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNoHome, err)
		}
		dir = filepath.Join(home, "calwatch", "tokens")
	}
	if _, err := os.Lstat(dir); onlyExisting && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w in %s", errNoDirectory, dir)
	}
	key, err := keySource(names, c.keyFile, environ, onlyExisting)
	if err != nil {
		return nil, err
	}
	return tokencache.Open(dir, key, tokencache.OnDamaged(func(err error) { log.Warn(err.Error()) }))
}

// isUnavailable says whether a cache cannot be had on this machine as it is set
// up: a service without a home, a container that is read-only, a full disk. A
// cache that exists and cannot be trusted, or read, is another matter.
func isUnavailable(err error) bool {
	for _, target := range []error{
		errNoHome, tokencache.ErrNoKey, fs.ErrPermission, fs.ErrNotExist, syscall.EROFS, syscall.ENOTDIR, syscall.ENOSPC,
	} {
		if errors.Is(err, target) {
			return !errors.Is(err, tokencache.ErrWrongKey) && !errors.Is(err, tokencache.ErrUnsafe)
		}
	}
	return false
}
