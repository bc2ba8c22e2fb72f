package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

const (
	commandTimeout = 30 * time.Second
	// commandGrace is how long the output is waited for after a command's end,
	// should it have left something running that holds it open.
	commandGrace = time.Second
)

// A secretCommand is a program that prints a secret, whenever that is needed.
type secretCommand struct {
	secret  string          // "token", for errors
	life    context.Context // no run of it lives longer
	argv    []string
	environ []string
	stderr  io.Writer
	turn    chan struct{} // held by the one run there may be
}

func newSecretCommand(ctx context.Context, secret, line string, environ []string, stderr io.Writer) (*secretCommand, error) {
	argv, err := splitWords(line)
	if err != nil {
		return nil, err
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		return nil, err
	}
	return &secretCommand{secret: secret, life: ctx, argv: argv, environ: environ, stderr: stderr, turn: make(chan struct{}, 1)}, nil
}

// wait waits for the run that is under way, if any, and lets no other begin.
func (c *secretCommand) wait() { c.turn <- struct{}{} }

// String names the command in errors, without its arguments.
func (c *secretCommand) String() string { return c.secret + " command " + c.argv[0] }

// run returns what the command prints, without white space around it. Errors
// never hold that, nor the command's arguments.
func (c *secretCommand) run(ctx context.Context) (string, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-c.life.Done():
		return "", context.Cause(c.life)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()

	var out limitedBuffer
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Env = c.environ
	cmd.Stdout = &out
	cmd.Stderr = c.stderr
	cmd.WaitDelay = commandGrace
	killAll(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success() {
		err = nil // it has said what it had to say
	}
	value := strings.TrimSpace(out.kept.String())
	switch {
	case c.life.Err() != nil:
		return "", context.Cause(c.life)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("%v: no %s within %v", c, c.secret, commandTimeout)
	case out.over: // err may be that the command could not go on writing
		return "", fmt.Errorf("%w: %v: %w", auth.ErrMisconfigured, c, errTooMuch)
	case err != nil:
		return "", fmt.Errorf("%v: %w", c, err)
	case value == "":
		return "", fmt.Errorf("%v: it printed no %s", c, c.secret)
	}
	return value, nil
}

var errTooMuch = errors.New("it printed more than any token or password has")

// limitedBuffer keeps what a command prints, up to a limit. It does not embed
// the buffer, whose ReadFrom knows no limit.
type limitedBuffer struct {
	kept bytes.Buffer
	over bool // there was more
}

// Write implements io.Writer.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.kept.Len()+len(p) > maxToken {
		b.over = true
		return 0, errTooMuch
	}
	return b.kept.Write(p)
}

// splitWords splits a command line: words are separated by white space, and
// '...' and "..." keep white space and the other quotation mark. Nothing else
// is special, so that a path of Windows needs no care.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	inWord := false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, inWord = r, true
		case quote == 0 && strings.ContainsRune(" \t\r\n", r):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quotation mark %c is not closed", quote)
	}
	if inWord {
		words = append(words, word.String())
	}
	if len(words) == 0 || words[0] == "" {
		return nil, errors.New("it names no program")
	}
	return words, nil
}
