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

// vet refuses what belongs to somebody else or is open to others. mode is what it should be, for chmod.
func vet(path string, info fs.FileInfo, mode string) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
		return refuse(path, "belongs to another user", command("chown", strconv.Itoa(os.Geteuid()), path)+" if its content can be trusted")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return refuse(path, "is open to other users ("+info.Mode().String()+")", command("chmod", mode, path)+" if nobody can have read or changed it")
	}
	return nil
}

func rename(root *os.Root, from, to string) error { return root.Rename(from, to) }

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
