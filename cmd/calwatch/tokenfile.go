package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
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
type tokenFile struct{ *secretFile }

// newTokenFile fails if there is no such file now.
func newTokenFile(path string, environ []string, log *slog.Logger) (*tokenFile, error) {
	file, err := newSecretFile("token file", path, maxToken, environ, log)
	if err != nil {
		return nil, err
	}
	return &tokenFile{file}, nil
}

// Token implements auth.Provider.
func (t *tokenFile) Token(ctx context.Context, r auth.Request) (auth.Token, error) {
	value, err := t.value()
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
			if value, err = t.value(); err == nil && value != r.Rejected {
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

func (t *tokenFile) value() (string, error) {
	data, err := t.read()
	if err != nil {
		return "", err
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
