package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a run of the program as a process of its own.
type process struct {
	stdout, stderr *lines
	cmd            *exec.Cmd
	done           chan struct{}
}

// build makes the program, as a user would, and returns its path.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "calwatch.exe") // Windows runs nothing without the ending
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// start runs a program, with variables for all of its environment but what
// every program needs.
func start(t *testing.T, program string, variables []string, args ...string) *process {
	t.Helper()
	p := &process{stdout: newLines(), stderr: newLines(), cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Env = append(homeless(), variables...)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // the status is in ProcessState
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.done })
	return p
}

// spawn runs this program as a process of its own, without building it anew.
func spawn(t *testing.T, variables []string, args ...string) *process {
	t.Helper()
	// With the race detector, the end of a process would wait a second.
	own := []string{roleVariable + "=calwatch", "GORACE=atexit_sleep_ms=0 " + os.Getenv("GORACE")}
	return start(t, os.Args[0], append(own, variables...), args...)
}

// end waits for the process to end by itself, and checks its status.
func (p *process) end(t *testing.T, status int) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patient):
		t.Fatalf("the process goes on; stderr:\n%s", p.stderr)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("exit status %d, want %d; stderr:\n%s", got, status, p.stderr)
	}
}

// homeless is this process's environment without what tells where the user's
// files are: a test has to bring a place of its own.
func homeless() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains([]string{"HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"}, strings.ToUpper(name)) ||
			strings.HasPrefix(name, "CALWATCH_")
	})
}

// terminate sends SIGTERM and checks that the process ends well within a
// second.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	begin := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patient):
		t.Fatal("it goes on after SIGTERM")
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("it took %v to end after SIGTERM", took)
	}
	if status := p.cmd.ProcessState.ExitCode(); status != 0 {
		t.Errorf("exit status %d after SIGTERM; stderr:\n%s", status, p.stderr)
	}
}

// Two processes, as a user would run them, and nothing between them but TLS.
func TestWatchAndFakeserverAsProcesses(t *testing.T) {
	t.Parallel()
	program := build(t)
	server := start(t, program, nil, "fakeserver", "--control")
	var where ready
	if err := json.Unmarshal([]byte(server.stdout.wait(t, "{")), &where); err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(where.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	client, err := httpClientTrusting(apiREST, pem)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	control := func(what, body string) string { return post(t, client, where.Control+"/"+what, body) }

	watch := start(t, program, nil, "watch", "me/events", "--auth", "device-code", "--endpoint", where.Endpoint, "--authority", where.Authority,
		"--client-id", where.ClientID, "--ca-file", where.CAFile, "--select", "Subject,Start")
	prompt := watch.stderr.wait(t, "enter the code", where.Authority[:strings.LastIndex(where.Authority, "/")]+"/device")
	_, code, _ := strings.Cut(prompt, "enter the code ")
	code, _, _ = strings.Cut(code, " ")
	control("approve", `{"user_code":"`+code+`"}`)
	resync := func(reason string) {
		t.Helper()
		watch.stdout.wait(t, `"type":"resync"`, `"resource":"me/events"`, `"reason":"`+reason+`"`)
	}
	resync("started")

	for _, change := range []struct{ name, data string }{
		{"created", `{"Subject":"Grüße, 世界","Body":{"Content":"x"}}`}, {"updated", `{"Subject":"Moved"}`}, {"deleted", `{}`},
	} {
		control("changes", `{"resource":"me/events","change":"`+change.name+`","id":"AAMk1","data":`+change.data+`}`)
		line := watch.stdout.wait(t, `"type":"`+change.name+`"`, `"id":"AAMk1"`, `"version":"W/`, `"sequence":`, `"subscription":"`)
		if change.name == "created" && (!strings.Contains(line, `"Subject":"Grüße, 世界"`) || strings.Contains(line, "Body")) {
			t.Errorf("what was selected is not what came: %s", line)
		}
	}

	control("changes", `{"resource":"me/events","change":"Missed"}`)
	resync("missed")
	// While this is the only stream: the server notices late that the client
	// has left one, and a fault may strike that one.
	control("faults", `{"on":"stream","do":"cut"}`)
	resync("reconnected")
	control("changes", `{"resource":"me/events","change":"SubscriptionRemoved"}`)
	resync("removed")

	// The token and the subscription expire, so that when the stream ends both
	// are refused: 401 first, and then 404.
	control("expire", `{"token":"all"}`)
	control("expire", `{"subscription":"all"}`)
	resync("resubscribed")
	control("changes", `{"resource":"me/events","change":"Created","id":"AAMk2"}`)
	watch.stdout.wait(t, `"type":"created"`, `"id":"AAMk2"`, `"sequence":1,`)

	if requests := get(t, client, where.Control+"/requests"); !containsAll(requests, []string{`"status":401`, `"status":404`}) {
		t.Error("the service did not refuse both the token and the subscription: they were not survived")
	}
	watch.terminate(t)

	exchange := start(t, program, []string{"CALWATCH_PASSWORD=fake-password"}, "watch", "--api", "ews", "--ews-url", where.EWS, "--ca-file", where.CAFile,
		"--auth", "ntlm", "--username", "alex@contoso.test")
	exchange.stdout.wait(t, `"type":"resync"`, `"resource":"me"`, `"reason":"started"`)
	control("changes", `{"resource":"me/events","change":"Created","id":"AAMk3"}`)
	exchange.stdout.wait(t, `"type":"created"`, `"id":"AAMk3"`, `"event":"CreatedEvent"`)
	exchange.terminate(t)
	server.terminate(t)
	if _, err := os.Stat(where.CAFile); !os.IsNotExist(err) {
		t.Errorf("the temporary directory is still there: %v", err)
	}
}
