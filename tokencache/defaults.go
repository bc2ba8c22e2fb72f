package tokencache

import (
	"fmt"
	"os"
	"path/filepath"
)

// DefaultDir is where the caches of the program called app belong by the system's conventions: $XDG_CACHE_HOME/app/tokens or
// ~/.cache/app/tokens, on macOS ~/Library/Caches/app/tokens, on Windows %LOCALAPPDATA%\app\tokens. It makes nothing.
func DefaultDir(app string) (string, error) {
	if err := checkProgram(app); err != nil {
		return "", err
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("tokencache: finding the user's cache directory: %w; name a directory explicitly", err)
	}
	return filepath.Join(dir, app, "tokens"), nil
}

// DefaultKeyFile is where a key file of the program called app belongs, for [KeyFile] and [NewKeyFile]: $XDG_CONFIG_HOME/app/cache.key or
// ~/.config/app/cache.key, on macOS ~/Library/Application Support/app/cache.key, on Windows %AppData%\app\cache.key. It makes nothing.
func DefaultKeyFile(app string) (string, error) {
	if err := checkProgram(app); err != nil {
		return "", err
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("tokencache: finding the user's configuration directory: %w; name a key file explicitly", err)
	}
	return filepath.Join(dir, app, "cache.key"), nil
}

func checkProgram(app string) error {
	if app != filepath.Base(app) || !filepath.IsLocal(app) || app == "." {
		return fmt.Errorf("tokencache: %q is not the name of a program", app)
	}
	return nil
}
