//go:build realnet && linux

package realnet

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
)

// A process is this test binary with a role, or another program, in a
// namespace.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	done   chan struct{} // closed when it has ended
	stderr *output
}

// spawn runs this binary in a namespace. out gets each line that it prints.
func spawn[T any](t *testing.T, namespace, role string, config any, out func(T)) *process {
	t.Helper()
	encoded, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ip", "netns", "exec", namespace, own) // ip becomes the program, so that the process id stays
	// With the race detector, the end of a process would wait a second.
	cmd.Env = append(os.Environ(), roleVariable+"="+role, configVariable+"="+string(encoded), "NO_PROXY=*", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, in: in}
	p.start(t, func() {
		if err := eachLine(pipe, out); err != nil {
			t.Errorf("what the %s says: %v", role, err)
		}
	})
	return p
}

// start starts it. drain reads all of its output.
func (p *process) start(t *testing.T, drain func()) {
	t.Helper()
	p.stderr = new(output)
	p.cmd.Stderr = p.stderr
	// A group of its own, so that it can be killed with its children.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.done = make(chan struct{})
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		drain()
		_ = p.cmd.Wait() // most of them are killed
	}()
	t.Cleanup(p.kill)
}

// signal is for all of its group.
func (p *process) signal(s syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, s) }

// kill ends it at once, wherever it is, and waits until it is gone.
func (p *process) kill() {
	select {
	case <-p.done: // its id may be another's by now
	default:
		p.signal(syscall.SIGKILL)
		<-p.done
	}
}

// output keeps what a program says, for the report of a failure.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
