package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A secretFile is a file with a secret in it, which is read again whenever that
// is needed: it may have been replaced.
type secretFile struct {
	what    string // "token file", for errors
	path    string
	limit   int64
	private bool // whatever its mode says
	log     *slog.Logger
	warn    sync.Once
}

// newSecretFile fails if there is no such file now. Later that is taken for
// a moment between two files.
func newSecretFile(what, path string, limit int64, environ []string, log *slog.Logger) (*secretFile, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return &secretFile{what: what, path: path, limit: limit, private: isCredential(path, environ), log: log}, nil
}

// isCredential says whether the file is one of those that systemd has put where
// only this service can read them. It lets the service's user in by an ACL, which
// shows as permissions of the group.
func isCredential(path string, environ []string) bool {
	dir, _ := lookupEnv(environ, "CREDENTIALS_DIRECTORY")
	path, err := filepath.Abs(path)
	if dir == "" || err != nil {
		return false
	}
	below, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(below)
}

// read returns the file's content. Its errors are transient, except that it is
// no file at all or a huge one: then it is auth.ErrMisconfigured.
func (f *secretFile) read() ([]byte, error) {
	data, info, err := readRegular(f.path, f.limit)
	switch {
	case errors.Is(err, errNotRegular), errors.Is(err, errTooLarge):
		return nil, fmt.Errorf("%w: %s: %w", auth.ErrMisconfigured, f.what, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", f.what, err)
	}
	f.checkMode(info)
	return data, nil
}

func (f *secretFile) checkMode(info fs.FileInfo) {
	if runtime.GOOS == "windows" || f.private || info.Mode().Perm()&0o077 == 0 {
		return
	}
	f.warn.Do(func() {
		f.log.Warn("other users of this machine may be able to read the "+f.what+": chmod 600", "file", f.path,
			"mode", fmt.Sprintf("%#o", info.Mode().Perm()))
	})
}

// line returns what is in the file, which is one line, without white space
// around it.
func (f *secretFile) line() (string, error) {
	data, err := f.read()
	if err != nil {
		return "", err
	}
	value := strings.TrimSpace(string(data))
	switch {
	case value == "":
		return "", fmt.Errorf("%s: %s is empty", f.what, f.path)
	case !isLine(value):
		return "", fmt.Errorf("%w: %s: %s holds more than one line, or no text (it may be saved as UTF-16, or with a byte order mark): only the secret belongs there",
			auth.ErrMisconfigured, f.what, f.path)
	}
	return value, nil
}

// isLine says whether a text is one line of text.
func isLine(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || r == '\ufeff' || unicode.IsControl(r) })
}
