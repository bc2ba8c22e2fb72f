package tokencache

import (
	"crypto/rand"
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// Containers are often not allowed to use the keyring; then it has to say so, and be passed over.
func TestKeyringKeepsOneKeyOrHasNone(t *testing.T) {
	description := "calwatch-test-" + rand.Text()
	t.Cleanup(func() {
		if id, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, "user", description, 0); err == nil {
			_, _ = unix.KeyctlInt(unix.KEYCTL_UNLINK, id, unix.KEY_SPEC_USER_KEYRING, 0, 0)
		}
	})
	first, err := Keyring(description).Key()
	if errors.Is(err, ErrNoKey) {
		wantError(t, err, ErrNoKey, description, "the kernel refuses")
		t.Log(err)
		return
	}
	must(t, err)
	second := make(chan Key)
	go func() { // on another thread, perhaps
		key, err := Keyring(description).Key()
		if err != nil {
			t.Error(err)
		}
		second <- key
	}()
	if key := <-second; key.secret == nil || string(key.secret()) != string(first.secret()) {
		t.Error("the second time there is another key")
	}
	hasNoSecret(t, "the key", first.String())
}
