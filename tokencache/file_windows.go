package tokencache

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

var errLink = errors.New("a link")

// openNoFollow opens a file of the directory. An os.Root follows links as long as they stay inside of it; so the file that was opened
// has to be the one that has the name. Between the two looks another process may have replaced it, which calls for another look.
func openNoFollow(root *os.Root, name string, flag int) (*os.File, error) {
	for {
		f, err := root.OpenFile(name, flag, 0o600)
		if err != nil {
			return nil, err
		}
		named, err := root.Lstat(name)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if named.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0 {
			return nil, errors.Join(errLink, f.Close())
		}
		opened, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if os.SameFile(named, opened) {
			return f, nil
		}
		_ = f.Close()
	}
}

// vet has nothing to look at: modes mean nothing here, and the access list of the profile's directory is what protects.
func vet(string, fs.FileInfo, string) error { return nil }

// rename tries again while another process (or a virus scanner) has the file open in a way that forbids it.
func rename(root *os.Root, from, to string) error {
	for pause := time.Millisecond; ; pause *= 2 {
		err := root.Rename(from, to)
		busy := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !busy || pause > time.Second {
			return err
		}
		<-time.After(pause)
	}
}

// syncDirectory does nothing: Windows has no such call.
func syncDirectory(*os.Root) error { return nil }
