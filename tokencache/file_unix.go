//go:build unix

package tokencache

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// errLink is what opening a link without following it fails with.
const errLink = unix.ELOOP

// openNoFollow opens a file of the directory. An os.Root follows links as long as they stay inside of it, even with O_NOFOLLOW;
// so this goes one step below it, relative to the root's own descriptor. O_NONBLOCK: a named pipe must not hold us up.
func openNoFollow(root *os.Root, name string, flag int) (*os.File, error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	for {
		fd, err := unix.Openat(int(dir.Fd()), name, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), name), nil
		case unix.EINTR:
		default:
			return nil, err
		}
	}
}

// vet refuses what belongs to somebody else or is open to others. remedy says what to do about the latter. To give what is somebody
// else's to this user may take it from a program that needs it; so nobody is told to.
func vet(path string, info fs.FileInfo, remedy func() string) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
		owner := "another user"
		if ok {
			owner = "user " + strconv.FormatUint(uint64(stat.Uid), 10)
		}
		return refuse(path, "belongs to "+owner, instead(info))
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return refuse(path, fmt.Sprintf("is open to others (mode %04o)", mode), remedy())
	}
	return nil
}

// instead says what to use in place of what is somebody else's.
func instead(info fs.FileInfo) string {
	switch {
	case info.Mode()&fs.ModeSticky != 0: // everybody's
		return ownDirectory
	case info.IsDir():
		return "run as that user, or name another directory"
	default:
		return "run as that user, or name another file or directory"
	}
}

func rename(root *os.Root, from, to string) error { return root.Rename(from, to) }

func remove(root *os.Root, name string) error { return root.Remove(name) }

// syncDirectory makes a renaming last.
func syncDirectory(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return fmt.Errorf("tokencache: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("tokencache: %w", err)
	}
	return nil
}
