package tokencache

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// maxFile bounds what is read into memory and what is written: an account of hundreds of scopes has a megabyte.
	maxFile = 4 << 20

	temporaryPrefix = ".tmp-"
	badSuffix       = ".bad"

	// temporaryLife is how long a temporary file may be somebody's who is still writing it.
	temporaryLife = 10 * time.Minute
)

// openOwn opens a file of the directory without following a link, creating it if flag says so, and makes sure by the descriptor that it is a
// regular file of this user that nobody else can read or write.
func openOwn(root *os.Root, name string, flag int) (*os.File, fs.FileInfo, error) {
	path := filepath.Join(root.Name(), name)
	f, err := openNoFollow(root, name, flag)
	if errors.Is(err, errLink) {
		return nil, nil, refuse(path, "is a link", "remove it, and put the file itself there")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("tokencache: opening %s: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		err = fmt.Errorf("tokencache: looking at %s: %w", path, err)
	} else if !info.Mode().IsRegular() {
		err = refuse(path, "is not a regular file", "remove it")
	} else {
		err = vet(path, info, func() string { return closing("600", path) })
	}
	if err != nil {
		return nil, nil, join(err, f.Close())
	}
	return f, info, nil
}

// A version is one writing of a file. Size and times alone do not tell two writings within one tick of the file system's
// clock apart, when the second has got the first one's inode again; the nonce does. nil: there is no file.
type version struct {
	info   fs.FileInfo
	header [headerSize]byte
}

// is reports whether v and w are the same writing.
func (v *version) is(w *version) bool {
	if v == nil || w == nil {
		return v == w
	}
	return v.header == w.header && v.info.Size() == w.info.Size() && v.info.ModTime().Equal(w.info.ModTime()) && os.SameFile(v.info, w.info)
}

// readFile returns the content of a file and which writing it is. If that is known, content is nil. A file that does not
// exist has neither.
func readFile(root *os.Root, name string, known *version) (content []byte, v *version, err error) {
	f, info, err := openOwn(root, name, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info.Size() > maxFile {
		return nil, &version{info: info}, nil // whatever it is: none of ours, and not to be read
	}
	v = &version{info: info}
	n, err := io.ReadFull(f, v.header[:])
	if err == nil && v.is(known) {
		return nil, v, nil
	}
	content = make([]byte, max(int(info.Size()), headerSize))
	copy(content, v.header[:n])
	if err == nil {
		var rest int
		rest, err = io.ReadFull(f, content[n:])
		n += rest
	}
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, nil, fmt.Errorf("tokencache: reading %s: %w", filepath.Join(root.Name(), name), err)
	}
	return content[:n], v, nil
}

// writeFile replaces a file, or makes it, and returns which writing that is. If it fails, what was there is there.
func writeFile(root *os.Root, name string, content []byte) (*version, error) {
	if len(content) > maxFile {
		return nil, fmt.Errorf("tokencache: %d bytes are too much for one account (%d at most): nothing was stored", len(content), maxFile)
	}
	temporary, info, err := writeTemporary(root, name, content)
	if err == nil {
		if err = rename(root, temporary, name); err != nil {
			err = join(err, root.Remove(temporary))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("tokencache: storing in %s failed, what was there is unchanged: %w", root.Name(), err)
	}
	v := &version{info: info}
	copy(v.header[:], content)
	return v, syncDirectory(root)
}

// writeTemporary makes a new file whose content is safely on the disk, and returns its name. It is to become the one called target.
func writeTemporary(root *os.Root, target string, content []byte) (name string, info fs.FileInfo, err error) {
	name = temporaryPrefix + target + "-" + strings.ToLower(rand.Text())
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", nil, err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		info, err = f.Stat()
	}
	if err = join(err, f.Close()); err != nil {
		return "", nil, join(err, root.Remove(name))
	}
	return name, info, nil
}

// sweep removes the temporary files, whose names begin with prefix, of writers that were killed. What cannot be removed stays
// until the next time: it is no worse than what it was to become.
func sweep(root *os.Root, prefix string, now time.Time) {
	names, _ := list(root)
	for _, name := range names {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if info, err := root.Lstat(name); err == nil && now.Sub(info.ModTime()) >= temporaryLife { // else gone, or in use
			_ = root.Remove(name)
		}
	}
}

// list returns the names of all files in the directory.
func list(root *os.Root) ([]string, error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("tokencache: listing %s: %w", root.Name(), err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("tokencache: listing %s: %w", root.Name(), err)
	}
	return names, nil
}
