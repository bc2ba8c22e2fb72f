package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

var (
	errNotRegular = errors.New("not a regular file")
	errTooLarge   = errors.New("it is too large")
)

// readRegular reads a file of at most limit bytes. It looks before it opens: a
// pipe would make it wait for somebody to write, a device might never end.
func readRegular(path string, limit int64) ([]byte, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s: %w", path, errNotRegular)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, nil, err
	case int64(len(data)) > limit:
		return nil, nil, fmt.Errorf("%s: %w: more than %d bytes", path, errTooLarge, limit)
	}
	return data, info, nil
}
