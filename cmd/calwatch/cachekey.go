package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/calwatch/calwatch/tokencache"
)

// Where the key of the token cache can be.
const (
	keyCredential = "credential"
	keyFile       = "file"
	keyKeyring    = "keyring"
	keyKeychain   = "keychain"
	keyDPAPI      = "dpapi"
	keyNone       = "none" // no cache
)

// What the key is called where it needs a name. The credential's is what a unit
// of systemd has to load.
const (
	credentialName = "calwatch.key"
	keyName        = "calwatch"
	keyFileName    = "cache.key"
	dpapiFileName  = "cache.key.dpapi"
)

// isNone says whether no cache is wanted.
func isNone(names []string) bool { return len(names) == 1 && names[0] == keyNone }

// defaultKeys is the order that a system has unless --cache-key says otherwise.
func defaultKeys(system string) string {
	switch system {
	case "windows":
		return keyDPAPI
	case "darwin":
		return keyKeychain + "," + keyFile
	default:
		return keyCredential + "," + keyFile
	}
}

// keyNames decides where the key is looked for. What the command line says of it
// wins over whatever the environment says, and that over the default.
func (c *cacheFlags) keyNames() ([]string, error) {
	for _, given := range []func(name string) bool{c.flags.onCommandLine, c.flags.inEnvironment} {
		file := c.keyFile != "" && given("cache-key-file")
		switch {
		case len(c.keys) > 0 && given("cache-key"):
			if err := checkKeyNames(c.keys); err != nil {
				return nil, err
			}
			if file && !slices.Contains(c.keys, keyFile) {
				return nil, errors.New("--cache-key-file is set, and --cache-key does not name file")
			}
			return c.keys, nil
		case file:
			return []string{keyFile}, nil
		}
	}
	return strings.Split(defaultKeys(runtime.GOOS), ","), nil
}

func keyNamesKnown() []string {
	return []string{keyCredential, keyFile, keyKeyring, keyKeychain, keyDPAPI, keyNone}
}

func checkKeyNames(names []string) error {
	known := keyNamesKnown()
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("--cache-key: %q is not one of %s", name, strings.Join(known, ", "))
		}
	}
	if len(names) > 1 && slices.Contains(names, keyNone) {
		return errors.New("--cache-key: none goes with no other")
	}
	return nil
}

// keySource returns what looks in these places. Where a key may be missing it
// is made, unless the cache is opened for what exists only. path is that of a
// key file, or "".
func keySource(names []string, path string, environ []string) (tokencache.KeySource, error) {
	var sources []tokencache.KeySource
	for _, name := range names {
		switch name {
		case keyCredential:
			sources = append(sources, tokencache.Credential(credentialName))
		case keyFile:
			path, err := keyPath(path, configHome, keyFileName, environ)
			if err != nil {
				return nil, err
			}
			sources = append(sources, tokencache.NewKeyFile(path))
		case keyKeyring:
			sources = append(sources, tokencache.Keyring(keyName))
		case keyKeychain:
			sources = append(sources, tokencache.Keychain(keyName))
		case keyDPAPI:
			path, err := keyPath("", cacheHome, dpapiFileName, environ)
			if err != nil {
				return nil, err
			}
			sources = append(sources, tokencache.DPAPI(path))
		}
	}
	return tokencache.First(sources...), nil
}

// keyPath returns the path of a key file: the one that is given, or that with
// the name in a home.
func keyPath(given string, home func([]string) (string, error), name string, environ []string) (string, error) {
	if given != "" {
		return given, nil
	}
	dir, err := home(environ)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoKeyHome, err)
	}
	return filepath.Join(dir, "calwatch", name), nil
}
