//go:build exchangelib

package exchangelib

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// python is Debian's, which has its packages.
const python = "/usr/bin/python3"

// patience is how long the script may take for anything.
const patience = time.Minute

// An order is what the script is to do.
type order struct {
	Do            string   `json:"do"`
	Mailbox       string   `json:"mailbox"`
	URL           string   `json:"url"`
	User          string   `json:"user"`
	Password      string   `json:"password"`
	NTLM          bool     `json:"ntlm"`
	Impersonate   bool     `json:"impersonate"`
	Anchor        string   `json:"anchor"`
	Folders       []string `json:"folders"`
	Kind          string   `json:"kind"`
	Subscription  string   `json:"subscription"`
	Subscriptions []string `json:"subscriptions"`
	Watermark     string   `json:"watermark"`
	Body          string   `json:"body"`
	OK            bool     `json:"ok"`
	State         string   `json:"state"`
	Page          int      `json:"page"`
	Fields        []string `json:"fields"`
}

// An event is one as exchangelib has it.
type event struct {
	Type         string `json:"type"`
	Item         string `json:"item"`
	Key          string `json:"key"`
	Folder       string `json:"folder"`
	Parent       string `json:"parent"`
	OldItem      string `json:"oldItem"`
	Subscription string `json:"subscription"`
}

// A change is one that a sync has told of.
type change struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Text string `json:"text"`
	Read *bool  `json:"read"`
}

// done is what an order came to.
type done struct {
	Folder       string `json:"folder"`
	Cookie       string `json:"cookie"`
	Subscription string `json:"subscription"`
	Watermark    string `json:"watermark"`
	More         bool   `json:"more"`
	Answer       string `json:"answer"`
	State        string `json:"state"`
}

type line struct {
	Event  *event  `json:"event"`
	Change *change `json:"change"`
	Done   *done   `json:"done"`
	Error  string  `json:"error"`
}

// A script is the client's process. One order is carried out after the other.
type script struct {
	in     io.WriteCloser
	lines  *bufio.Scanner
	kill   func() error
	stderr *bytes.Buffer // read once the process has ended
}

func startScript(t *testing.T, ca []byte) *script {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "judge.py")
	cmd.Env = append(os.Environ(), "REQUESTS_CA_BUNDLE="+file, "PYTHONDONTWRITEBYTECODE=1")
	s := &script{stderr: new(bytes.Buffer), kill: func() error { return cmd.Process.Kill() }}
	cmd.Stderr = s.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("NOTHING IS PROVED HERE: %v", err)
	}
	s.in, s.lines = in, bufio.NewScanner(out)
	s.lines.Buffer(nil, 16<<20)
	t.Cleanup(func() {
		in.Close() // its end
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v (Debian's package python3-exchangelib has what it needs)", python, err)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", python, s.stderr)
		}
	})
	return s
}

// errScript is what exchangelib has raised.
type errScript struct{ said string }

func (e errScript) Error() string { return e.said }

// do has an order carried out. each is called with every line that comes before what it came to; nil: there must be none.
func (s *script) do(o order, each func(line)) (done, error) {
	timer := time.AfterFunc(patience, func() { _ = s.kill() })
	defer timer.Stop()
	text, err := json.Marshal(o)
	if err != nil {
		return done{}, err
	}
	if _, err := s.in.Write(append(text, '\n')); err != nil {
		return done{}, fmt.Errorf("%s: the script is gone: %w", o.Do, err)
	}
	for s.lines.Scan() {
		var l line
		switch err := json.Unmarshal(s.lines.Bytes(), &l); {
		case err != nil:
			return done{}, fmt.Errorf("%s: %q: %w", o.Do, s.lines.Bytes(), err)
		case l.Done != nil:
			return *l.Done, nil
		case l.Error != "":
			return done{}, errScript{l.Error}
		case each == nil:
			return done{}, fmt.Errorf("%s: not expected: %s", o.Do, s.lines.Bytes())
		}
		each(l)
	}
	return done{}, errors.Join(fmt.Errorf("%s: the script has ended, or took longer than %v", o.Do, patience), s.lines.Err())
}
