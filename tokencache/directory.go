package tokencache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// DefaultDir is where the caches of the program called app belong by the system's conventions: $XDG_CACHE_HOME/app/tokens or
// ~/.cache/app/tokens, on macOS ~/Library/Caches/app/tokens, on Windows %LOCALAPPDATA%\app\tokens. It makes nothing.
func DefaultDir(app string) (string, error) {
	if app != filepath.Base(app) || !filepath.IsLocal(app) || app == "." {
		return "", fmt.Errorf("tokencache: %q is not the name of a program", app)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("tokencache: finding the user's cache directory: %w; name a directory explicitly", err)
	}
	return filepath.Join(dir, app, "tokens"), nil
}

// openDirectory opens the directory, which it makes if it is missing, and makes sure that it is this user's alone.
func openDirectory(dir string) (*os.Root, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("tokencache: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, fmt.Errorf("tokencache: making the directory: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("tokencache: making the directory: %w", err)
	}
	named, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("tokencache: looking at the directory: %w", err)
	}
	if !named.IsDir() {
		return nil, refuse(dir, "is a link or a file", "name a directory of its own")
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
		err = vet(dir, opened, "700")
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}
