//go:build unix

package tokencache

import (
	"os"
	"path/filepath"
	"testing"
)

func TestKeyFileOpenToOthersOrALinkIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(path, theKey, 0o600))
	must(t, os.Chmod(path, 0o640))
	_, err := KeyFile(path).Key()
	wantError(t, err, ErrUnsafe, "chmod 600 "+path)
	link := filepath.Join(t.TempDir(), "key")
	must(t, os.Symlink(path, link))
	_, err = NewKeyFile(link).Key()
	wantError(t, err, ErrUnsafe, link, "is a link")
}
