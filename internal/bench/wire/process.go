package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// What a process is, if it is not the one that measures.
const (
	roleVariable   = "CALWATCH_BENCH_WIRE_ROLE"
	configVariable = "CALWATCH_BENCH_WIRE_CONFIG" // JSON
)

// How long processes may live, whatever happens.
const (
	longest       = 30 * time.Minute
	longestClient = 3 * time.Minute
)

// PlayRole is to be called first in main: if this process was started as a
// server or a client, it is one, until its standard input ends, and played is
// true.
func PlayRole() (played bool, err error) {
	role := os.Getenv(roleVariable)
	if role == "" {
		return false, nil
	}
	life := longestClient
	if role == "server" {
		life = longest
	}
	ctx, cancel := context.WithTimeout(context.Background(), life)
	defer cancel()
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, os.Stdin) // whoever started us is gone, or done with us
		cancel()
	}()
	config := []byte(os.Getenv(configVariable))
	switch role {
	case "server":
		return true, serve(ctx, os.Stdout)
	case "client":
		var c clientConfig
		if err := json.Unmarshal(config, &c); err != nil {
			return true, err
		}
		result, err := c.measure(ctx)
		if err != nil {
			return true, fmt.Errorf("%s: %w", c.Contestant, err)
		}
		return true, json.NewEncoder(os.Stdout).Encode(result)
	case "idle":
		var c idleConfig
		if err := json.Unmarshal(config, &c); err != nil {
			return true, err
		}
		result, err := c.measure(ctx)
		if err != nil {
			return true, err
		}
		return true, json.NewEncoder(os.Stdout).Encode(result)
	default:
		return true, fmt.Errorf("there is no role %q", role)
	}
}

// A process is this program in a role.
type process struct {
	role   string
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *json.Decoder
	stderr bytes.Buffer
}

func start(ctx context.Context, role string, config any) (*process, error) {
	encoded, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{role: role, cmd: exec.CommandContext(ctx, own)}
	p.cmd.Env = append(os.Environ(), roleVariable+"="+role, configVariable+"="+string(encoded), "NO_PROXY=*")
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdout = json.NewDecoder(out)
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

// hear reads the next thing that the process says into v.
func (p *process) hear(v any) error {
	if err := p.stdout.Decode(v); err != nil {
		_ = p.end()
		return fmt.Errorf("the %s says nothing (%w): %s", p.role, err, &p.stderr)
	}
	return nil
}

// end has the process end, and waits until it has.
func (p *process) end() error {
	_ = p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("the %s: %w: %s", p.role, err, &p.stderr)
	}
	return nil
}

// result waits for the one thing that a process has to say, and for its end.
func result[T any](p *process) (T, error) {
	var v T
	if err := p.hear(&v); err != nil {
		return v, err
	}
	return v, p.end()
}
