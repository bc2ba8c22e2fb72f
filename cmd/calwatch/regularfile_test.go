package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestOnlyRegularFilesOfABoundedSizeAreRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("12345678"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, _, err := readRegular(path, 8); err != nil || string(data) != "12345678" {
		t.Errorf("%q, %v", data, err)
	}
	for name, tt := range map[string]struct {
		path string
		is   error
	}{
		"too large":   {path, errTooLarge},
		"a directory": {dir, errNotRegular},
		"a device":    {os.DevNull, errNotRegular},
		"missing":     {filepath.Join(dir, "none"), fs.ErrNotExist},
	} {
		if _, _, err := readRegular(tt.path, 7); !errors.Is(err, tt.is) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
