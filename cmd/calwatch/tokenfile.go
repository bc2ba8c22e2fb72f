package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

const (
	maxToken = 64 << 10
	// rotation is how long a refused token may stay in the file: whatever
	// writes the file may be a moment late. It is less than outlookstream
	// waits for a provider.
	rotation      = 30 * time.Second
	rotationCheck = 500 * time.Millisecond
)

// tokenFile is an auth.Provider that reads the token from a file whenever one
// is needed.
type tokenFile struct {
	path    string
	private bool // whatever its mode says
	log     *slog.Logger
	warn    sync.Once
}

// newTokenFile fails if there is no such file now. Later that is taken for
// a moment between two files.
func newTokenFile(path string, environ []string, log *slog.Logger) (*tokenFile, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return &tokenFile{path: path, private: isCredential(path, environ), log: log}, nil
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

// Token implements auth.Provider.
func (t *tokenFile) Token(ctx context.Context, r auth.Request) (auth.Token, error) {
	value, err := t.read()
	if r.Rejected == "" || err == nil && value != r.Rejected {
		return auth.Token{Value: value}, err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.log.Info("the token file is missing, waiting for it", "file", t.path)
	case err != nil:
		t.log.Info("there is no token in the token file, waiting for one", "file", t.path, "err", err)
	default:
		t.log.Info("the token was refused, waiting for another one in its file", "file", t.path)
	}
	end := time.NewTimer(rotation)
	defer end.Stop()
	check := time.NewTicker(rotationCheck)
	defer check.Stop()
	for {
		select {
		case <-check.C:
			if value, err = t.read(); err == nil && value != r.Rejected {
				return auth.Token{Value: value}, nil
			}
		case <-end.C:
			if err != nil {
				return auth.Token{}, err
			}
			return auth.Token{}, fmt.Errorf("%w: the token in %s was refused, and no other was written there within %v",
				auth.ErrRejected, t.path, rotation)
		case <-ctx.Done():
			return auth.Token{}, context.Cause(ctx)
		}
	}
}

func (t *tokenFile) read() (string, error) {
	data, info, err := readRegular(t.path, maxToken)
	switch {
	case errors.Is(err, errNotRegular), errors.Is(err, errTooLarge):
		return "", fmt.Errorf("%w: token file: %w", auth.ErrMisconfigured, err)
	case err != nil:
		return "", fmt.Errorf("token file: %w", err)
	}
	if runtime.GOOS != "windows" && !t.private && info.Mode().Perm()&0o077 != 0 {
		t.warn.Do(func() {
			t.log.Warn("other users of this machine may be able to read the token file: chmod 600", "file", t.path,
				"mode", fmt.Sprintf("%#o", info.Mode().Perm()))
		})
	}
	value := strings.TrimSpace(string(data))
	if value == "" {
		return "", errors.New("token file: " + t.path + " is empty")
	}
	if what := unfit(value); what != "" {
		return "", fmt.Errorf("%w: token file: %s holds %s", auth.ErrMisconfigured, t.path, what)
	}
	return value, nil
}
