//go:build unix

package tokencache

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes an exclusive lock without waiting. It ends when the file is closed, or with the process.
func tryLock(f *os.File) error {
	for {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case unix.EWOULDBLOCK:
			return errLocked
		case unix.EINTR:
		default:
			return err
		}
	}
}

// releaseLock leaves it to the closing, which unlocks at once.
func releaseLock(*os.File) {}
