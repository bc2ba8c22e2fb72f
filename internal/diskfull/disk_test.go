//go:build realdisk && linux

package diskfull

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const insideVariable = "DISKFULL_TEST_INSIDE"

// TestMain runs the tests in a mount namespace of their own, which ends with
// them.
func TestMain(m *testing.M) {
	if os.Getenv(insideVariable) != "" {
		status := m.Run()
		_ = os.RemoveAll(programDir)
		sum.print()
		os.Exit(status)
	}
	runtime.LockOSThread() // Pdeathsig is about this thread
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	inside := exec.Command(self, os.Args[1:]...)
	inside.Env = append(os.Environ(), insideVariable+"=1")
	inside.Stdout, inside.Stderr = os.Stdout, os.Stderr
	inside.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	err = inside.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		fmt.Fprintf(os.Stderr, "realdisk: FAILED, as no mount namespace can be made: %v. These tests need root on Linux, and CAP_SYS_ADMIN in a container\n", err)
		os.Exit(1)
	}
	os.Exit(inside.ProcessState.ExitCode())
}

// summary counts what was tried.
type summary struct {
	mu     sync.Mutex
	faults int
	files  map[string]bool
	lost   int
}

var sum = &summary{files: map[string]bool{}}

// tried notes that a fault met the writing of a kind of file.
func (s *summary) tried(file string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults++
	s.files[file] = true
}

func (s *summary) losing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost++
}

func (s *summary) print() {
	if what := "nothing lost"; s.lost > 0 {
		fmt.Printf("realdisk: %d faults on %d files, %d LOST\n", s.faults, len(s.files), s.lost)
	} else {
		fmt.Printf("realdisk: %d faults on %d files, %s\n", s.faults, len(s.files), what)
	}
}

// A disk is a small file system.
type disk struct {
	t   *testing.T
	dir string
}

// newDisk mounts 128 KiB with room for 64 files.
func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{t, filepath.Join(t.TempDir(), "disk")}
	err := os.Mkdir(d.dir, 0o700)
	if err == nil {
		err = unix.Mount("realdisk", d.dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=128k,nr_inodes=64,mode=700")
	}
	if err != nil {
		t.Fatalf("no file system can be mounted: %v. These tests need root on Linux, and CAP_SYS_ADMIN in a container", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(d.dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *disk) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

// fill leaves room for no byte but those of spare pages.
func (d *disk) fill(spare int) {
	d.t.Helper()
	f, err := os.OpenFile(d.path("filler"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, os.Getpagesize())
	size := int64(0)
	for err == nil {
		var n int
		n, err = f.Write(page)
		size += int64(n)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatalf("the disk does not fill: %v", err)
	}
	if err := f.Truncate(max(0, size-int64(spare*len(page)))); err != nil {
		d.t.Fatal(err)
	}
}

// useUp makes files until there can be no other.
func (d *disk) useUp() {
	d.t.Helper()
	if err := os.Mkdir(d.path("fillers"), 0o700); err != nil {
		d.t.Fatal(err)
	}
	for i := 0; ; i++ {
		err := os.WriteFile(d.path("fillers", fmt.Sprint(i)), nil, 0o600)
		if errors.Is(err, syscall.ENOSPC) {
			return
		}
		if err != nil || i > 100 {
			d.t.Fatalf("the disk does not run out of files: %v", err)
		}
	}
}

// remount makes it read-only, or writable again.
func (d *disk) remount(readOnly bool) {
	d.t.Helper()
	flags := uintptr(unix.MS_REMOUNT | unix.MS_NOSUID | unix.MS_NODEV)
	if readOnly {
		flags |= unix.MS_RDONLY
	}
	if err := unix.Mount("realdisk", d.dir, "tmpfs", flags, ""); err != nil {
		d.t.Fatal(err)
	}
}

// A trouble is something that can happen to a disk.
type trouble struct {
	name  string
	begin func(d *disk)
	end   func(d *disk)
	errno syscall.Errno
}

var troubles = []trouble{
	{"no byte is left", func(d *disk) { d.fill(0) }, makeRoom, syscall.ENOSPC},
	{"a page is left", func(d *disk) { d.fill(1) }, makeRoom, syscall.ENOSPC},
	{"no file can be made", (*disk).useUp, makeRoom, syscall.ENOSPC},
	{"it is read-only", func(d *disk) { d.remount(true) }, func(d *disk) { d.remount(false) }, syscall.EROFS},
}

func makeRoom(d *disk) {
	d.t.Helper()
	if err := errors.Join(os.RemoveAll(d.path("filler")), os.RemoveAll(d.path("fillers"))); err != nil {
		d.t.Fatal(err)
	}
}

// state is what every file below a directory holds, but for what fills the disk
// and for locks, which are empty.
func (d *disk) state() map[string]string {
	d.t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(d.dir, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		if err == nil && entry.IsDir() && name == "fillers" {
			return fs.SkipDir
		}
		if err != nil || !entry.Type().IsRegular() || name == "filler" || strings.HasPrefix(name, "lock-") || strings.HasPrefix(name, "renew-") {
			return err
		}
		content, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, d.dir)] = string(content)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return files
}

// unchanged checks that nothing has become of what was there, and nothing was
// left.
func (d *disk) unchanged(before map[string]string) {
	d.t.Helper()
	after := d.state()
	for name, content := range before {
		if got, there := after[name]; !there || got != content {
			sum.losing()
			d.t.Errorf("%s is not what it was (there: %v, %d bytes of %d)", name, there, len(got), len(content))
		}
	}
	for name := range after {
		if _, there := before[name]; !there {
			d.t.Errorf("%s was left", name)
		}
	}
}

// explained checks that an error says where, and why.
func explained(t *testing.T, err error, want syscall.Errno, where string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want one that is %q", err, want.Error())
		return
	}
	if text := err.Error(); !strings.Contains(text, where) || !strings.Contains(text, want.Error()) || strings.Contains(text, "secret-") {
		t.Errorf("the error does not say that it is about %s, and why: %s", where, text)
	}
}
