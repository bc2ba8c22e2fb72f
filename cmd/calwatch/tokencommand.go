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

// tokenCommand is an auth.Provider that runs a program, which prints a token.
type tokenCommand struct {
	life    context.Context // no run of it lives longer
	argv    []string
	environ []string
	stderr  io.Writer
	turn    chan struct{} // held by the one run there may be
}

func newTokenCommand(ctx context.Context, line string, environ []string, stderr io.Writer) (*tokenCommand, error) {
	argv, err := splitWords(line)
	if err != nil {
		return nil, err
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		return nil, err
	}
	return &tokenCommand{life: ctx, argv: argv, environ: environ, stderr: stderr, turn: make(chan struct{}, 1)}, nil
}

// wait waits for the run that is under way, if any, and lets no other begin.
func (t *tokenCommand) wait() { t.turn <- struct{}{} }

// refused adds to an error what this provider's part in it is, if the token was
// refused and there was no other.
func (t *tokenCommand) refused(err error) error {
	if !errors.Is(err, auth.ErrRejected) {
		return err
	}
	return fmt.Errorf("the token command printed the refused token again: %w", err)
}

// Token implements auth.Provider. Errors never hold what the command printed,
// nor its arguments.
func (t *tokenCommand) Token(ctx context.Context, _ auth.Request) (auth.Token, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-t.life.Done():
		return auth.Token{}, context.Cause(t.life)
	case <-ctx.Done():
		return auth.Token{}, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	defer context.AfterFunc(t.life, cancel)()

	var out limitedBuffer
	cmd := exec.CommandContext(ctx, t.argv[0], t.argv[1:]...)
	cmd.Env = t.environ
	cmd.Stdout = &out
	cmd.Stderr = t.stderr
	cmd.WaitDelay = commandGrace
	killAll(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success() {
		err = nil // it has said what it had to say
	}
	value := strings.TrimSpace(out.kept.String())
	switch {
	case t.life.Err() != nil:
		return auth.Token{}, context.Cause(t.life)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return auth.Token{}, fmt.Errorf("token command %s: no token within %v", t.argv[0], commandTimeout)
	case out.over: // err may be that the command could not go on writing
		return auth.Token{}, fmt.Errorf("%w: token command %s: %w", auth.ErrMisconfigured, t.argv[0], errTooMuch)
	case err != nil:
		return auth.Token{}, fmt.Errorf("token command %s: %w", t.argv[0], err)
	case value == "":
		return auth.Token{}, fmt.Errorf("token command %s: it printed no token", t.argv[0])
	}
	if what := unfit(value); what != "" {
		return auth.Token{}, fmt.Errorf("%w: token command %s: it printed %s", auth.ErrMisconfigured, t.argv[0], what)
	}
	return auth.Token{Value: value}, nil
}

var errTooMuch = errors.New("it printed more than any token has")

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
