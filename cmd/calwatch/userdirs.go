package main

import (
	"errors"
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

// userDir takes a variable of Windows, a directory of macOS, and a variable and
// a directory of everything else.
func userDir(environ []string, windows, mac, variable, other string) (string, error) {
	home, _ := lookupEnv(environ, "HOME")
	switch runtime.GOOS {
	case "windows":
		if dir, _ := lookupEnv(environ, windows); dir != "" {
			return dir, nil
		}
		return "", errors.New("%" + windows + "% is not set")
	case "darwin":
		variable, other = "", mac
	}
	dir, _ := lookupEnv(environ, variable)
	switch {
	case variable != "" && dir != "" && !filepath.IsAbs(dir):
		return "", errors.New("$" + variable + " is no absolute path")
	case variable != "" && dir != "":
		return dir, nil
	case home == "":
		return "", errors.New("$HOME is not set")
	}
	return filepath.Join(home, other), nil
}
