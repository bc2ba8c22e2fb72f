package tokencache

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// maxKeyFile is more than any form of a key needs.
const maxKeyFile = 4 << 10

// KeyFile reads the key from a file: 32 bytes or their base64, mode 0600, of the process's own user, no link. It belongs
// outside of the cache's directory, on something that is not copied along with it.
func KeyFile(path string) KeySource {
	return keySourceFunc(func() (Key, error) { return readKeyFile(path) })
}

// NewKeyFile is KeyFile for a program that may make the key itself: if the file is missing, it is made, with a random key.
// Of several processes that do so at the same time one succeeds, and all get its key.
func NewKeyFile(path string) KeySource {
	return makingSource(func(create bool) (Key, error) {
		if !create {
			return readKeyFile(path)
		}
		return keyInFile(path, readKeyFile, func() ([]byte, error) {
			text := base64.StdEncoding.EncodeToString(randomKey("").secret()) + "\n"
			return []byte(text), nil
		})
	})
}

// keyInFile reads the key from a file. If that is missing, it is made, with what create returns.
func keyInFile(path string, read func(path string) (Key, error), create func() ([]byte, error)) (Key, error) {
	key, err := read(path)
	if errors.Is(err, ErrNoKey) {
		content, failed := create()
		if failed != nil {
			return Key{}, failed
		}
		if err := createFile(path, content); err != nil {
			return Key{}, err
		}
		key, err = read(path)
	}
	if err != nil {
		return Key{}, err
	}
	if root, err := os.OpenRoot(filepath.Dir(path)); err == nil {
		defer root.Close()
		sweep(root, temporaryPrefix+filepath.Base(path)+"-", time.Now())
	}
	return key, nil
}

func keyFileSource(path string) string { return "key file " + path }

func readKeyFile(path string) (Key, error) {
	source := keyFileSource(path)
	content, err := readSecretFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, noKey(source, "it does not exist")
	}
	if err != nil {
		return Key{}, err
	}
	return NewKey(content, source)
}

// readSecretFile reads a small file that must be the user's own.
func readSecretFile(path string) ([]byte, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("tokencache: reading the key: %w", err)
	}
	defer root.Close()
	f, _, err := openOwn(root, filepath.Base(path), os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := readSmall(f)
	if err != nil {
		return nil, fmt.Errorf("tokencache: reading the key: %w", err)
	}
	return content, nil
}

// createFile makes a file with content, if there is none yet: another process may have been faster, and then its key counts. The file
// appears complete or not at all, for the same reason.
func createFile(path string, content []byte) error {
	dir, name := filepath.Dir(path), filepath.Base(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("tokencache: making the directory of the key: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("tokencache: making the key file: %w", err)
	}
	defer root.Close()
	temporary, _, err := writeTemporary(root, name, content)
	if err == nil {
		if err = root.Link(temporary, name); errors.Is(err, fs.ErrExist) {
			err = nil
		}
		err = join(err, root.Remove(temporary), syncDirectory(root))
	}
	if err != nil {
		return fmt.Errorf("tokencache: making key file %s: %w", path, err)
	}
	return nil
}

// Credential reads the key from a systemd credential, the file $CREDENTIALS_DIRECTORY/name: 32 bytes or their base64. A unit gets one by
// LoadCredentialEncrypted=, SetCredentialEncrypted= or LoadCredential=. systemd hands it to the service's user with the rights it needs, in a
// directory of that service alone and in memory that is not swapped out, so its modes are not looked at.
func Credential(name string) KeySource {
	return keySourceFunc(func() (Key, error) {
		source := "systemd credential " + name
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return Key{}, noKey(source, "$CREDENTIALS_DIRECTORY is not set")
		}
		content, err := readCredential(dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			return Key{}, noKey(source, "it is not in $CREDENTIALS_DIRECTORY")
		}
		if err != nil {
			return Key{}, fmt.Errorf("tokencache: %s: %w", source, err)
		}
		return NewKey(content, source)
	})
}

func readCredential(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a named pipe must not hold us up
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, join(errors.New("it is not a regular file"), err)
	}
	return readSmall(f)
}

// readSmall reads a file up to one byte more than a key file may have; so much is no key.
func readSmall(r io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, maxKeyFile+1))
}
