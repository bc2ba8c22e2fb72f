package tokencache

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Keyring keeps the key in the kernel's keyring of the user, as a key of type "user" with the given description, for example "calwatch". If it is
// missing, it is made, at random. It never touches a disk and is gone after a reboot, or when the user's last process has ended: the
// cache then belongs to a lost key ([ErrWrongKey]), and who was signed in has to sign in again. Any process of the user may read it.
// Where the kernel has no keyring, or a container is not allowed to use it (Docker's default seccomp profile forbids it), and on
// other systems than Linux, that is ErrNoKey.
func Keyring(description string) KeySource { return keyringKey(description, kernel{}) }

const (
	userKeyring   = unix.KEY_SPEC_USER_KEYRING
	threadKeyring = unix.KEY_SPEC_THREAD_KEYRING

	keyringFate = "the kernel forgets keys at a reboot, and when the user's last process has ended"
)

// keyctl is what the kernel does with keys.
type keyctl interface {
	link(key, ring int) error
	unlink(key, ring int) error
	search(ring int, description string) (key int, err error)
	add(ring int, description string, content []byte) (key int, err error)
	read(key int, content []byte) (size int, err error)
}

func keyringKey(description string, keys keyctl) KeySource {
	return makingSource(func(create bool) (Key, error) {
		source := "kernel keyring, key " + description
		// What a process may do with a key depends on whether it can be reached from a keyring of the calling thread.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := keys.link(userKeyring, threadKeyring); err != nil {
			return Key{}, noKey(source, refusal(err))
		}
		defer func() { _ = keys.unlink(userKeyring, threadKeyring) }()

		id, err := keys.search(userKeyring, description)
		if errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYEXPIRED) || errors.Is(err, unix.EKEYREVOKED) {
			if !create {
				return Key{}, noKey(source, "it is not there ("+keyringFate+")")
			}
			id, err = keys.add(userKeyring, description, randomKey(source).secret())
		}
		if err != nil {
			return Key{}, noKey(source, refusal(err))
		}
		content := make([]byte, keySize+1)
		n, err := keys.read(id, content)
		if err != nil {
			return Key{}, fmt.Errorf("tokencache: %s: reading it: %w", source, err)
		}
		// The kernel says how long the key is, even if that is more than fits.
		key, err := NewKey(content[:min(n, len(content))], source)
		key.fate = keyringFate
		return key, err
	})
}

// refusal says why there is no keyring.
func refusal(err error) string {
	switch err {
	case unix.EPERM, unix.ENOSYS:
		return "the kernel refuses: " + err.Error() + " (containers often forbid keyctl)"
	default:
		return "the kernel refuses: " + err.Error()
	}
}

// kernel is the real one.
type kernel struct{}

func (kernel) link(key, ring int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_LINK, key, ring, 0, 0)
	return err
}

func (kernel) unlink(key, ring int) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_UNLINK, key, ring, 0, 0)
	return err
}

func (kernel) search(ring int, description string) (int, error) {
	return unix.KeyctlSearch(ring, "user", description, 0)
}

func (kernel) add(ring int, description string, content []byte) (int, error) {
	return unix.AddKey("user", description, content, ring)
}

func (kernel) read(key int, content []byte) (int, error) {
	return unix.KeyctlBuffer(unix.KEYCTL_READ, key, content, 0)
}
