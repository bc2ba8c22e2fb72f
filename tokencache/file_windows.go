package tokencache

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

var (
	errLink     = errors.New("a link")
	errUnstable = errors.New("it cannot be told from a link, as it is another file at each look; use a directory on a local disk")
)

// looks is how often a file is looked at that is another one each time. Some file systems have no lasting numbers for their files.
const looks = 10

// openNoFollow opens a file of the directory. An os.Root follows links as long as they stay inside of it; so the file that was opened
// has to be the one that has the name. Between the two looks another process may have replaced it, which calls for another look.
func openNoFollow(root *os.Root, name string, flag int) (*os.File, error) {
	pause := time.Millisecond
	for range looks {
		f, err := root.OpenFile(name, flag, 0o600)
		if err != nil {
			return nil, err
		}
		named, err := root.Lstat(name)
		if err != nil {
			return nil, join(err, f.Close())
		}
		if named.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0 {
			return nil, join(errLink, f.Close())
		}
		opened, err := f.Stat()
		if err != nil {
			return nil, join(err, f.Close())
		}
		if os.SameFile(named, opened) {
			return f, nil
		}
		_ = f.Close()
		<-time.After(pause)
		pause *= 2
	}
	return nil, errUnstable
}

// vet has nothing to look at: modes mean nothing here, and the access list of the profile's directory is what protects.
func vet(string, fs.FileInfo, func() string) error { return nil }

func rename(root *os.Root, from, to string) error {
	return whenFree(func() error { return root.Rename(from, to) })
}

func remove(root *os.Root, name string) error {
	return whenFree(func() error { return root.Remove(name) })
}

// whenFree tries again while another process (or a virus scanner) has the file open in a way that forbids it.
func whenFree(do func() error) error {
	for pause := time.Millisecond; ; pause *= 2 {
		err := do()
		busy := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !busy || pause > time.Second {
			return err
		}
		<-time.After(pause)
	}
}

// syncDirectory does nothing: Windows has no such call.
func syncDirectory(*os.Root) error { return nil }
