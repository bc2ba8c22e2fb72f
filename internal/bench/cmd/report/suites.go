package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/calwatch/calwatch/internal/bench/results"
)

// command runs a suite that is a program of its own.
func (s settings) command(ctx context.Context, suite string) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, suite)
	if err := s.do(ctx, io.Discard, "internal/bench", nil, "go", "build", "-o", program, "./cmd/"+suite); err != nil {
		return err
	}
	stored, err := filepath.Abs(s.path(suite, ".json"))
	if err != nil {
		return err
	}
	args := []string{program, "-o", stored}
	if s.short {
		args = append(args, "-short")
	}
	return s.logged(suite, func(log io.Writer) error { return s.do(ctx, log, "internal/bench", nil, args...) })
}

// micro runs the benchmarks in memory, several times over, so that what else
// the machine does meets all of them alike; and once more, those of the
// standard library, in its other implementation.
func (s settings) micro(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	passes, benchtime := s.passes, s.benchtime
	if s.short {
		passes, benchtime = min(2, passes), min(5*time.Millisecond, benchtime)
	}
	builds := []struct {
		name       string
		experiment []string
		only       string
	}{
		{"micro", nil, "."},
		{"micro-v2", []string{"GOEXPERIMENT=jsonv2"}, "Micro/.*/.*/16k/(calwatch|encoding-json|jsontext)$"},
	}
	for _, b := range builds {
		if err := s.do(ctx, io.Discard, "internal/bench", b.experiment, "go", "test", "-c", "-o", filepath.Join(dir, b.name), "./micro"); err != nil {
			return err
		}
	}
	runs := map[string][]line{}
	err = s.logged("micro", func(log io.Writer) error {
		for pass := range passes {
			for _, b := range builds {
				fmt.Fprintf(log, "# pass %d %s\n", pass+1, b.name)
				var out bytes.Buffer
				err := s.do(ctx, io.MultiWriter(log, &out), "internal/bench/micro", nil, filepath.Join(dir, b.name),
					"-test.run", "^$", "-test.bench", b.only, "-test.benchtime", benchtime.String(), "-test.cpu", "1", "-test.benchmem")
				if err != nil {
					return err
				}
				runs[b.name] = append(runs[b.name], lines(out.String())...)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	values := map[string]float64{"micro.passes": float64(passes), "micro.benchtime.ms": float64(benchtime) / 1e6}
	for name, all := range runs {
		maps.Copy(values, best(all, func(l line) string {
			return name + "." + strings.ReplaceAll(strings.TrimPrefix(l.name, "BenchmarkMicro/"), "/", ".")
		}))
	}
	machine := results.ThisMachine()
	if machine.Modules, err = modules(filepath.Join(dir, "micro")); err != nil {
		return err
	}
	return results.File{Suite: "micro", Taken: time.Now().UTC(), Machine: machine, Values: values}.Write(s.path("micro", ".json"))
}

// modules are those that a program was built from.
func modules(program string) (map[string]string, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for _, module := range info.Deps {
		if module.Replace == nil { // what is replaced is the library itself
			versions[module.Path] = module.Version
		}
	}
	return versions, nil
}

// token runs the benchmarks of the sign-in, which are of the library's own
// tests; several times over, too, as one with one account and one with 10,000
// are minutes apart.
func (s settings) token(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	const of = "outlookstream/auth/msalauth"
	program := filepath.Join(dir, "token")
	if err := s.do(ctx, io.Discard, ".", nil, "go", "test", "-c", "-o", program, "./"+of); err != nil {
		return err
	}
	passes, benchtime := min(3, s.passes), "500ms"
	if s.short {
		passes, benchtime = 1, "20ms"
	}
	var out bytes.Buffer
	err = s.logged("token", func(log io.Writer) error {
		for pass := range passes {
			fmt.Fprintf(log, "# pass %d\n", pass+1)
			err := s.do(ctx, io.MultiWriter(log, &out), of, nil, program, "-test.run", "^$", "-test.bench", "Token", "-test.benchtime", benchtime)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	values := best(lines(out.String()), func(l line) string {
		accounts, what, _ := strings.Cut(strings.TrimPrefix(l.name, "BenchmarkToken/accounts="), "/")
		return "token." + accounts + "." + what
	})
	machine := results.ThisMachine()
	if machine.Modules, err = modules(program); err != nil {
		return err
	}
	return results.File{Suite: "token", Taken: time.Now().UTC(), Machine: machine, Values: values}.Write(s.path("token", ".json"))
}

// logged has what a suite prints stored, and shown, too.
func (s settings) logged(suite string, run func(log io.Writer) error) error {
	file, err := os.Create(s.path(suite, ".txt"))
	if err != nil {
		return err
	}
	if err := run(io.MultiWriter(file, os.Stderr)); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

// do runs a command in a directory of the repository.
func (s settings) do(ctx context.Context, out io.Writer, dir string, env []string, command ...string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir, c.Env, c.Stdout, c.Stderr = filepath.Join(s.repo, dir), append(os.Environ(), env...), out, os.Stderr
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	return nil
}
