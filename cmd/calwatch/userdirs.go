package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
)

// cacheHome and configHome are os.UserCacheDir and os.UserConfigDir for an
// environment that need not be the process's own.
func cacheHome(environ []string) (string, error) {
	return userDir(environ, "LocalAppData", "Library/Caches", "XDG_CACHE_HOME", ".cache")
}

func configHome(environ []string) (string, error) {
	return userDir(environ, "AppData", "Library/Application Support", "XDG_CONFIG_HOME", ".config")
}

// errNotSet says that nothing tells where a home is.
var errNotSet = errors.New("is not set")

// userDir takes a variable of Windows, a directory of macOS, and a variable and
// a directory of everything else.
func userDir(environ []string, windows, mac, variable, other string) (string, error) {
	switch runtime.GOOS {
	case "windows":
		return absolute(environ, windows)
	case "darwin":
		variable, other = "", mac
	}
	if variable != "" {
		if dir, err := absolute(environ, variable); !errors.Is(err, errNotSet) {
			return dir, err
		}
	}
	home, err := absolute(environ, "HOME")
	if err != nil {
		return "", err
	}
	return filepath.Join(home, other), nil
}

// absolute returns the directory that a variable names. What a relative one
// names would depend on where the program is started.
func absolute(environ []string, variable string) (string, error) {
	dir, _ := lookupEnv(environ, variable)
	shown := "$" + variable
	if runtime.GOOS == "windows" {
		shown = "%" + variable + "%"
	}
	switch {
	case dir == "":
		return "", fmt.Errorf("%s %w", shown, errNotSet)
	case !filepath.IsAbs(dir):
		return "", errors.New(shown + " is no absolute path")
	}
	return dir, nil
}
