package tokencache

import (
	"os"
	"path/filepath"
	"testing"
)

func addMakers(t *testing.T, all map[string]func() (KeySource, func() bool)) {
	all["DPAPI"] = func() (KeySource, func() bool) {
		path := filepath.Join(t.TempDir(), "key")
		return DPAPI(path), func() bool {
			_, err := os.Stat(path)
			return err == nil
		}
	}
}
