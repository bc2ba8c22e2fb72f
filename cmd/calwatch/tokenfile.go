package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
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
	path string
	log  *slog.Logger
	warn sync.Once
}

// newTokenFile fails if there is no such file now. Later that is taken for
// a moment between two files.
func newTokenFile(path string, log *slog.Logger) (*tokenFile, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return &tokenFile{path: path, log: log}, nil
}

// Token implements auth.Provider.
func (t *tokenFile) Token(ctx context.Context, r auth.Request) (auth.Token, error) {
	value, err := t.read()
	if r.Rejected == "" || err == nil && value != r.Rejected {
		return auth.Token{Value: value}, err
	}
	t.log.Info("the token was refused, waiting for another one in its file", "file", t.path)
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
	f, err := os.Open(t.path)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		t.warn.Do(func() {
			t.log.Warn("other users of this machine may be able to read the token file: chmod 600", "file", t.path,
				"mode", fmt.Sprintf("%#o", info.Mode().Perm()))
		})
	}
	data, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	value := strings.TrimSpace(string(data))
	switch {
	case err != nil:
		return "", fmt.Errorf("token file: %w", err)
	case len(data) > maxToken:
		return "", errors.New("token file: " + t.path + " is larger than any token")
	case value == "":
		return "", errors.New("token file: " + t.path + " is empty")
	}
	return value, nil
}
