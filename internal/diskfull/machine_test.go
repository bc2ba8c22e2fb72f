//go:build realdisk && linux

package diskfull

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/calwatch/calwatch/internal/fakeserver"
)

// patient bounds every wait for something that is expected to happen.
const patient = 30 * time.Second

// programDir is where program puts it; TestMain removes it.
var programDir string

// program builds the tool once, as a user would.
var program = sync.OnceValues(func() (string, error) {
	var err error
	if programDir, err = os.MkdirTemp("", "realdisk-"); err != nil {
		return "", err
	}
	path := filepath.Join(programDir, "calwatch")
	out, err := exec.Command("go", "build", "-o", path, "github.com/calwatch/calwatch/cmd/calwatch").CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: string(out), Err: err}
	}
	return path, nil
})

// A machine is a disk with somebody's home on it, and a service.
type machine struct {
	*disk
	server *fakeserver.Server
	at     []string // flags that say where the service is
	signIn []string // flags that say where to sign in
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	server := fakeserver.New(&fakeserver.Options{AutoApprove: true})
	t.Cleanup(func() { _ = server.Close() })
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, endpoint.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return &machine{
		disk: newDisk(t), server: server,
		at:     []string{"--endpoint", endpoint.API(), "--ca-file", ca},
		signIn: []string{"--authority", endpoint.Authority(), "--client-id", server.SignIn().ClientID(), "--ca-file", ca, "--device-code"},
	}
}

// output can be written to by a process, and waited on.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed at the next write
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// A running tool.
type running struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr *output
	done           chan struct{}
}

func (m *machine) start(args ...string) *running {
	m.t.Helper()
	path, err := program()
	if err != nil {
		m.t.Fatal(err)
	}
	r := &running{
		t: m.t, cmd: exec.Command(path, args...), done: make(chan struct{}),
		stdout: &output{more: make(chan struct{})}, stderr: &output{more: make(chan struct{})},
	}
	r.cmd.Env = []string{"HOME=" + m.dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + m.dir}
	r.cmd.Stdout, r.cmd.Stderr = io.Writer(r.stdout), io.Writer(r.stderr)
	if err := r.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	go func() {
		defer close(r.done)
		_ = r.cmd.Wait() // the status is in ProcessState
	}()
	m.t.Cleanup(func() { _ = r.cmd.Process.Kill(); <-r.done })
	return r
}

// wait waits until something was printed for the nth time.
func (r *running) wait(o *output, text string, n int) {
	r.t.Helper()
	end := time.After(patient)
	for {
		o.mu.Lock()
		found, more := strings.Count(o.text.String(), text), o.more
		o.mu.Unlock()
		if found >= n {
			return
		}
		select {
		case <-more:
		case <-r.done:
			r.t.Fatalf("it ended before it printed %q %d times:\n%s%s", text, n, r.stdout, r.stderr)
		case <-end:
			r.t.Fatalf("%q was not printed %d times:\n%s%s", text, n, r.stdout, r.stderr)
		}
	}
}

// end waits for the end, checks the status and returns what was said.
func (r *running) end(status int) string {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(patient):
		r.t.Fatalf("it goes on:\n%s", r.stderr)
	}
	if got := r.cmd.ProcessState.ExitCode(); got != status {
		r.t.Errorf("%s: exit status %d, want %d:\n%s", strings.Join(r.cmd.Args[1:], " "), got, status, r.stderr)
	}
	return r.stderr.String()
}

func (r *running) terminate() string {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	return r.end(0)
}

func (m *machine) login() *running { return m.start(append([]string{"login"}, m.signIn...)...) }

func (m *machine) watch() *running {
	return m.start(append([]string{"watch", "-o", "json"}, m.at...)...)
}

// says checks that a message has all it must.
func says(t *testing.T, message string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(message, part) {
			t.Errorf("it does not say %q:\n%s", part, message)
		}
	}
}

// isSignedIn checks that a program that is started now needs nobody.
func (m *machine) isSignedIn() {
	m.t.Helper()
	w := m.watch()
	w.wait(w.stdout, `"reason":"started"`, 1)
	w.terminate()
}
