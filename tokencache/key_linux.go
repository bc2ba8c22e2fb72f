package tokencache

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Keyring keeps the key in the kernel's keyring of the user, as a key of type "user" with the given description, for example "calwatch". If it is
// missing, it is made, at random. It never touches a disk and is gone after a reboot, or when the user's last process has ended: the
// cache then belongs to a lost key ([ErrWrongKey]). Where the kernel has no keyring, or a container
// is not allowed to use it, and on other systems than Linux, that is ErrNoKey.
func Keyring(description string) KeySource {
	return keySourceFunc(func() (Key, error) {
		source := "kernel keyring, key " + description
		// What a process may do with a key depends on whether it can be reached from a keyring of the calling thread.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		const user, thread = unix.KEY_SPEC_USER_KEYRING, unix.KEY_SPEC_THREAD_KEYRING
		if _, err := unix.KeyctlInt(unix.KEYCTL_LINK, user, thread, 0, 0); err != nil {
			return Key{}, noKey(source, "the kernel refuses: "+err.Error())
		}
		defer func() { _, _ = unix.KeyctlInt(unix.KEYCTL_UNLINK, user, thread, 0, 0) }()

		id, err := unix.KeyctlSearch(user, "user", description, 0)
		if errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYEXPIRED) || errors.Is(err, unix.EKEYREVOKED) {
			id, err = unix.AddKey("user", description, randomKey(source).secret(), user)
		}
		if err != nil {
			return Key{}, noKey(source, "the kernel refuses: "+err.Error())
		}
		content := make([]byte, keySize+1)
		n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, content, 0)
		if err != nil {
			return Key{}, fmt.Errorf("tokencache: %s: reading it: %w", source, err)
		}
		// The kernel says how long the key is, even if that is more than fits.
		return NewKey(content[:min(n, len(content))], source)
	})
}
